"""Sprites with soft edges and holes, for tests of pictures with alpha."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image


def sprite(seed: int = 0, size: int = 32, colour: int | None = None, ground: int = 200) -> np.ndarray:
    """A blob with a soft edge on nothing, whose hidden colour is not black: uint8 (size, size, 4)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    centre, radius = random.uniform(0.35, 0.65, 2), random.uniform(0.2, 0.35)
    distance = np.hypot(y - centre[0], x - centre[1])
    alpha = np.clip((radius - distance) * size / 3 + 0.5, 0, 1)
    made = np.full((size, size, 4), ground, np.uint8)
    tones = random.integers(0, 256, 3) if colour is None else colour
    made[..., :3] = np.where(alpha[..., None] > 0, tones, ground)
    made[..., 3] = (alpha * 255).round()
    return made


def sprites(n: int, size: int = 32, **options: int) -> torch.Tensor:
    """uint8 (n, 4, size, size), hidden colours black."""
    made = np.stack([sprite(seed, size, **options) for seed in range(n)])
    made[made[..., 3] == 0] = 0
    return torch.from_numpy(made).permute(0, 3, 1, 2)


def folder_of(folder: Path, pictures: list[np.ndarray]) -> Path:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:03}.png")
    return folder
