"""Choose the square of a picture that is kept."""

from typing import Literal

Crop = Literal["center", "top", "faces"]
"""``center``: of the longer side as much is cut off at both ends. ``top``: of a portrait only below. ``faces``: the
square around the largest face, and the central one where no face is found."""
Box = tuple[int, int, int]
"""Left, top and side of a square in pixels."""

AROUND = 2.0
"""Side of the square around a face, over that of the face's box, which reaches from brow to chin."""


def square(width: int, height: int, crop: Crop) -> Box:
    """Choose the square of a picture in which no face was looked for, or found."""
    side = min(width, height)
    top = 0 if crop == "top" else (height - side) // 2
    return (width - side) // 2, top, side


def around(face: tuple[float, float, float, float], width: int, height: int) -> Box:
    """Choose the square around a face; what would reach beyond the picture is moved into it.

    Args:
        face: Left, top, width and height of its box, in pixels.
        width: Of the picture.
        height: Of the picture.
    """
    left, top, across, down = face
    side = max(1, min(round(AROUND * max(across, down)), width, height))
    return (
        min(max(round(left + (across - side) / 2), 0), width - side),
        min(max(round(top + (down - side) / 2), 0), height - side),
        side,
    )
