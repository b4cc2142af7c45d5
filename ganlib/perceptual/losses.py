"""Compute distances between feature maps: of content, place by place, and of texture, wherever it is."""

import torch
import torch.nn.functional as F
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a grey level (ITU-R BT.601)."""


def content_distance(a_maps: Tensor, b_maps: Tensor) -> Tensor:
    """Compute the mean absolute difference, a scalar, of two sets of feature maps (n, c, h, w), place by place.

    Chen et al., "CartoonGAN", 2018, equation 5.
    """
    return F.l1_loss(a_maps, b_maps)


def gram(maps: Tensor) -> Tensor:
    """Compute the Gram matrices F F^T / (c h w), (n, c, c), of feature maps F, (n, c, h, w).

    They say which features come together in a picture, and not where (Gatys et al., "Image Style Transfer Using
    Convolutional Neural Networks", 2016). Products are of the maps' own type also where training computes in bfloat16.
    """
    with torch.autocast(maps.device.type, enabled=False):
        flat = maps.flatten(2)
        return flat @ flat.mT / flat[0].numel()


def style_distance(drawn_maps: Tensor, made_maps: Tensor) -> Tensor:
    """Compute the mean absolute difference, a scalar, of the mean Gram matrices of two batches.

    No picture of the one belongs to a picture of the other, so that each batch is first averaged over its pictures:
    what differs from one drawing to the next is not asked of every generated picture.

    Args:
        drawn_maps: Feature maps of drawings, (n, c, h, w).
        made_maps: Feature maps of generated pictures, (m, c, h', w').
    """
    return F.l1_loss(gram(made_maps).mean(0), gram(drawn_maps).mean(0))


def grey(pictures: Tensor) -> Tensor:
    """Make pictures (n, 3, h, w) grey, in three equal channels; [-1, 1] stays [-1, 1].

    The `style_distance` of grey drawings and grey generated pictures is one of texture without colour, after Chen et
    al., "AnimeGAN: A Novel Lightweight GAN for Photo Animation", 2019.
    """
    red, green, blue = pictures.split(1, dim=1)
    level: Tensor = LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue
    return level.expand(-1, 3, -1, -1)
