"""Lay many small pictures on one sheet."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganlib.data.alpha import GREY, RGB, RGBA, on_checks

if TYPE_CHECKING:
    from ganlib.data.cache import ImageSet

GAP = 2
"""White (or transparent) pixels between neighbours and around the sheet."""


def grid(pictures: NDArray[np.uint8], cols: int, transparent: bool = False) -> Image.Image:
    """Lay pictures out row by row, each at its own size.

    Args:
        pictures: uint8, shape (n, height, width, c): 3 RGB, 1 grey, or 4 RGBA, which are laid on checks; n
            at least 1. Places that stay empty are white.
        cols: How many in a row; fewer pictures make a narrower sheet.
        transparent: Leave RGBA as it is; then places that stay empty are transparent.

    Returns:
        An RGB picture, or a grey one; RGBA where it is to be transparent, and the pictures are RGBA.

    Raises:
        ValueError: when there is no picture, or the array has another shape or type.
    """
    known = pictures.ndim == 4 and pictures.shape[3] in (GREY, RGB, RGBA)
    known = known and pictures.shape[1::2] != (RGB, RGBA)  # channels first, 4 px wide
    if not known or pictures.dtype != np.uint8 or not len(pictures):
        raise ValueError(
            f"pictures must be uint8 (n, height, width, 1, 3 or 4), not {pictures.dtype} {pictures.shape}"
        )
    if cols < 1:
        raise ValueError(f"cols must be at least 1, not {cols}")
    if not transparent and pictures.shape[3] == RGBA:
        pictures = on_checks(pictures)
    count, height, width, channels = pictures.shape
    cols = min(cols, count)
    rows = -(-count // cols)
    down, across = height + GAP, width + GAP
    blank = 0 if channels == RGBA else 255
    sheet = np.full((rows * down + GAP, cols * across + GAP, channels), blank, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = GAP + index // cols * down, GAP + index % cols * across
        sheet[top : top + height, left : left + width] = picture
    return image_of(sheet)


def image_of(picture: NDArray[np.uint8]) -> Image.Image:
    """Make an image, grey, RGB or RGBA, of uint8 (height, width, c)."""
    return Image.fromarray(picture[..., 0] if picture.shape[2] == GREY else picture)


def contact_sheet(pictures: NDArray[np.uint8], rows: int = 8, cols: int = 8, seed: int = 0) -> Image.Image:
    """Lay out a random sample of a set, without repetition; one ``seed`` shows one choice.

    Args:
        pictures: uint8, shape (n, height, width, 3 or 4), as for `grid`; all if there are at most rows x cols.
        rows: How many rows at most.
        cols: How many columns at most.
        seed: Of the choice.
    """
    count = min(len(pictures), rows * cols)
    chosen = np.sort(np.random.default_rng(seed).choice(len(pictures), count, replace=False))
    return grid(pictures[chosen], cols)


def real_sheet(images: "ImageSet") -> Image.Image:
    """Lay out some pictures of a set, with classes a row for each, in the order of sheets of generated ones."""
    if images.classes is None:
        return contact_sheet(images.pictures)
    rows = images.classes.rows()
    return grid(images.pictures[rows.flatten()], rows.shape[1])


def beside(sheets: Sequence[Image.Image]) -> Image.Image:
    """Lay sheets side by side, on white, as high as the highest.

    Args:
        sheets: At least one; RGB.
    """
    if len(sheets) == 1:
        return sheets[0]
    gap = 8 * GAP
    width = sum(sheet.width for sheet in sheets) + gap * (len(sheets) - 1)
    whole = Image.new("RGB", (width, max(sheet.height for sheet in sheets)), "white")
    left = 0
    for sheet in sheets:
        whole.paste(sheet, (left, 0))
        left += sheet.width + gap
    return whole


def png(picture: Image.Image) -> bytes:
    """Encode a picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
