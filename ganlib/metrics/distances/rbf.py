r"""Kernel distance with a Gaussian kernel (CMMD, Jayasumana et al. 2024, arXiv:2401.09603).

1000 times the squared maximum mean discrepancy with the kernel ``exp(-|x - y|^2 / (2 * 10^2))`` of features of unit
length; CMMD when they come from CLIP. It is unbiased, as the paper has it. The authors' program computes the biased
estimate, which is larger by ``(1000 - k(x)) / n + (1000 - k(y)) / m``, where k is 1000 times the mean of the kernel
between different rows of a set: with 10,000 pictures that is next to nothing, with the hundred of a first rung it is
more than what generators differ by.

On features of unit length this kernel is nearly a straight line, so that the distance is nearly that of the two means.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ganlib.metrics.distances.jackknife import jackknife
from ganlib.metrics.features import FeatureArray, as_pair
from ganlib.transfers import Pending

SIGMA = 10.0
"""Width of the kernel, and so it is in the paper."""
SCALE = 1000.0
"""What the distance is multiplied by, so that people can read it; as in the paper."""
BLOCK_ELEMENTS = 1 << 23
"""Elements of the kernel matrix held at a time: 64 MiB in float64."""


class Mmd(NamedTuple):
    """The distance and its standard error; ``se`` is NaN where the sets are too small to tell."""

    value: float
    se: float


@dataclass(frozen=True)
class UnitSet:
    """Features of unit length, and what each contributes to the kernel within its set.

    Attributes:
        features: (n, d) float64, rows of length 1, or 0 where a row was all zeros.
        sums: (n,) float64, the sum over all other rows of the kernel less 1.
    """

    features: Tensor
    sums: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "UnitSet":
        """Scale checked float64 features (n, d) to unit length; rows of zeros stay."""
        lengths = features.norm(dim=1, keepdim=True)
        unit = features / torch.where(lengths > 0, lengths, 1)
        return cls(unit, _sums(unit, unit)[0])  # a row with itself adds nothing

    def __len__(self) -> int:
        return len(self.features)


def pending_mmd(x: UnitSet, y: UnitSet) -> Pending[Mmd]:
    """Compute `mmd_from_features` of sets that were scaled before."""
    n, m = len(x), len(y)
    to_y, to_x = _sums(x.features, y.features)
    value = x.sums.sum() / (n * (n - 1)) + y.sums.sum() / (m * (m - 1)) - 2 * to_y.sum() / (n * m)
    if min(n, m) < 3:
        return Pending.of([value], lambda found: Mmd(SCALE * found[0], math.nan))
    variance = jackknife(x.sums / (n - 1), to_y / m) + jackknife(y.sums / (m - 1), to_x / n)
    return Pending.of([value, variance], lambda found: Mmd(SCALE * found[0], SCALE * math.sqrt(found[1])))


def mmd_from_features(x: FeatureArray, y: FeatureArray) -> Mmd:
    """Compute the kernel distance between two sets of features of unit length; CMMD when they come from CLIP.

    Features are scaled to unit length first; rows of zeros stay as they are. Computed in float64 on the device of
    ``x``. Unbiased: it does not fall as n grows, and may be slightly negative for sets of one distribution.

    ``se`` is how far it would move with other pictures on both sides: the delete-one jackknife of each set (Efron and
    Stein 1981), whose variance is too large rather than too small.

    Args:
        x: (n, d) array or tensor, one row a picture, n >= 2.
        y: (m, d) array or tensor, m >= 2.

    Returns:
        ``(value, se)``, 1000 times the squared discrepancy: at most about 40, less the nearer the sets are. ``se`` is
        NaN where a set has fewer than three rows.

    Raises:
        RequestError: on a wrong shape, on unequal d, and on NaN or infinity.

    Example:
        >>> import numpy as np
        >>> x = np.repeat(np.eye(2), 2, axis=0)
        >>> round(mmd_from_features(x[:2], x[2:]).value, 3)
        19.9
    """
    with torch.inference_mode():
        first, second = as_pair(x, y)
        return pending_mmd(UnitSet.of(first), UnitSet.of(second)).read()


def _sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Sum the kernel less 1 over the rows of the other set: (n,) for those of ``x``, (m,) for those of ``y``.

    Without the 1, which cancels in the distance, nothing is lost to rounding where sets are near each other.
    """
    squares, rows, columns = y.square().sum(1), [], y.new_zeros(len(y))
    for part in x.split(max(1, BLOCK_ELEMENTS // len(y))):
        apart = part.square().sum(1, keepdim=True) + squares - 2 * part @ y.T
        kernel = torch.expm1(apart.clamp_(min=0).div_(-2 * SIGMA**2))
        rows.append(kernel.sum(1))
        columns += kernel.sum(0)
    return torch.cat(rows), columns
