r"""Sliced Wasserstein distance between two sets of features (MIND, Berthet et al. 2026, arXiv:2605.06797).

Features are projected onto random directions. On a line the optimal transport between two sets takes the values in
their order, so that sorting finds it. The distance is the mean over the directions of the squared 2-Wasserstein
distance, times 3 d, which brings it to the size of FID: two sets that only differ by a shift s have the distance
3 |s|^2, as directions of unit length see |s|^2 / d of it on average.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ganlib.metrics.features import FeatureArray, as_pair
from ganlib.transfers import Pending, pending_number, sent

DIRECTIONS = 1000
"""Random directions that features are projected onto."""
SEED = 0
"""Seed of the directions: one for all, so that equal features give equal numbers."""
FACTOR = 3.0
"""The distance is multiplied by this and by d; the paper's."""
BLOCK_ELEMENTS = 1 << 23
"""Projections held at a time, and kept of the real side: 64 MiB in float64."""

Part = tuple[Tensor, Tensor, Tensor]


class SlicedSet:
    """A set of features with its projections in the order of their values.

    Args:
        features: Checked float64 features, (m, d).
    """

    def __init__(self, features: Tensor) -> None:
        self.features = features
        self._kept: tuple[int, list[Part]] | None = None

    def pending_distance(self, others: Tensor) -> Pending[float]:
        """Compute `mind_from_features` to checked float64 features (n, d)."""
        total = others.new_zeros(())
        for directions, means, within in self._parts(len(others)):
            ordered = (directions @ others.T).sort(1).values
            total = total + (ordered - means).square().mean(1).sum() + within
        return pending_number((FACTOR * others.shape[1] / DIRECTIONS * total).clamp(min=0))

    def _parts(self, n: int) -> Iterator[Part] | list[Part]:
        """Give the set's side of the distance to n rows, for some directions at a time; small ones are kept."""
        if n * DIRECTIONS > BLOCK_ELEMENTS:
            return self._computed(n)
        known = self._kept  # read once: trials of a pack are measured in threads of their own
        if known is None or known[0] != n:
            self._kept = known = n, list(self._computed(n))
        return known[1]

    def _computed(self, n: int) -> Iterator[Part]:
        rows, d = self.features.shape
        directions = sent(torch.from_numpy(directions_of(d)), self.features.device)
        for part in directions.split(max(1, BLOCK_ELEMENTS // max(n, rows))):
            ordered = (part @ self.features.T).sort(1).values
            means = means_of_quantiles(ordered, n)
            # Each of the n rows is carried to a share of this set; how far that share is spread costs as well.
            yield part, means, (ordered.square().mean(1) - means.square().mean(1)).sum()


def mind_from_features(x: FeatureArray, y: FeatureArray) -> float:
    """Compute the sliced Wasserstein distance between two sets of features; MIND when they are Inception's.

    The mean over 1000 random directions, the same for all sets, of the squared 2-Wasserstein distance of what is
    projected onto them, times 3 d. Computed in float64 on the device of ``x``. The optimal transport is exact for sets
    of unequal sizes, too: nothing is left out of the larger one. The distance is biased: it falls as n grows, so
    compare only values of equal n and m.

    Args:
        x: (n, d) array or tensor, one row a picture, n >= 2.
        y: (m, d) array or tensor, m >= 2.

    Returns:
        The distance, >= 0; 0 for equal sets.

    Raises:
        RequestError: on a wrong shape, on unequal d, and on NaN or infinity.

    Example:
        >>> import numpy as np
        >>> x = np.array([[0.0], [1.0], [5.0]])
        >>> round(mind_from_features(x, x + 2), 6)
        12.0
    """
    with torch.inference_mode():
        first, second = as_pair(x, y)
        return SlicedSet(first).pending_distance(second).read()


@cache
def directions_of(d: int) -> np.ndarray:
    """Draw the directions in d dimensions: `DIRECTIONS` rows of length 1, float64."""
    drawn = np.random.RandomState(SEED).standard_normal((DIRECTIONS, d))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


def means_of_quantiles(ordered: Tensor, n: int) -> Tensor:
    """Average the quantile function of sorted values over n equal parts: (k, m) to (k, n).

    Where m is a multiple of n, these are the means of m / n values each.
    """
    k, m = ordered.shape
    if m % n == 0:
        return ordered.reshape(k, n, m // n).mean(2)
    # The function is a staircase, so that its integral is a line between the ends of the steps.
    ends = torch.arange(n + 1, device=ordered.device, dtype=torch.float64) * (m / n)
    step = ends.floor().long().clamp(max=m - 1)
    below = torch.cat([ordered.new_zeros(k, 1), ordered.cumsum(1)], dim=1)
    integral = below[:, step] + (ends - step) * ordered[:, step]
    return integral.diff(dim=1) * (n / m)
