"""Translate a photograph that comes as the bytes of a file, as a page sends it."""

import threading

import numpy as np
from numpy.typing import NDArray

from ganlib.data.decode import Preparation, UnreadableError, picture_of
from ganlib.data.formats import why_not
from ganlib.errors import RequestError
from ganlib.export.folders import too_large
from ganlib.export.generator import LoadedTranslator

_SIZES = (1, 2, 4, 8)
"""Multiples of the side of training that a page offers."""
LEAST, MOST = 8, 4096
"""Of the shorter side that a picture may be scaled to."""
_ONE = threading.Lock()


def sizes_for(trained: int) -> list[int]:
    """List the shorter sides in pixels that are worth offering, the best one first."""
    return [factor * trained for factor in _SIZES]


def translate_bytes(
    translator: LoadedTranslator,
    data: bytes,
    suffix: str = "",
    back: bool = False,
    shorter: int | None = None,
) -> NDArray[np.uint8]:
    """Translate a picture's file; one at a time, whoever asks, because one may take gigabytes.

    It is read as `ganlib.export.folders.translate_files` reads it: turned as its EXIF data says, in sRGB, whole, with
    its transparency.

    Args:
        translator: Makes the picture.
        data: The whole content of the file.
        suffix: Of its name, lower case; only ``.tga`` makes a difference.
        back: Turn a drawing into a photograph.
        shorter: Length in pixels to which the shorter side is scaled before; None leaves it as it is.

    Returns:
        uint8 ``(h, w, 3)``, or ``(h, w, 4)`` where it has transparent pixels.

    Raises:
        RequestError: if it is no picture or too large, or the way back was not learned.
    """
    if shorter is not None and not LEAST <= shorter <= MOST:
        raise RequestError(f"size: {shorter:,} is not from {LEAST} to {MOST:,} pixels")
    if reason := why_not(suffix):
        raise RequestError(reason)
    with _ONE:
        try:
            picture = picture_of(data, Preparation(shorter, None, crop=None), suffix).pixels
        except UnreadableError as error:
            raise RequestError(str(error)) from None
        if reason := too_large(translator, picture):
            raise RequestError(reason)
        (made,) = translator.translate([picture], back)
    return made
