"""Convert colours to sRGB, as a picture's ICC profile means them, and levels to 8 bits.

Cameras and phones write Display P3 and Adobe RGB, printers CMYK, where equal numbers are other colours. A profile
that is sRGB by any name changes no pixel. Relative colorimetric with black point compensation, as editors do.
"""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Literal, cast

import numpy as np
from PIL import Image, ImageCms

Outcome = Literal["none", "converted", "ignored"]

_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK", b"Lab ": "LAB"}
_SAME = 2
"""Levels of 255 by which roundings of one sRGB profile differ."""
_STEPS = 9
TOO_DEEP = "its pixels have 32 bits a channel; save it with 8 or 16 bits"


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, Outcome]:
    """Convert a picture's colours.

    Args:
        image: 8 bits a channel, any mode; transparency stays.
        profile: ICC, or None for sRGB.

    Returns:
        The picture, RGB or RGBA where it was converted; and whether its profile was used, or ``ignored`` because it is
        broken or of another kind of picture.
    """
    if image.mode == "LAB":
        return cast(Image.Image, ImageCms.applyTransform(image, _from_lab())), "converted"
    if not profile:
        return image, "none"
    kind = _SPACES.get(profile[16:20])
    transform = _transform(profile, kind) if kind is not None else None
    if kind is None or transform is None or not _fits(image, kind):
        return image, "ignored"
    if isinstance(transform, str):
        return image, "none"
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    channels = image.getchannel("R") if kind == "L" and alpha is not None else image.convert(kind)
    converted = cast(Image.Image, ImageCms.applyTransform(channels, transform))
    if alpha is not None:
        converted.putalpha(alpha)
    return converted, "converted"


def _fits(image: Image.Image, kind: str) -> bool:
    """Tell whether a profile of a colour space can be meant for a picture; grey ones often carry one of colours."""
    if kind == "RGB":
        return image.mode != "CMYK"
    return image.mode in {"L": ("L", "LA", "La", "1"), "CMYK": ("CMYK",)}.get(kind, ())


@lru_cache(maxsize=32)
def _transform(profile: bytes, kind: str) -> "ImageCms.ImageCmsTransform | str | None":
    """Make the transform from a profile to sRGB; a word if nothing changes, None if the profile is broken."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = _to_srgb(source, kind)
        unchanged = kind != "CMYK" and _changes_nothing(lambda p: ImageCms.applyTransform(p, transform), kind)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return "same" if unchanged else transform


@lru_cache(maxsize=1)
def _from_lab() -> ImageCms.ImageCmsTransform:
    return _to_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB")


def _to_srgb(source: ImageCms.ImageCmsProfile, kind: str) -> ImageCms.ImageCmsTransform:
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if kind == "L":  # its precomputed table is a dozen levels off where the curves are steep
        flags |= ImageCms.Flags.NOOPTIMIZE
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), kind, "RGB", intent, flags)


def _changes_nothing(apply: Callable[[Image.Image], Image.Image | None], kind: str) -> bool:
    """Tell whether colours all over the cube, or all greys, come out as they went in."""
    if kind == "L":
        before = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    else:
        levels = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
        before = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3))
    after = np.asarray(apply(before), np.int16)
    return bool(np.abs(after - np.asarray(before.convert("RGB"), np.int16)).max() <= _SAME)


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert a picture to a mode; one that has it is not copied, as Pillow does, for it may be of 700 MB."""
    return image if image.mode == mode else image.convert(mode)


def eight_bit(image: Image.Image, bits: int = 16, inverted: bool = False) -> Image.Image:
    """Scale grey of more than 8 bits to 8-bit grey, with alpha when one value stands for transparency.

    Args:
        image: Of any mode; one of 8 bits a channel stays as it is.
        bits: How many a level has (`ganlib.data.formats.tiff.Levels`).
        inverted: Whether 0 is white.

    Raises:
        ValueError: for values that are no levels of grey.
    """
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits a channel")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int32)
    if values.size and not 0 <= values.min() <= values.max() <= 65535:
        raise ValueError(TOO_DEEP)
    top = 2**bits - 1
    levels = top - values if inverted else values
    grey = Image.fromarray(((levels * 255 + top // 2) // top).astype(np.uint8))
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return grey
    alpha = Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))
