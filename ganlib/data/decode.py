"""Decode one file's bytes to one picture, RGB or RGBA: square, or whole.

The picture is turned as its EXIF data says, its colours are converted to sRGB, it is laid on a background where it is
transparent (or left transparent), cropped to its central square and resized (`ganlib.data.canvas`).

All pictures that users bring are decoded here, so that a picture looks alike in training and in metrics.
"""

import io
import warnings
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, UnidentifiedImageError

from ganlib.data.alpha import GREY, RGB, RGBA
from ganlib.data.canvas import Background, flatten, is_transparent, pixels, resize
from ganlib.data.formats import NAMES, formats_for, tga
from ganlib.data.formats.png import SIGNATURE, scale_key, slimmed
from ganlib.data.formats.profiles import eight_bit, to_srgb
from ganlib.data.formats.tiff import levels_of
from ganlib.data.look.faces import face_square
from ganlib.data.look.squares import Box, Crop, square
from ganlib.data.look.upright import is_sideways, is_turned, upright
from ganlib.errors import NO_MEMORY, RequestError, WorkError
from ganlib.names import TRANSPARENT

_WHITE = (255, 255, 255)
_SHORT_OF_MEMORY = ("out of memory", "insufficient memory", "cannot allocate memory")
"""Words of Pillow's decoders and of OpenCV; the files that hold pictures need not be damaged for that."""

TRAITS = {
    "cropped": "not square: cropped to a square",
    "faces": "with a face: cropped to it",
    "faceless": "without a face that was found: cropped to the central square",
    "enlarged": "smaller than asked for: enlarged",
    "transparent": "with transparent pixels: laid on the background",
    "alpha": "with transparent pixels: kept so; shown and measured on grey checks",
    "grey": "grey: made RGB",
    "turned": "stored turned: turned as their EXIF data says",
    "profile": "with a colour profile other than sRGB: converted to sRGB",
    "no profile": "with a colour profile that is broken or does not fit: taken for sRGB",
    "deep": "with more than 8 bits a channel: rounded to 8",
    "frames": "with several frames or pages: the first is taken",
}
"""What may be worth knowing of a picture file, and what is done about it."""


@dataclass(frozen=True)
class Preparation:
    """How pictures are prepared.

    Attributes:
        size: Side of the square in pixels; None leaves it as large as it is.
        background: What shows through where a picture is transparent; None keeps it so, in a fourth channel.
        nearest: Whether files are resized by taking the nearest pixel instead of averages.
        crop: Which square of a picture is taken (`ganlib.data.look.squares`); None takes the whole picture, whose
            shorter side is then ``size``, and without a background only what has transparent pixels is RGBA.
        grey: Whether only the luminance is kept (Rec. 601, as Pillow's mode L): one channel.
    """

    size: int | None
    background: Background
    nearest: bool = False
    crop: Crop | None = "center"
    grey: bool = False

    @property
    def channels(self) -> int:
        """Channels of the pictures: 1 grey, 3 RGB, or 4 RGBA."""
        return GREY if self.grey else RGBA if self.background is None else RGB


class Picture(NamedTuple):
    """A prepared picture.

    Attributes:
        pixels: uint8 (h, w, c), grey, RGB or RGBA.
        traits: Which of `TRAITS` its file had.
        sides: Width and height in pixels of the whole picture as it is seen; 0 where it was drawn.
        face: The square that was taken because a face is there; None where none was looked for or found.
    """

    pixels: NDArray[np.uint8]
    traits: tuple[str, ...] = ()
    sides: tuple[int, int] = (0, 0)
    face: Box | None = None


class UnreadableError(Exception):
    """A file that gives no picture; the text is the reason, in one line and without the file's name."""


def colour(name: str, section: str = "data") -> Background:
    """Read an opaque colour by name (``white``) or number (``#rrggbb``), as Pillow understands it, or ``transparent``.

    Raises:
        RequestError: when it is neither.
    """
    if name.lower() == TRANSPARENT:
        return None
    try:
        value = ImageColor.getrgb(name)
    except ValueError:
        value = (0, 0, 0, 0)
    if len(value) != 3:
        raise RequestError(
            f"{section}.background: '{name}' is no opaque colour; give a name such as 'white', a number such as"
            " '#1a2b3c', or 'transparent'"
        )
    return value


