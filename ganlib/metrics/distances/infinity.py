"""FID of infinitely many pictures, extrapolated (Chong & Forsyth 2020, arXiv:1911.07023).

FID falls as the number of pictures grows, and by how much depends on the generator, so that at a finite number it may
order two of them wrongly. The bias is linear in 1/n: the distance of subsets of growing size, drawn as a straight
line over 1/n, meets 1/n = 0 at the distance without it.

The paper takes the real statistics as exact, because it has 50,000 pictures. Small data sets do not: their share of
the bias, which is linear in 1/n as well, is removed by taking as many real pictures as generated ones.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganlib.errors import RequestError
from ganlib.metrics.distances.frechet import Gaussian, fit, pending_distance
from ganlib.metrics.features import FeatureArray, as_pair
from ganlib.transfers import NONE, Pending, gathered, sent

LEAST_PICTURES = 10
POINTS = 8
"""Sizes of subsets that the line is drawn through."""
LEAST = 0.4
"""The smallest subset, as a share of the set: smaller ones leave the straight part of the curve."""


class FidInfinity(NamedTuple):
    """The extrapolated distance, and its standard error as the line's residuals tell it."""

    value: float
    se: float


def fid_infinity_from_features(
    x: FeatureArray, y: FeatureArray, points: int = POINTS, seed: int = 0
) -> FidInfinity:
    """Extrapolate the Frechet distance of two sets of features to infinitely many pictures of each.

    Subsets of equal size n are drawn from both sets, for ``points`` sizes evenly spaced in 1/n from 40 % of the
    smaller set to all of it. Sizes must exceed the number of directions in which features vary much, otherwise the
    curve has not become straight and the result is too high.

    Args:
        x: (n, d) array or tensor, one row a picture, n >= 10.
        y: (m, d) array or tensor, m >= 10.
        points: How many sizes, >= 3.
        seed: Of the draw of the subsets.

    Returns:
        ``(value, se)``. The value may be slightly below zero for sets of one distribution: it is not clipped, as a
        clipped one would be biased again.

    Raises:
        RequestError: on a wrong shape, on unequal d, on NaN or infinity, and on too few points or pictures.

    Example:
        >>> import numpy as np
        >>> x, y = np.random.default_rng(0).normal(size=(2, 2000, 4))
        >>> abs(fid_infinity_from_features(x, y).value) < 0.01
        True
    """
    with torch.inference_mode():
        first, second = as_pair(x, y)
        smaller = min(len(first), len(second))
        if points < 3 or smaller < LEAST_PICTURES:
            raise RequestError(
                f"points is {points} and the smaller set has {smaller} pictures; the extrapolation needs at least "
                "3 points and 10 pictures"
            )
        return _pending(first, second, points, seed).read()


def measurable_fid_infinity(x: Tensor, y: Tensor) -> FidInfinity | None:
    """Compute `fid_infinity_from_features`, or None where the pictures are too few for it to mean anything.

    That is with fewer than 10, and where the line ends below zero, which no distance does: then the curve was not
    straight, or the distance is smaller than the line can tell.
    """
    with torch.inference_mode():
        return pending_fid_infinity(*as_pair(x, y)).read()


def pending_fid_infinity(x: Tensor, y: Tensor) -> Pending[FidInfinity | None]:
    """Compute `measurable_fid_infinity` of checked float64 features."""
    if min(len(x), len(y)) < LEAST_PICTURES:
        return Pending(NONE, lambda _: None)
    return _pending(x, y, POINTS, seed=0).then(lambda found: found if found.value >= 0 else None)


def _pending(x: Tensor, y: Tensor, points: int, seed: int) -> Pending[FidInfinity]:
    smaller = min(len(x), len(y))
    inverse = np.linspace(1 / (LEAST * smaller), 1 / smaller, points)
    sizes = [round(1 / value) for value in inverse]
    draw = np.random.RandomState(seed)
    values = gathered([_distance(x, y, size, draw) for size in sizes])
    return values.then(lambda found: _intercept(1 / np.array(sizes), np.array(found)))


def _distance(x: Tensor, y: Tensor, size: int, draw: np.random.RandomState) -> Pending[float]:
    of_x, of_y = (sent(torch.from_numpy(draw.permutation(len(f))[:size]), f.device) for f in (x, y))

    def drawn() -> tuple[Gaussian, Tensor]:
        return fit(x[of_x]), y[of_y]

    return pending_distance(drawn)


def _intercept(inverse: np.ndarray, values: np.ndarray) -> FidInfinity:
    """Find where the line of least squares meets 1/n = 0, and the standard error of that."""
    design = np.stack([np.ones_like(inverse), inverse], axis=1)
    solution, _, _, _ = np.linalg.lstsq(design, values, rcond=None)
    residual = values - design @ solution
    variance = float(residual @ residual) / (len(values) - 2)
    return FidInfinity(float(solution[0]), float(np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0])))
