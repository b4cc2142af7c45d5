"""Equalise the histograms of a batch on its device, as PIL and torchvision define it.

Each channel's values are spread so that they fill the whole range evenly; the anime-face studies used it as
``RandomEqualize``. There is no loop over pictures and no trip to the host.
"""

import torch
from torch import Tensor

from ganlib.data.alpha import RGB, RGBA

LEVELS = 256


def equalize(pictures: Tensor) -> Tensor:
    """Equalise the histogram of each channel of each picture, ``(n, c, h, w)`` uint8.

    Of four channels, RGBA, the colours are equalised, over those pixels that can be seen; alpha stays.
    """
    if pictures.shape[1] == RGBA:
        seen = (pictures[:, RGB:] > 0).expand(-1, RGB, -1, -1)
        return torch.cat([_equalized(pictures[:, :RGB], seen), pictures[:, RGB:]], 1)
    return _equalized(pictures, torch.ones_like(pictures))


def _equalized(pictures: Tensor, counted: Tensor) -> Tensor:
    """Equalise over the pixels that are counted; no other pixel may be brighter than all of those."""
    n, c, h, w = pictures.shape
    levels = pictures.long().reshape(n * c, h * w)
    ones = counted.long().reshape(n * c, h * w)
    counts = levels.new_zeros(n * c, LEVELS).scatter_add_(1, levels, ones)
    brightest = levels.amax(1, keepdim=True)
    # How many pixels go into one step of the new range; the brightest level is not counted.
    step = (ones.sum(1, keepdim=True) - counts.gather(1, brightest)) // (LEVELS - 1)
    before = counts.cumsum(1) - counts  # how many pixels are darker than each level
    table = ((before + step // 2) // step.clamp(min=1)).clamp(max=LEVELS - 1)
    equalized = table.gather(1, levels)
    return torch.where(step == 0, levels, equalized).to(torch.uint8).reshape(n, c, h, w)


def random_equalize(pictures: Tensor, p: Tensor, random: torch.Generator) -> Tensor:
    """Equalise each picture with probability ``p``.

    Args:
        pictures: ``(n, c, h, w)`` uint8.
        p: a scalar on the pictures' device.
        random: the RNG, on the pictures' device.
    """
    chosen = torch.rand((len(pictures),), generator=random, device=pictures.device) < p
    return torch.where(chosen[:, None, None, None], equalize(pictures), pictures)
