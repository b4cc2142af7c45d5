"""Change what the discriminator sees, real or generated, at random and differentiably (DiffAugment).

Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", 2020,
https://arxiv.org/abs/2006.10738, with the ranges of their code. Both halves of training see changed pictures, so
that the generator does not learn the changes.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganlib.data.alpha import RGBA, joined, parts

SHIFT = 0.125
"""Pictures are moved by up to this share of their side."""
CUTOUT = 0.5
"""The side of the square that is cut out, as a share of the picture's."""
SEEN = 2.0
"""The mean of what is seen of a picture is not farther from grey: with `_color`'s brightness it lies within 1.5."""


def diffaugment(pictures: Tensor, policies: Sequence[str], random: torch.Generator) -> Tensor:
    """Apply the policies, in their order.

    Args:
        pictures: ``(n, 1 or 3, h, w)`` float, in [-1, 1]; gradients pass. Or ``(n, 4, h, w)``, RGBA with the colour
            multiplied by alpha: ``color`` leaves alpha alone, and ``translation`` and ``cutout`` leave nothing where
            they leave grey without it.
        policies: of ``color``, ``translation``, ``cutout``.
        random: the RNG, on the pictures' device.
    """
    for policy in policies:
        pictures = POLICIES[policy](pictures, random)
    return pictures


def _uniform(pictures: Tensor, random: torch.Generator) -> Tensor:
    draw = torch.rand((len(pictures), 1, 1, 1), generator=random, device=pictures.device)
    return draw.to(pictures.dtype)


def _color(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Change brightness by [-0.5, 0.5], saturation by a factor in [0, 2], contrast by one in [0.5, 1.5]."""
    colour, alpha = parts(pictures)
    colour = colour + _uniform(pictures, random) * alpha - 0.5 * alpha
    grey = colour.mean(1, keepdim=True)
    colour = grey + 2 * _uniform(pictures, random) * (colour - grey)
    mean = colour.mean((1, 2, 3), keepdim=True)
    if not isinstance(alpha, float):
        mean = _mean_seen(mean, alpha) * alpha
    return joined(mean + (0.5 + _uniform(pictures, random)) * (colour - mean), alpha)


def _mean_seen(mean: Tensor, alpha: Tensor) -> Tensor:
    """Divide the mean of premultiplied colours by that of alpha: the mean of what is seen.

    Of real pictures it lies within `SEEN`, and alpha is not negative. A generator that ends without tanh makes any
    numbers: its alphas may add up to nothing, and the quotient to thousands.
    """
    shares = alpha.clamp_min(0).mean((1, 2, 3), keepdim=True).clamp_min(1e-3)
    return (mean / shares).clamp(-SEEN, SEEN)


def _whole(n: int, low: int, high: int, random: torch.Generator, device: torch.device) -> Tensor:
    """Draw whole numbers ``(n, 1)`` in [low, high]."""
    return torch.randint(low, high + 1, (n, 1), generator=random, device=device)


def _translation(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Move pictures by whole pixels; what comes in from outside is 0, middle grey, or nothing with alpha."""
    n, _, *sides = pictures.shape
    for dim, side in zip((2, 3), sides, strict=True):
        most = round(side * SHIFT)
        shift = _whole(n, -most, most, random, pictures.device)
        source = torch.arange(side, device=pictures.device) + shift  # (n, side)
        shape = [n, 1, 1, 1]
        shape[dim] = side
        index = source.clamp(0, side - 1).view(shape).expand_as(pictures)
        inside = ((source >= 0) & (source < side)).view(shape)
        pictures = _kept(pictures.gather(dim, index), inside)
    return pictures


def _cutout(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Set a square, which may reach over the edge, to 0, middle grey, or to nothing with alpha."""
    n, _, h, w = pictures.shape
    inside = []
    for side in (h, w):
        length = round(side * CUTOUT)
        start = _whole(n, 0, side - length % 2, random, pictures.device) - length // 2
        position = torch.arange(side, device=pictures.device)
        inside.append((position >= start) & (position < start + length))  # (n, side)
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return _kept(pictures, ~hole)


def _kept(pictures: Tensor, mask: Tensor) -> Tensor:
    """Keep the pixels for which the mask is true; the others become middle grey, or nothing with alpha."""
    return pictures * mask if pictures.shape[1] != RGBA else (pictures + 1) * mask - 1


POLICIES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "color": _color,
    "translation": _translation,
    "cutout": _cutout,
}
