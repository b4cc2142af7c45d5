"""A picture whose corners tell all eight EXIF orientations apart, upright and as a camera would store it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ORIENTATION = 0x0112
_UNDO = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


def turned(orientation: int) -> tuple[NDArray[np.uint8], Image.Image, Image.Exif]:
    """The picture upright, uint8 (32, 32, 3); as it is stored; and the EXIF data that say how it is turned."""
    upright = np.zeros((32, 32, 3), np.uint8)
    upright[:16, :16], upright[:16, 16:], upright[16:, :16] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return upright, Image.fromarray(np.ascontiguousarray(_UNDO[orientation](upright))), exif
