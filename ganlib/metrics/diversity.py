"""Do the pictures differ from one another, and is there anything in them: cheap signs of a collapse."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlib.errors import RequestError

PICTURES = 128
PAIRS = 64
SIZE = 32
WINDOW = 7


def pairwise_similarity(pictures: Tensor) -> float:
    """Mean structural similarity (Wang et al. 2004) of up to 64 pairs of different pictures.

    Pictures larger than 32 pixels are resized to 32 (bilinear, antialiased). Of more than 128 pictures, 128
    evenly spaced ones are used. The pairs depend on the number of pictures only. Computed by
    `skimage.metrics.structural_similarity` on the three colour channels, with its 7 x 7 window.

    Args:
        pictures: uint8 (n, 3, h, w), values 0 to 255, n >= 2, h and w >= 7.

    Returns:
        A mean in [-1, 1]; 1 when all are the same.

    Raises:
        RequestError: on another dtype or shape, or fewer than two pictures.
    """
    _check(pictures)
    n = len(pictures)
    if n < 2 or min(pictures.shape[2:]) < WINDOW:
        raise RequestError(
            f"pictures have shape {tuple(pictures.shape)}; similarity needs at least 2 of at least "
            f"{WINDOW} x {WINDOW} pixels"
        )
    from skimage.metrics import structural_similarity

    rows = np.unique(np.linspace(0, n - 1, min(n, PICTURES)).round().astype(int))
    small = _small(pictures[torch.from_numpy(rows).to(pictures.device)])
    first, second = np.triu_indices(len(small), k=1)
    chosen = np.random.RandomState(0).permutation(len(first))[:PAIRS]
    values = [
        structural_similarity(small[i], small[j], channel_axis=2, data_range=255.0)
        for i, j in zip(first[chosen], second[chosen], strict=True)
    ]
    return float(np.mean(values))


def pixel_std(pictures: Tensor) -> float:
    """Mean over pictures and channels of the standard deviation over pixels, pictures scaled to [0, 1].

    A picture of a single colour counts as 0.

    Args:
        pictures: uint8 (n, 3, h, w), values 0 to 255, n >= 1.

    Returns:
        A number in [0, 0.5].

    Raises:
        RequestError: on another dtype or shape, or no pictures.
    """
    _check(pictures)
    if pictures.numel() == 0:
        raise RequestError(f"pictures have shape {tuple(pictures.shape)}; at least one is needed")
    scaled = pictures.detach().float() / 255
    return float(scaled.flatten(2).std(2, correction=0).mean())


def _check(pictures: Tensor) -> None:
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] != 3:
        raise RequestError(
            f"pictures have dtype {pictures.dtype} and shape {tuple(pictures.shape)}; give uint8 (n, 3, h, w)"
        )


def _small(pictures: Tensor) -> np.ndarray:
    x = pictures.detach().float()
    size = (min(SIZE, x.shape[2]), min(SIZE, x.shape[3]))
    if x.shape[2:] != size:
        x = F.interpolate(x, size, mode="bilinear", antialias=True)
    return x.permute(0, 2, 3, 1).cpu().numpy()
