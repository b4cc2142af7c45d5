"""The Pareto front: points that no other point dominates."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def front(points: ArrayLike) -> NDArray[np.bool_]:
    """Mark the points that no other dominates: none is at most as large everywhere and smaller somewhere.

    Equal points do not dominate each other. A point with a coordinate that is not finite is unknown: it is never on the
    front, and dominates nobody.

    Args:
        points: Shape (n, m), smaller is better in each of the m coordinates.

    Returns:
        Shape (n,).

    Example:
        >>> front([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0], [float("nan"), 0.0]]).tolist()
        [True, True, False, False]
    """
    values = np.asarray(points, dtype=np.float64)
    found = np.zeros(len(values), dtype=bool)
    if not values.size:
        return found
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    kept = np.empty((len(known), values.shape[1]))
    count = 0
    # In lexicographic order only an earlier point can dominate a later one.
    for index in known[np.lexsort(values[known].T[::-1])]:
        before, point = kept[:count], values[index]
        if not ((before <= point).all(axis=1) & (before < point).any(axis=1)).any():
            kept[count], count, found[index] = point, count + 1, True
    return found
