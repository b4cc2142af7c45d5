"""Faces drawn by a few shapes, for sweeps that are made up."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


@lru_cache(512)
def grid_png(seed: int, size: int, quality: float, same: bool = False) -> bytes:
    """An 8x8 grid of drawn faces, the blurrier and noisier the lower ``quality``."""
    sheet = Image.new("RGB", (8 * (size + 2) + 2,) * 2, "white")
    faces = _faces(seed)
    for index in range(64):
        face = faces[0 if same else index].resize((size, size), Image.Resampling.LANCZOS)
        if quality < 1:
            face = face.filter(ImageFilter.GaussianBlur(size / 10 * (1 - quality)))
            noise = np.random.default_rng(index).normal(0, 60 * (1 - quality), (size, size, 3))
            face = Image.fromarray(np.clip(np.asarray(face) + noise, 0, 255).astype(np.uint8))
        sheet.paste(face, (2 + index % 8 * (size + 2), 2 + index // 8 * (size + 2)))
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


@lru_cache
def _faces(seed: int) -> list[Image.Image]:
    rng = np.random.default_rng(seed)
    return [_face(rng) for _ in range(64)]


def _face(rng: np.random.Generator) -> Image.Image:
    skin = [(242, 211, 177), (236, 173, 128), (158, 86, 34), (118, 60, 36)][rng.integers(4)]
    hair = [(14, 14, 14), (106, 78, 53), (203, 101, 30), (133, 194, 198), (222, 190, 90)][rng.integers(5)]
    face = Image.new("RGB", (64, 64), "white")
    draw = ImageDraw.Draw(face)
    tall = 10 + rng.integers(8)
    draw.ellipse((10, tall - 6, 54, 60), fill=hair)
    draw.ellipse((15, tall + 4, 49, 58), fill=skin, outline=(40, 30, 20))
    draw.pieslice((12, tall - 4, 52, tall + 26), 180, 360, fill=hair)
    eye = 33 + rng.integers(-2, 3)
    for x in (25, 39):
        draw.ellipse((x - 3, eye - 2, x + 3, eye + 4), fill=(30, 30, 30))
    smile = rng.integers(3, 9)
    draw.arc((26, 46 - smile, 38, 46 + smile // 2), 10, 170, fill=(120, 30, 30), width=2)
    return face