def decode(
    data: bytes, size: int | None, background: Background, suffix: str = "", nearest: bool = False
) -> NDArray[np.uint8]:
    """Decode the bytes of a picture file (its first frame, if it has several).

    Args:
        data: The whole content of a file in one of the formats of `ganlib.data.formats`.
        size: Side of the square in pixels; None leaves the central square as large as it is.
        background: What shows through where the picture is transparent.
        suffix: Of the file's name, lower case; only ``.tga`` makes a difference.
        nearest: Take the nearest pixel instead of averages.

    Returns:
        uint8, shape (size, size, 3), RGB; without a background (size, size, 4), RGBA.

    Raises:
        UnreadableError: with the reason.
        WorkError: when memory runs out.
    """
    return picture_of(data, Preparation(size, background, nearest), suffix).pixels


def picture_of(data: bytes, how: Preparation, suffix: str = "") -> Picture:
    """Decode the bytes of a picture file as `decode` does, with what is known of the file.

    Raises:
        UnreadableError: with the reason.
        WorkError: when memory runs out, of which the file may be innocent.
    """
    if not data:
        raise UnreadableError("empty file")
    try:
        with warnings.catch_warnings():
            # Also of many pixels: cameras take 108 million. Twice as many as Pillow warns of are an error of its own.
            warnings.simplefilter("ignore")
            make = partial(_picture, how=how)
            try:
                return make(data, formats_for(data, suffix))
            except ValueError:  # Pillow's limits of text in a PNG
                if not data.startswith(SIGNATURE):
                    raise
                slim, profile = slimmed(data)
                return make(slim, ("PNG",), profile)
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise UnreadableError(f"more than {most:,} pixels: scale it down first") from None
    except UnidentifiedImageError:
        raise UnreadableError(f"not a {NAMES} picture") from None
    except Exception as error:  # Pillow's readers raise almost anything on broken input
        text = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, MemoryError) or any(words in text.lower() for words in _SHORT_OF_MEMORY):
            raise WorkError(NO_MEMORY) from error
        raise UnreadableError(text[:200]) from error


def _picture(
    data: bytes, formats: tuple[str, ...], profile: bytes | None = None, *, how: Preparation
) -> Picture:
    size, whole = how.size, how.crop is None
    with Image.open(io.BytesIO(data), formats=formats) as image:
        traits = _traits(image, how)
        sides = image.size
        if size is not None and not how.nearest and how.crop != "faces":
            # Lets libjpeg decode a photograph at a half, a quarter or an eighth, never below four times
            # what is wanted, so that the filter below still decides how it looks.
            image.draft(None, (4 * size, 4 * size))
        levels = levels_of(image)
        image.load()
        scale_key(image, data)
        profile = profile or image.info.get("icc_profile")
        turned = upright(image)
        if image.format == "TGA":
            turned = tga.seen(turned, data)
        turned, converted = to_srgb(eight_bit(turned, *levels), profile)
        if converted != "none":
            traits.append("profile" if converted == "converted" else "no profile")
        transparent = is_transparent(turned)
        if transparent:
            traits.append("alpha" if how.background is None else "transparent")
        made = flatten(turned, how.background if transparent or not whole else (0, 0, 0), how.grey)
        face = None
        if how.crop is not None:
            made, face = _square(made, how.crop)
            if how.crop == "faces":
                traits.append("faceless" if face is None else "faces")
        sides = sides[::-1] if is_sideways(image) else sides
        return Picture(pixels(resize(made, size, how.nearest)), tuple(traits), sides, face)


def _square(image: Image.Image, crop: Crop) -> tuple[Image.Image, Box | None]:
    """Crop a picture to a square; also give the square where it is that of a face."""
    face = face_square(flatten(image, _WHITE, grey=True)) if crop == "faces" else None
    left, top, side = face or square(*image.size, crop)
    if image.size == (side, side):
        return image, face
    return image.crop((left, top, left + side, top + side)), face


def _traits(image: Image.Image, how: Preparation) -> list[str]:
    """List the `TRAITS` of a picture that show before it is decoded."""
    traits = []
    if image.width != image.height and how.crop is not None:
        traits.append("cropped")
    if how.size is not None and min(image.size) < how.size:
        traits.append("enlarged")
    if not how.grey and (image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I")):
        traits.append("grey")
    if image.mode.startswith("I"):
        traits.append("deep")
    if is_turned(image):
        traits.append("turned")
    if getattr(image, "is_animated", False):
        traits.append("frames")
    return traits
