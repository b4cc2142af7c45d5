"""Compute distances between a photograph and the drawing that was made of it, pixel by pixel.

Photographs and drawings are float (n, 3, h, w) in [-1, 1].
"""

import torch
import torch.nn.functional as F
from torch import Tensor

YUV = (
    (0.299, 0.587, 0.114),
    (-0.14714119, -0.28886916, 0.43601035),
    (0.61497538, -0.51496512, -0.10001026),
)
"""Y, U and V, a row each, of red, green and blue in [0, 1]: the analogue ITU-R BT.601, as TensorFlow has it."""


def landmark_weights(points: Tensor, side: int, sigma: float) -> Tensor:
    """Compute the weight of every pixel: the largest of the Gaussians around a picture's landmarks, 1 at each.

    Args:
        points: (n, k, 2), x from the left and then y from the top, as shares of the picture's side; NaN where a
            landmark is missing.
        side: Of the pictures, in pixels; the centre of the first one lies at 0.5 / side.
        sigma: Standard deviation of the Gaussians, as a share of the side.

    Returns:
        (n, 1, side, side) of the points' type, from 0 to 1; 0 throughout where a picture has no landmark.
    """
    centres = (torch.arange(side, device=points.device, dtype=points.dtype) + 0.5) / side
    x, y = points.unbind(-1)
    across = (centres - x[..., None]).square()[..., None, :]
    down = (centres - y[..., None]).square()[..., :, None]
    heights = torch.exp((across + down) / (-2 * sigma**2)).nan_to_num(nan=0.0)
    return heights.amax(1, keepdim=True)


def landmark_distance(photos: Tensor, made: Tensor, weights: Tensor) -> Tensor:
    """Compute the mean absolute difference, a scalar, weighted with (n, 1, h, w), which says where it matters.

    The weights' sum over the batch is the divisor; without any weight the distance is 0.
    """
    differences = (made - photos).abs().mean(1, keepdim=True)
    least = torch.finfo(weights.dtype).tiny
    return (weights * differences).sum() / weights.sum().clamp_min(least)


def colour_distance(photos: Tensor, made: Tensor) -> Tensor:
    """Compute how far a drawing's colours are from those of its photograph, a scalar.

    The mean absolute difference of Y and the Huber losses (delta 1) of U and V are added, all of pictures in [0, 1]:
    Chen et al., "AnimeGAN: A Novel Lightweight GAN for Photo Animation", 2019.
    """
    before, after = _yuv(photos), _yuv(made)
    luminance = F.l1_loss(after[0], before[0])
    return luminance + F.huber_loss(after[1], before[1]) + F.huber_loss(after[2], before[2])


def _yuv(pictures: Tensor) -> list[Tensor]:
    """Compute Y, U and V, each (n, h, w), of pictures brought to [0, 1]."""
    red, green, blue = ((pictures + 1) / 2).unbind(1)
    return [shares[0] * red + shares[1] * green + shares[2] * blue for shares in YUV]
