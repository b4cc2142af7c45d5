r"""Frechet distance between two sets of features (FID, Heusel et al. 2017, arXiv:1706.08500).

A Gaussian is fitted to each set; the distance is ``|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)``. No
square root of a matrix is taken: with ``S1 = L L^T`` and centred features B of the other set, S2 = B^T B /
(m - 1), the last trace is the nuclear norm of ``B L / sqrt(m - 1)``, whose squared singular values are the
eigenvalues of a symmetric matrix of size min(n, m, d).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlib.metrics.features import FeatureArray, as_pair
from ganlib.transfers import Pending

# Squaring the product halves the digits of its small singular values. Where that could change the distance by
# more than these shares, of itself and of the total variance, the singular values are computed directly.
RELATIVE_DOUBT = 1e-7
ABSOLUTE_DOUBT = 1e-10
EPSILON = torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian fitted to features: the sample mean and a factor of the sample covariance (n - 1).

    Attributes:
        mean: (d,) float64.
        factor: (d, r) float64 with ``factor @ factor.T`` the covariance; r = min(n, d).
        rank: the largest rank the covariance can have, min(n - 1, d).
    """

    mean: Tensor
    factor: Tensor
    rank: int

    @property
    def variance(self) -> Tensor:
        """Total variance, the trace of the covariance: a scalar on the device."""
        return self.factor.square().sum()


def fit(features: Tensor) -> Gaussian:
    """Fit a Gaussian to checked features, an (n, d) float64 tensor."""
    n, d = features.shape
    mean, centred = _centre(features)
    # A QR factor needs no product of the features with themselves and so keeps all their digits.
    root = centred if n <= d else _triangular_factor(centred)
    return Gaussian(mean, root.mT / math.sqrt(n - 1), min(n - 1, d))


def pending_distance(sets: Callable[[], tuple[Gaussian, Tensor]]) -> Pending[float]:
    """Compute the Frechet distance (squared) of a fitted Gaussian and one fitted to other features.

    Args:
        sets: Gives the Gaussian, and checked (m, d) float64 features. It is asked again in the rare case that the
            distance is in doubt, so that nothing large is kept until then.
    """
    fitted, features = sets()
    m = features.shape[0]
    mean, centred = _centre(features)
    rank = min(fitted.rank, m - 1)
    numbers = [
        *(fitted.variance, centred.square().sum(), (mean - fitted.mean).square().sum()),
        *_nuclear_norm(_product(fitted, centred), rank),
    ]

    def finish(found: list[float]) -> float:
        own, others, apart, largest, overlap, doubt = found
        variance = own + others / (m - 1)
        apart += variance
        if EPSILON * largest <= 0:
            overlap, doubt = 0.0, 0.0
        if 2 * doubt > RELATIVE_DOUBT * (apart - 2 * overlap) + ABSOLUTE_DOUBT * variance:
            again, other = sets()
            product = _product(again, _centre(other)[1])
            overlap = float(torch.linalg.svdvals(product.cpu())[:rank].sum())
        # Below zero only by the rounding that the lines above bound.
        return max(apart - 2 * overlap, 0.0)

    return Pending.of(numbers, finish)


def fid_from_features(x: FeatureArray, y: FeatureArray) -> float:
    """Compute the Frechet distance between two sets of features; FID when they come from the Inception network.

    Computed in float64 with the sample covariance (n - 1), on the device of ``x``. Equals pytorch-fid and
    torch-fidelity. The distance is biased: it falls as n grows, so compare only values of equal n and m.

    Args:
        x: (n, d) array or tensor, one row a picture, n >= 2.
        y: (m, d) array or tensor, m >= 2.

    Returns:
        The distance, >= 0; 0 for equal sets.

    Raises:
        RequestError: on a wrong shape, on unequal d, and on NaN or infinity.

    Example:
        >>> import numpy as np
        >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
        >>> round(fid_from_features(x, x + [3.0, 4.0]), 6)
        25.0
    """
    with torch.inference_mode():
        first, second = as_pair(x, y)
        return pending_distance(lambda: (fit(first), second)).read()


def _centre(features: Tensor) -> tuple[Tensor, Tensor]:
    mean = features.mean(0)
    return mean, features - mean


def _triangular_factor(centred: Tensor) -> Tensor:
    """Compute R of the QR factorisation of a tall matrix, block by block so that memory stays at a few d x d."""
    d = centred.shape[1]
    factor = centred[:0]
    for block in torch.split(centred, 4 * d):
        factor = torch.linalg.qr(torch.cat([factor, block]), mode="r").R
    return factor


def _product(fitted: Gaussian, centred: Tensor) -> Tensor:
    """Multiply centred features with a factor, so that the nuclear norm is the trace of the root."""
    return centred @ fitted.factor / math.sqrt(centred.shape[0] - 1)


def _nuclear_norm(product: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sum the ``rank`` largest singular values, by the smaller Gram matrix, and bound the error of the sum.

    Returns:
        The square of the largest one, the sum, and the bound: scalars on the device. Where the first is 0, the bound is
        no number.
    """
    rows, columns = product.shape
    gram = product @ product.mT if rows <= columns else product.mT @ product
    squares = torch.linalg.eigvalsh(gram)[-rank:]
    rounding = EPSILON * squares[-1]
    doubt = rounding / (2 * squares.clamp(min=rounding).sqrt())
    return squares[-1], squares.clamp(min=0).sqrt().sum(), doubt.sum()
