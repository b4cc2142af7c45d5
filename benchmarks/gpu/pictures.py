"""Made-up pictures: bright discs on coloured ground, which compress and decode as drawings do."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image


@cache
def discs(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Draw pictures, uint8 ``(count, size, size, 3)``, which nobody may write to."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    drawn = np.empty((count, size, size, 3), np.uint8)
    drawn[:] = random.integers(0, 160, (count, 1, 1, 3))
    for _ in range(3):
        centres = random.uniform(0.1 * size, 0.9 * size, (count, 2)).astype(np.float32)
        radii = random.uniform(0.1 * size, 0.35 * size, count).astype(np.float32)
        colours = random.integers(60, 256, (count, 3))
        for picture, (v, u), radius, colour in zip(drawn, centres, radii, colours, strict=True):
            picture[(y - v) ** 2 + (x - u) ** 2 < radius**2] = colour
    drawn.flags.writeable = False
    return drawn


def folder_of(pictures: np.ndarray, folder: Path) -> Path:
    """Write pictures as PNG files, unless that was done before; give the folder."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / f"{number:06d}.png")
    return folder
