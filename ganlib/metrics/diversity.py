"""Measure whether pictures differ, and whether anything is in them: cheap signs of a collapse."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlib.data.alpha import GREY, RGB, RGBA, premultiplied, tensor_on_checks
from ganlib.errors import RequestError
from ganlib.metrics.features import FeatureArray, as_features
from ganlib.transfers import Pending, pending_number, sent

PICTURES = 128
PAIRS = 64
SIZE = 32
WINDOW = 7
"""Pixels along the side of a window, as in scikit-image; `_averaged` adds them as 4 + 2 + 1."""
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales in MS-SSIM, the finest first (Wang et al. 2003); those of the scales that fit sum to 1."""


def pairwise_similarity(pictures: Tensor) -> float:
    """Compute the mean multi-scale structural similarity (MS-SSIM, Wang et al. 2003) of up to 64 pairs of pictures.

    Pictures larger than 32 pixels are resized to 32 (bilinear, antialiased). Of more than 128 pictures, 128
    evenly spaced ones are used. The pairs depend on the number of pictures only. Each scale has half the pixels
    of the one before; there are as many as the 7 x 7 window fits into, five at most: three at 32 pixels. At each
    scale the terms are those of `skimage.metrics.structural_similarity`, averaged over the colour channels. Pictures
    with alpha are compared on grey checks (`ganlib.data.alpha`).

    Args:
        pictures: uint8 (n, 3 or 4, h, w), values 0 to 255, n >= 2, h and w >= 7.

    Returns:
        A mean in [0, 1]; 1 when all pictures are equal.

    Raises:
        RequestError: on another dtype or shape, or fewer than two pictures.
    """
    return pending_similarity(pictures).read()


def pending_similarity(pictures: Tensor) -> Pending[float]:
    """Compute `pairwise_similarity`, without waiting for the device."""
    _check(pictures)
    n = len(pictures)
    if n < 2 or min(pictures.shape[2:]) < WINDOW:
        raise RequestError(
            f"pictures have shape {tuple(pictures.shape)}; similarity needs at least 2 of at least "
            f"{WINDOW} x {WINDOW} pixels"
        )
    rows = np.unique(np.linspace(0, n - 1, min(n, PICTURES)).round().astype(int))
    pairs = np.stack(np.triu_indices(len(rows), k=1))
    chosen = pairs[:, np.random.RandomState(0).permutation(pairs.shape[1])[:PAIRS]]
    used, places = np.unique(chosen, return_inverse=True)
    small = _small(tensor_on_checks(pictures[sent(torch.from_numpy(rows[used]), pictures.device)]))
    first, second = sent(torch.from_numpy(places.reshape(chosen.shape)), small.device)
    return pending_number(ms_ssim(small, first, second).mean())


