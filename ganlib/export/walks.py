"""Walk through the latent space.

Between two latents one goes along the great circle (slerp; White 2016, https://arxiv.org/abs/1609.04468): on the
straight line lengths become unlikely ones, and pictures washed out.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganlib.data.sheet import grid


def slerp(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Go a share of the way between two sets of latents ``(n, d)``, row by row: 0 is the first, 1 the second.

    The direction turns evenly and the length changes evenly.
    """
    lengths = first.norm(dim=1, keepdim=True), second.norm(dim=1, keepdim=True)
    units = [z / length.clamp_min(1e-12) for z, length in zip((first, second), lengths, strict=True)]
    angle = (units[0] * units[1]).sum(1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    flat = sine.abs() < 1e-6  # one direction: no circle to go along
    parts = [
        torch.where(flat, weight, (weight * angle).sin() / torch.where(flat, 1.0, sine))
        for weight in (torch.tensor(1 - share), torch.tensor(share))
    ]
    direction = parts[0] * units[0] + parts[1] * units[1]
    between: Tensor = direction * torch.lerp(*lengths, share)
    return between


def walk(keys: Tensor, steps: int, closed: bool) -> Tensor:
    """Make latents ``(frames, n, d)`` of n walks through keys ``(k, n, d)``, ``steps`` frames from one to the next.

    A closed walk goes on to its first key, which is not repeated; an open one ends with its last.
    """
    nexts = torch.roll(keys, -1, 0) if closed else keys[1:]
    legs = [
        slerp(start, end, step / steps)
        for start, end in zip(keys if closed else keys[:-1], nexts, strict=True)
        for step in range(steps)
    ]
    return torch.stack(legs if closed else [*legs, keys[-1]])


def sheet_of(pictures: np.ndarray, cols: int | None = None, transparent: bool = False) -> Image.Image:
    """Lay pictures ``(n, s, s, 3 or 4)`` on one sheet, as square as can be by default; see `ganlib.data.sheet.grid`."""
    return grid(pictures, cols or max(1, round(len(pictures) ** 0.5)), transparent)
