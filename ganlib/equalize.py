"""Histogram equalisation of a batch on its device, as PIL and torchvision define it.

Each channel's values are spread so that they fill the whole range evenly; the anime-face studies used it as
``RandomEqualize``. There is no loop over pictures and no trip to the host.
"""

import torch
from torch import Tensor

LEVELS = 256


def equalize(pictures: Tensor) -> Tensor:
    """Pictures ``(n, c, h, w)`` uint8, each channel of each with its histogram equalised."""
    n, c, h, w = pictures.shape
    levels = pictures.long().reshape(n * c, h * w)
    counts = levels.new_zeros(n * c, LEVELS).scatter_add_(1, levels, torch.ones_like(levels))
    brightest = levels.amax(1, keepdim=True)
    # How many pixels go into one step of the new range; the brightest level is not counted.
    step = (h * w - counts.gather(1, brightest)) // (LEVELS - 1)
    before = counts.cumsum(1) - counts  # how many pixels are darker than each level
    table = ((before + step // 2) // step.clamp(min=1)).clamp(max=LEVELS - 1)
    equalized = table.gather(1, levels)
    return torch.where(step == 0, levels, equalized).to(torch.uint8).reshape(n, c, h, w)


def random_equalize(pictures: Tensor, p: Tensor, random: torch.Generator) -> Tensor:
    """Each picture is equalised with probability ``p``.

    Args:
        pictures: ``(n, c, h, w)`` uint8.
        p: a scalar on the pictures' device.
        random: the RNG, likewise.
    """
    chosen = torch.rand((len(pictures),), generator=random, device=pictures.device) < p
    return torch.where(chosen[:, None, None, None], equalize(pictures), pictures)
