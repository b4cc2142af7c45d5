"""One file's bytes to one square picture, RGB or RGBA.

The picture is turned as its EXIF data says, laid on a background where it is transparent (or left transparent),
cropped to its central square and resized with an antialiased filter. That the filter is antialiased matters: Parmar
et al., "On Aliased Resizing and Surprising Subtleties in GAN Evaluation", CVPR 2022
(https://arxiv.org/abs/2104.11222). Pixel art is the exception: its hard edges and few colours are what it is, and
the nearest pixel keeps them.
"""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, UnidentifiedImageError

from ganlib.alpha import hide
from ganlib.errors import RequestError
from ganlib.names import TRANSPARENT

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"})
"""What counts as a picture in a folder; upper and lower case alike."""

Colour = tuple[int, int, int]
Background = Colour | None
"""What shows through where a picture is transparent; None keeps it transparent."""

# By content, whatever the suffix says. A closed list, because some of Pillow's other readers start programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB")
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableError(Exception):
    """A file that gives no picture; the text is the reason, in one line and without the file's name."""


def colour(name: str) -> Background:
    """An opaque colour by name (``white``) or number (``#rrggbb``), as Pillow understands it, or ``transparent``.

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
            f"data.background: '{name}' is no opaque colour; give a name such as 'white', a number such as"
            " '#1a2b3c', or 'transparent'"
        )
    return value


def decode(data: bytes, size: int, background: Background, nearest: bool = False) -> NDArray[np.uint8]:
    """Decode the bytes of a picture file (its first frame, if it has several).

    Args:
        data: The whole content of a PNG, JPEG, WebP, GIF or BMP file.
        size: Side of the square in pixels.
        background: What shows through where the picture is transparent.
        nearest: Take the nearest pixel instead of averages.

    Returns:
        uint8, shape (size, size, 3), RGB; without a background (size, size, 4), RGBA.

    Raises:
        UnreadableError: with the reason.
    """
    if not data:
        raise UnreadableError("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                # Lets libjpeg decode a photograph at a half, a quarter or an eighth, never below four times
                # what is wanted, so that the filter below still decides how it looks.
                if not nearest:
                    image.draft(None, (4 * size, 4 * size))
                image.load()
                return pixels(square(flatten(_upright(image), background), size, nearest))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableError(f"more than {Image.MAX_IMAGE_PIXELS:,} pixels; refused") from None
    except UnidentifiedImageError:
        raise UnreadableError("not a PNG, JPEG, WebP, GIF or BMP picture") from None
    except Exception as error:  # Pillow's readers raise almost anything on broken input
        text = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableError(text[:200]) from error


def flatten(image: Image.Image, background: Background) -> Image.Image:
    """Any mode to RGB: transparent pixels show the background, 16-bit grey is scaled, not clipped.

    Without a background to RGBA.
    """
    if image.mode.startswith("I"):
        image = _eight_bit(image)
    if background is None:
        return image.convert("RGBA")
    if not image.has_transparency_data:
        return image.convert("RGB")
    base = Image.new("RGBA", image.size, background)
    base.alpha_composite(image.convert("RGBA"))
    return base.convert("RGB")


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    """The picture as an array; the colour of what is quite transparent is black."""
    array = np.asarray(image)
    return hide(array) if image.mode == "RGBA" else array


def square(image: Image.Image, size: int, nearest: bool = False) -> Image.Image:
    """The central square, resized (Lanczos, antialiased) to ``size``; untouched if it has that size.

    With transparency colours are weighted with alpha, so that what is hidden does not show at soft edges. ``nearest``
    takes the pixel at the centre of each new one: exact where one side is a whole multiple of the other.
    """
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if width != height:
        image = image.crop((left, top, left + side, top + side))
    if side == size:
        return image
    if image.mode == "RGBA" and not nearest:
        return _weighted(image, size)
    return image.resize((size, size), Image.Resampling.NEAREST if nearest else Image.Resampling.LANCZOS)


def _weighted(image: Image.Image, size: int) -> Image.Image:
    """RGBA resized as colours times alpha, and divided by alpha again, so that one colour stays one colour.

    In floats, because the filter overshoots: Pillow would cut off more of alpha than of the colours.
    """
    if (factor := image.width // (4 * size)) > 1:
        image = image.reduce(
            factor
        )  # a large one would take much memory; never below four times what is wanted
    *colours, alpha = (np.asarray(band, np.float32) for band in image.split())

    def resized(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(Image.fromarray(values).resize((size, size), Image.Resampling.LANCZOS))

    weight = resized(alpha)
    parts = [resized(colour * alpha) / np.maximum(weight, 0.5) for colour in colours]
    levels = np.stack([*parts, weight], 2).round().clip(0, 255)
    return Image.fromarray(levels.astype(np.uint8))


def _upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF or XMP orientation says; broken EXIF data says nothing."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # the parser raises almost anything, and the pixels are sound
        return image
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey (0 to 65535) to 8-bit grey, or grey with alpha when one value stands for transparency."""
    values = np.asarray(image).astype(np.int64).clip(0, 65535)
    grey = Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return grey
    alpha = Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))