def ms_ssim(x: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Compute the MS-SSIM of pairs of pictures; see `pairwise_similarity`.

    Args:
        x: (n, 3, h, w) float, values 0 to 255, h and w >= 7.
        first: (p,) int64, which picture of ``x`` is the first of each pair.
        second: (p,) int64, which is the second.

    Returns:
        (p,), in [0, 1]; a negative similarity of a scale counts as 0.
    """
    scales = min(int(np.log2(min(x.shape[2:]) / WINDOW)) + 1, len(SCALE_WEIGHTS))
    weights = np.array(SCALE_WEIGHTS[:scales]) / sum(SCALE_WEIGHTS[:scales])
    result = x.new_ones(len(first))
    for scale, weight in enumerate(weights):
        if scale:
            x = F.avg_pool2d(x, 2)
        term, *means = _structure(x, first, second)
        if scale == scales - 1:  # brightness is compared at the coarsest scale only
            term *= _luminance(*means)
        result = result * term.mean((1, 2, 3)).clamp(min=0) ** float(weight)
    return result


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Compute the structural similarity (SSIM, Wang et al. 2004) of each picture of ``x`` with that of ``y``.

    Windows are 7 x 7 and even, as those of `skimage.metrics.structural_similarity`, averaged over the colour channels.

    Args:
        x: (n, 3, h, w) float, values 0 to 255, h and w >= 7.
        y: of the shape and range of ``x``.

    Returns:
        (n,), in [-1, 1].
    """
    first = torch.arange(len(x), device=x.device)
    structure, *means = _structure(torch.cat([x, y]), first, first + len(x))
    return (_luminance(*means) * structure).mean((1, 2, 3))


def _structure(x: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compare contrast and structure in each full window of pairs; also returns the means in those of both pictures."""
    stable, sample = (0.03 * 255) ** 2, WINDOW**2 / (WINDOW**2 - 1)
    # What is of one picture is computed once, in however many pairs the picture is.
    mean = _averaged(x)
    variance = _averaged(x * x).sub_(mean * mean).mul_(sample)
    mean_x, mean_y = mean[first], mean[second]
    covariance = _averaged(x[first].mul_(x[second])).sub_(mean_x * mean_y).mul_(sample)
    structure = covariance.mul_(2).add_(stable).div_(variance[first].add_(variance[second]).add_(stable))
    return structure, mean_x, mean_y


def _luminance(mean_x: Tensor, mean_y: Tensor) -> Tensor:
    """Compare the brightness of windows that have these means."""
    stable = (0.01 * 255) ** 2
    return (2 * mean_x * mean_y + stable) / (mean_x**2 + mean_y**2 + stable)


def _averaged(x: Tensor) -> Tensor:
    """Average each full window: rows, then columns, a sum of seven as 4 + 2 + 1, which additions of whole maps make.

    A pooling, which adds window by window, takes four times as long on a CPU.
    """
    for dim in (2, 3):
        full = x.shape[dim] - WINDOW + 1
        two = x.narrow(dim, 0, full + 4) + x.narrow(dim, 1, full + 4)
        four = two.narrow(dim, 0, full) + two.narrow(dim, 2, full)
        x = four.add_(two.narrow(dim, 4, full)).add_(x.narrow(dim, 6, full))
    return x.div_(WINDOW**2)


def vendi_from_features(features: FeatureArray) -> float:
    """Count how many different pictures there are, in effect (Vendi score, Friedman & Dieng 2023, arXiv:2210.02410).

    The exponential of the entropy of the eigenvalues of K / n, K the matrix of the cosines between the pictures'
    features. Cosines between the features of any two pictures are far from 0, so that the number is much smaller than
    n, and only to be compared with that of other pictures of the same extractor and of equal n.

    Args:
        features: (n, d) array or tensor, one row a picture, n >= 2; rows of zeros count as equal to one another.

    Returns:
        A number from 1, all equal, to n, all orthogonal.

    Raises:
        RequestError: on a wrong shape, and on NaN or infinity.

    Example:
        >>> import numpy as np
        >>> round(vendi_from_features(np.repeat(np.eye(3), 4, axis=0)), 6)
        3.0
    """
    with torch.inference_mode():
        return pending_vendi(as_features(features, "features")).read()


def pending_vendi(x: Tensor) -> Pending[float]:
    """Compute `vendi_from_features` of checked float64 features."""
    x = torch.cat([x, (x == 0).all(1, keepdim=True).to(x)], dim=1)
    x = x / x.norm(dim=1, keepdim=True)
    gram = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    shares = torch.linalg.eigvalsh(gram / len(x)).clamp(min=0)
    return pending_number((-torch.special.xlogy(shares, shares).sum()).exp().clamp(1, len(x)))


def pixel_std(pictures: Tensor) -> float:
    """Average the standard deviation over pixels, scaled to [0, 1], over pictures and channels.

    A picture of a single colour counts as 0, and so does one that is quite transparent: with alpha, the colours are
    multiplied by it, and it counts as a channel.

    Args:
        pictures: uint8 (n, 3 or 4, h, w), values 0 to 255, n >= 1.

    Returns:
        A number in [0, 0.5].

    Raises:
        RequestError: on another dtype or shape, or no pictures.
    """
    return pending_pixel_std(pictures).read()


def pending_pixel_std(pictures: Tensor) -> Pending[float]:
    """Compute `pixel_std`, without waiting for the device."""
    _check(pictures)
    if pictures.numel() == 0:
        raise RequestError(f"pictures have shape {tuple(pictures.shape)}; at least one is needed")
    scaled = premultiplied(pictures).add_(1).div_(2) if pictures.shape[1] == RGBA else pictures.float() / 255
    return pending_number(scaled.flatten(2).std(2, correction=0).mean())


def _check(pictures: Tensor) -> None:
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] not in (GREY, RGB, RGBA):
        raise RequestError(
            f"pictures have dtype {pictures.dtype} and shape {tuple(pictures.shape)}; give uint8 (n, 3, h, w), "
            "(n, 1, h, w) of grey, or (n, 4, h, w) with alpha"
        )


def _small(pictures: Tensor) -> Tensor:
    x = pictures.detach().double()
    size = (min(SIZE, x.shape[2]), min(SIZE, x.shape[3]))
    if x.shape[2:] != size:
        x = F.interpolate(x, size, mode="bilinear", antialias=True)
    return x
