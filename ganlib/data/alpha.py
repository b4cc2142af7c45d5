"""Pictures of one, three and four channels: how they are shown and measured, and what transparency means.

Grey pictures have one channel, and are measured as RGB with three equal ones.

As uint8, in files and in the hands of users, transparent pictures are RGBA as a PNG has it: the colour does not
depend on alpha, and is black where alpha is 0, because it cannot be seen there. As floats in [-1, 1], in training and
in exported programs, the colour is multiplied by alpha (premultiplied; Porter & Duff, "Compositing Digital Images",
1984): a pixel counts as much as it is seen, soft edges may be averaged without fringes, and nothing at all is one
value, -1 in every channel.

To be shown or measured they are laid on grey checks (`on_checks`), so that neither white nor black nor grey pictures
vanish. What has three channels passes all of this unchanged.
"""

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

GREY, RGB, RGBA = 1, 3, 4
"""Channels of a picture."""
SQUARES = 8
"""Checks along the side of a picture."""
LIGHT, DARK = 204, 153
"""Greys of the checks."""
ON_CHECKS = f"transparency on checks of {LIGHT} and {DARK}"
"""Name of what is done to pictures with alpha before they are measured, as a part of a measurement's identity."""

Integers = TypeVar("Integers", NDArray[np.int32], "Tensor")


def checks(height: int, width: int) -> NDArray[np.uint8]:
    """Draw the ground on which transparent pictures are laid: grey checks, uint8 (height, width)."""
    side = max(1, min(height, width) // SQUARES)
    rows, cols = np.arange(height) // side, np.arange(width) // side
    return np.where((rows[:, None] + cols) % 2, DARK, LIGHT).astype(np.uint8)


def on_checks(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay pictures on grey checks.

    Args:
        pictures: uint8 (n, h, w, 4), RGBA; (n, h, w, 1), grey, which becomes RGB; (n, h, w, 3) is returned as it is.

    Returns:
        uint8 (n, h, w, 3).
    """
    if pictures.shape[-1] == GREY:
        return pictures.repeat(RGB, -1)
    if pictures.shape[-1] != RGBA:
        return pictures
    ground = checks(*pictures.shape[1:3])[:, :, None].astype(np.int32)
    wide = pictures.astype(np.int32)
    return _over(wide[..., :RGB], wide[..., RGB:], ground).astype(np.uint8)


def tensor_on_checks(pictures: "Tensor") -> "Tensor":
    """Lay uint8 tensors (n, 4, h, w) on grey checks, on their device; gives (n, 3, h, w), of (n, 1, h, w) as well."""
    import torch

    from ganlib.transfers import sent

    if pictures.shape[1] == GREY:
        return pictures.expand(-1, RGB, -1, -1)
    if pictures.shape[1] != RGBA:
        return pictures
    ground = sent(torch.from_numpy(checks(*pictures.shape[2:])), pictures.device).to(torch.int32)
    wide = pictures.to(torch.int32)
    return _over(wide[:, :RGB], wide[:, RGB:], ground).to(torch.uint8)


def tensor_on(pictures: "Tensor", ground: tuple[int, int, int]) -> "Tensor":
    """Lay uint8 (n, 4, h, w) on one colour; gives (n, 3, h, w)."""
    import torch

    if pictures.shape[1] != RGBA:
        return pictures
    wide = pictures.to(torch.int32)
    colour = torch.tensor(ground, dtype=torch.int32, device=pictures.device)[:, None, None]
    return _over(wide[:, :RGB], wide[:, RGB:], colour).to(torch.uint8)


def measured_with(resize: str, channels: int) -> str:
    """Name what brings pictures to an extractor, as a part of what numbers were measured with."""
    return f"{resize}; {ON_CHECKS}" if channels == RGBA else resize


def _over(colour: Integers, alpha: Integers, ground: Integers) -> Integers:
    """Lay colour over a ground, both from 0 to 255, and round."""
    return (colour * alpha + ground * (255 - alpha) + 127) // 255


def hide(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blacken the colours that cannot be seen: those of RGBA with alpha 0, of any leading shape."""
    return np.where(picture[..., RGB:] > 0, picture, 0).astype(np.uint8)


def premultiplied(pictures: "Tensor") -> "Tensor":
    """Convert uint8 (n, c, h, w) to floats in [-1, 1]; with four channels the colour is multiplied by alpha."""
    if pictures.shape[1] != RGBA:
        return pictures.float().div_(127.5).sub_(1)
    floats = pictures.float().div_(255)
    floats[:, :RGB].mul_(floats[:, RGB:])
    return floats.mul_(2).sub_(1)


def straight(pictures: "Tensor") -> "Tensor":
    """Divide the colour of premultiplied floats (n, 4, h, w) in [-1, 1] by alpha.

    What is brighter than its alpha allows is clipped; where alpha would be rounded to 0 the colour is black.
    """
    import torch

    shares = pictures.float().add(1).div(2).clamp(0, 1)
    alpha = shares[:, RGB:]
    levels = alpha.mul(255).round()
    colour = (shares[:, :RGB] / alpha.clamp_min(1e-6)).clamp(max=1)
    return torch.cat([torch.where(levels >= 1, colour, 0), levels / 255], 1).mul(2).sub(1)


def parts(pictures: "Tensor") -> tuple["Tensor", "Tensor | float"]:
    """Split premultiplied pictures into colour and alpha, so that one change of colour serves with and without alpha.

    Args:
        pictures: floats (n, c, h, w) in [-1, 1].

    Returns:
        The colour (n, 3, h, w), in [-alpha, alpha] with middle grey at 0, and alpha (n, 1, h, w) in [0, 1]: of a
        change ``m x + b`` of what is seen, the colour's is ``m x + b alpha``. Of fewer channels, themselves and 1.
    """
    if pictures.shape[1] != RGBA:
        return pictures, 1.0
    alpha = (pictures[:, RGB:] + 1) / 2
    return pictures[:, :RGB] + 1 - alpha, alpha


def joined(colour: "Tensor", alpha: "Tensor | float") -> "Tensor":
    """Join colour and alpha to premultiplied pictures; undoes `parts`."""
    import torch

    if isinstance(alpha, float):
        return colour
    return torch.cat([colour + alpha - 1, 2 * alpha - 1], 1)


def to_uint8(pictures: "Tensor") -> "Tensor":
    """Round pictures in [-1, 1] of any float type to uint8 in [0, 255]; NaN becomes 0.

    Of ``(n, 4, h, w)`` the colour is divided by alpha, as in a PNG.
    """
    import torch

    if pictures.ndim == 4 and pictures.shape[1] == RGBA:
        pictures = straight(pictures)
    return pictures.float().mul(127.5).add(127.5).round().clamp(0, 255).nan_to_num(0).to(torch.uint8)
