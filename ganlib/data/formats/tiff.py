"""Tell what grey levels of more than 8 bits mean in TIFF files: Pillow gives the numbers as they are stored."""

from typing import NamedTuple

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from ganlib.data.formats.profiles import TOO_DEEP

_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
"""Tags of TIFF files, and a value."""
_SIXTEEN = 16


class Levels(NamedTuple):
    """What grey levels of more than 8 bits mean.

    Attributes:
        bits: How many of them the file has; the greatest level is white.
        inverted: Whether 0 is white instead.
    """

    bits: int = _SIXTEEN
    inverted: bool = False


def levels_of(image: Image.Image) -> Levels:
    """Tell what the grey levels of a picture mean, of whatever format.

    Raises:
        ValueError: where they have 32 bits, and may be of any range.
    """
    if not isinstance(image, TiffImageFile):
        return Levels()
    bits = image.tag_v2.get(_BITS_PER_SAMPLE, ())
    if image.mode == "I" and 32 in bits:
        raise ValueError(TOO_DEEP)
    if not image.mode.startswith("I;16"):
        return Levels()
    return Levels(min(bits, default=_SIXTEEN), image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)
