"""Lay a picture on its background, and scale it.

Resizing uses an antialiased filter, which matters: Parmar et al., "On Aliased Resizing and Surprising Subtleties in GAN
Evaluation", CVPR 2022 (https://arxiv.org/abs/2104.11222). Pixel art is the exception: its hard edges and few colours
are what it is, and the nearest pixel keeps them.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganlib.data.alpha import hide
from ganlib.data.formats.profiles import in_mode

Colour = tuple[int, int, int]
Background = Colour | None
"""What shows through where a picture is transparent; None keeps it transparent."""

_LONGEST = 1 << 15
"""The longest side in pixels that a picture may be scaled to."""


def flatten(image: Image.Image, background: Background, grey: bool = False) -> Image.Image:
    """Convert any mode of 8 bits to RGB or grey, where transparent pixels show the background; without one to RGBA."""
    if background is None:
        return in_mode(image, "RGBA")
    mode = "L" if grey else "RGB"
    if not image.has_transparency_data:
        return in_mode(in_mode(image, "RGB"), mode)
    base = Image.new("RGBA", image.size, background)
    base.alpha_composite(in_mode(image, "RGBA"))
    return in_mode(base.convert("RGB"), mode)


def resize(image: Image.Image, size: int | None, nearest: bool = False) -> Image.Image:
    """Resize a picture (Lanczos, antialiased) so that its shorter side is ``size``; for None it stays as it is.

    With transparency colours are weighted with alpha, so that what is hidden does not show at soft edges. ``nearest``
    takes the pixel at the centre of each new one: exact where one side is a whole multiple of the other.

    Raises:
        ValueError: where the other side would become too long.
    """
    shorter = min(image.size)
    if size is None or shorter == size:
        return image
    wanted = round(image.width * size / shorter), round(image.height * size / shorter)
    if max(wanted) > _LONGEST:
        raise ValueError(
            f"would be {wanted[0]:,} x {wanted[1]:,} pixels with a shorter side of {size}; refused"
        )
    if nearest:
        return image.resize(wanted, Image.Resampling.NEAREST)
    if image.mode == "RGBA":
        if is_transparent(image):
            return _weighted(image, wanted)
        # To the levels that it would have without a fourth channel.
        return image.convert("RGB").resize(wanted, Image.Resampling.LANCZOS).convert("RGBA")
    return image.resize(wanted, Image.Resampling.LANCZOS)


def _weighted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resize RGBA as colours times alpha, and divide by alpha again, so that one colour stays one colour.

    In floats, because the filter overshoots: Pillow would cut off more of alpha than of the colours.
    """
    if (factor := min(image.size) // (4 * min(size))) > 1:
        # A large one would take much memory; never below four times what is wanted.
        image = image.reduce(factor)
    *colours, alpha = (np.asarray(band, np.float32) for band in image.split())

    def resized(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.LANCZOS))

    weight = resized(alpha)
    parts = [resized(colour * alpha) / np.maximum(weight, 0.5) for colour in colours]
    levels = np.stack([*parts, weight], 2).round().clip(0, 255)
    return Image.fromarray(levels.astype(np.uint8))


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Convert a picture to an array (h, w, c); the colour of what is quite transparent is black."""
    array = np.asarray(image)
    if array.ndim == 2:
        return array[..., None]
    return hide(array) if image.mode == "RGBA" else array


def is_transparent(image: Image.Image) -> bool:
    """Tell whether there is a pixel that is not wholly opaque."""
    return image.has_transparency_data and in_mode(image, "RGBA").getchannel("A").getextrema()[0] != 255
