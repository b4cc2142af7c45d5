"""Turn pictures upright, as their files say (EXIF or XMP)."""

from PIL import Image

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def is_turned(image: Image.Image) -> bool:
    """Tell whether the file says that a picture is stored turned or mirrored."""
    return _orientation(image) in _TURNS


def is_sideways(image: Image.Image) -> bool:
    """Tell whether a picture is stored with width and height exchanged."""
    return _orientation(image) in _SIDEWAYS


def upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its file says."""
    orientation = _orientation(image)
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _orientation(image: Image.Image) -> int | None:
    """Read the orientation; broken EXIF data says nothing."""
    try:
        value: int | None = image.getexif().get(_ORIENTATION)
    except Exception:  # the parser raises almost anything, and the pixels are sound
        return None
    return value
