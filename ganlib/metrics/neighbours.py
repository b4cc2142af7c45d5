"""Measure by nearest neighbours: precision, recall, density, coverage, and which real pictures are nearest.

Precision and recall after Kynkaanniemi et al. 2019 (arXiv:1904.06991), density and coverage after Naeem et al. 2020
(arXiv:2002.09797). A picture's ball reaches to its k-th nearest neighbour in its own set, itself not counted.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ganlib.errors import RequestError
from ganlib.metrics.features import FeatureArray, as_pair
from ganlib.transfers import Pending

BLOCK_ELEMENTS = 1 << 23
"""Distances held at a time: 64 MiB in float64."""
ROUNDING = 1e-12
"""Squared distances that differ by less than this share are equal: they come from products of matrices."""


class Prdc(NamedTuple):
    """Fidelity (precision, density) and variety (recall, coverage), all better when larger.

    Attributes:
        precision: Share of generated pictures within a ball of a real one.
        recall: Share of real pictures within a ball of a generated one.
        density: Mean number of real balls that a generated picture lies in, over k; may exceed 1.
        coverage: Share of real pictures with a generated one within their ball.
    """

    precision: float
    recall: float
    density: float
    coverage: float


class Neighbours(NamedTuple):
    """The nearest real pictures of each generated one: (m, k) int64 and (m, k) float64, nearest first."""

    indices: Tensor
    distances: Tensor


def prdc_from_features(real: FeatureArray, fake: FeatureArray, k: int = 5) -> Prdc:
    """Compute precision, recall, density and coverage of generated features against real ones.

    Computed in float64 on the device of ``real``, block by block. A picture on the edge of a ball lies in it for
    precision and recall, and outside for density and coverage, as in the authors' code.

    Args:
        real: (n, d) array or tensor, one row a picture, n > k.
        fake: (m, d) array or tensor, m > k.
        k: Which neighbour a ball reaches to, >= 1.

    Raises:
        RequestError: on a wrong shape, on unequal d, on NaN or infinity, and on sets not larger than k.

    Example:
        >>> import numpy as np
        >>> x = np.arange(6.0)[:, None]
        >>> prdc_from_features(x, x + 0.25, k=1)
        Prdc(precision=1.0, recall=1.0, density=1.8333333333333333, coverage=1.0)
    """
    with torch.inference_mode():
        x, y = as_pair(real, fake)
        if k < 1 or min(len(x), len(y)) <= k:
            raise RequestError(
                f"k is {k} and the sets have {len(x)} and {len(y)} pictures; k must be at least 1 and below both"
            )
        return pending_prdc(x, y, k).read()


def pending_prdc(x: Tensor, y: Tensor, k: int) -> Pending[Prdc]:
    """Compute `prdc_from_features` of checked float64 features, ``x`` the real ones."""
    # Less the mean, which no distance notices, the products below lose fewer digits.
    centre = x.mean(0)
    x, y = x - centre, y - centre
    radius_x, radius_y = _radii(x, k), _radii(y, k) * (1 + ROUNDING)
    precise, inside, recalled, nearest = [], [], [], []
    for block, radius in zip(_blocks(x, len(y)), _blocks(radius_x, len(y)), strict=True):
        squares = _squares(block, y)
        open_ball = radius * (1 - ROUNDING)
        precise.append((squares <= (radius * (1 + ROUNDING))[:, None]).any(0))
        inside.append((squares < open_ball[:, None]).sum(0))
        recalled.append((squares <= radius_y).any(1))
        nearest.append(squares.min(1).values < open_ball)
    shares = [
        *(torch.stack(precise).any(0), torch.cat(recalled)),
        *(torch.stack(inside).sum(0), torch.cat(nearest)),
    ]

    def finish(found: list[float]) -> Prdc:
        precision, recall, density, coverage = found
        return Prdc(precision, recall, density / k, coverage)

    return Pending.of([share.double().mean() for share in shares], finish)


def nearest_real(fake: FeatureArray, real: FeatureArray, k: int = 1) -> Neighbours:
    """Find the real pictures that are nearest to each generated one in feature space, to see what was copied.

    Args:
        fake: (m, d) array or tensor of generated features, m >= 2.
        real: (n, d) array or tensor of real features, n >= 2.
        k: How many for each, 1 to n.

    Returns:
        Rows of ``real`` and Euclidean distances, nearest first.

    Raises:
        RequestError: on a wrong shape, on unequal d, on NaN or infinity, and on a k out of range.
    """
    with torch.inference_mode():
        y, x = as_pair(fake, real)
        if not 1 <= k <= len(x):
            raise RequestError(f"k is {k}; it must be from 1 to the {len(x)} real pictures")
        centre = x.mean(0)
        x, y = x - centre, y - centre
        found = [_squares(block, x).topk(k, largest=False) for block in _blocks(y, len(x))]
        return Neighbours(torch.cat([f.indices for f in found]), torch.cat([f.values for f in found]).sqrt())


def _blocks(x: Tensor, others: int) -> tuple[Tensor, ...]:
    return torch.split(x, max(1, BLOCK_ELEMENTS // others))


def _squares(x: Tensor, y: Tensor) -> Tensor:
    """Compute squared Euclidean distances by a product of matrices; what rounding leaves of a zero is a zero again."""
    size = x.square().sum(1)[:, None] + y.square().sum(1)
    squares = size - 2 * (x @ y.T)
    return squares.masked_fill_(squares < ROUNDING * size, 0.0)


def _radii(x: Tensor, k: int) -> Tensor:
    """Compute the squared distance of each row to its k-th nearest other row."""
    # The row itself, at distance 0, is the first of the k + 1 nearest.
    return torch.cat([_squares(block, x).kthvalue(k + 1).values for block in _blocks(x, len(x))])
