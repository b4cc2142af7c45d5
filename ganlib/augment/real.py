"""Augment real pictures on their device: flips, and changes of colour as one matrix a picture.

Brightness, contrast, saturation and hue are affine in RGB, so that all four together are one 3x3 matrix and
an offset, as in Karras et al., "Training Generative Adversarial Networks with Limited Data", 2020,
https://arxiv.org/abs/2006.06676, appendix B. There is no loop over pictures and no trip to the host.
"""

import math
from collections.abc import Collection

import torch
from torch import Tensor

from ganlib.data.alpha import GREY, joined, parts

BRIGHTNESS = 0.2
"""Added to every channel, drawn from [-0.2, 0.2] of the range."""
CONTRAST = 0.2
"""Factor about middle grey, drawn from [0.8, 1.2]."""
SATURATION = 0.2
"""Factor of the distance from grey, drawn from [0.8, 1.2]."""
HUE = 0.05
"""Rotation about the grey axis, drawn from [-0.05, 0.05] of a turn."""
FLASH = 0.5
"""Policy ``flash``, as of a camera: light, counted from black, is multiplied by 1 to 1.5."""


def around_grey(angle: Tensor) -> Tensor:
    """Make rotations of RGB about the axis (1, 1, 1), ``(n, 3, 3)``, of angles ``(n,)`` in radians (Rodrigues)."""
    axis = torch.full((3,), 1 / math.sqrt(3), device=angle.device, dtype=angle.dtype)
    outer = axis[:, None] * axis[None, :]
    zero = torch.zeros((), device=angle.device, dtype=angle.dtype)
    x = axis[0]
    cross = torch.stack([zero, -x, x, x, zero, -x, -x, x, zero]).reshape(3, 3)
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    eye = torch.eye(3, device=angle.device, dtype=angle.dtype)
    return cos * eye + sin * cross + (1 - cos) * outer


def colour_matrices(n: int, generator: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """Draw colour changes: matrices ``(n, 3, 3)`` and offsets ``(n, 3)`` for pictures in [-1, 1]."""
    draw = torch.rand((4, n), generator=generator, device=device) * 2 - 1
    brightness = draw[0] * 2 * BRIGHTNESS  # the range [-1, 1] is two wide
    contrast, saturation = 1 + draw[1] * CONTRAST, 1 + draw[2] * SATURATION
    hue = around_grey(draw[3] * HUE * 2 * math.pi)
    grey = torch.full((3, 3), 1 / 3, device=device)
    eye = torch.eye(3, device=device)
    saturated = grey + saturation[:, None, None] * (eye - grey)
    return contrast[:, None, None] * (saturated @ hue), brightness[:, None].expand(n, 3)


def flash_matrices(n: int, generator: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """Draw boosts of brightness, in the form of `colour_matrices`."""
    gain = 1 + FLASH * torch.rand((n,), generator=generator, device=device)
    return gain[:, None, None] * torch.eye(3, device=device), (gain - 1)[:, None].expand(n, 3)


def of_channels(matrices: Tensor, offsets: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Turn colour changes ``(n, 3, 3)`` and ``(n, 3)`` into those of grey pictures, where there is one channel.

    A grey colour stays grey, because hue and saturation turn about the axis of greys: of them nothing is left.
    """
    if channels != GREY:
        return matrices, offsets
    return matrices[:, :1].sum(2, keepdim=True), offsets[:, :1]


def augment(
    pictures: Tensor, p: Tensor, generator: torch.Generator, policies: Collection[str] = ("flip", "color")
) -> Tensor:
    """Apply all of the policies to each picture with probability ``p``.

    Args:
        pictures: ``(n, 1 or 3, h, w)`` float, in [-1, 1]; or ``(n, 4, h, w)``, RGBA with the colour multiplied by
            alpha, whose alpha is mirrored but keeps its values.
        p: a scalar tensor on the pictures' device, in [0, 1]; it may change between calls.
        generator: the RNG, on the pictures' device.
        policies: of ``flip`` (mirror it), ``color`` (jitter brightness, contrast, saturation and hue) and
            ``flash`` (boost the brightness).

    Returns:
        Pictures of their shape, layout and range. Those that were not chosen are unchanged to the last bit.
    """
    return augmented(pictures, p, generator, policies)[0]


def augmented(
    pictures: Tensor, p: Tensor, generator: torch.Generator, policies: Collection[str]
) -> tuple[Tensor, Tensor | None]:
    """Augment pictures as `augment` does; also give which were mirrored, ``(n,)``, or None where none can be."""
    n, device = len(pictures), pictures.device
    chosen = torch.rand((n,), generator=generator, device=device) < p
    changed = pictures.flip(3) if "flip" in policies else pictures
    for policy, draw in (("color", colour_matrices), ("flash", flash_matrices)):
        if policy in policies:
            colour, alpha = parts(changed)
            matrices, offsets = of_channels(*draw(n, generator, device), colour.shape[1])
            # Channels last, the mixing of channels is a product of (pixels, 3) with (3, 3) in place.
            pixels, shares = _rows(colour), alpha if isinstance(alpha, float) else _rows(alpha)
            mixed = torch.baddbmm(offsets[:, None, :] * shares, pixels, matrices.transpose(1, 2))
            mixed = mixed.clamp_(-1, 1) if isinstance(shares, float) else mixed.clamp_(-shares, shares)
            changed = joined(mixed.unflatten(1, pictures.shape[2:]).permute(0, 3, 1, 2), alpha)
    mirrored = chosen if "flip" in policies else None
    return torch.where(chosen[:, None, None, None], changed, pictures), mirrored


def _rows(maps: Tensor) -> Tensor:
    """Rearrange maps ``(n, c, h, w)`` as ``(n, h * w, c)``."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)
