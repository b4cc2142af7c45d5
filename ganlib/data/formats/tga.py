"""Mend what Pillow makes of TGA files: it takes a fourth byte for alpha, whatever the header says of it."""

from PIL import Image

from ganlib.data.formats.profiles import in_mode

_DESCRIPTOR, _ATTRIBUTE_BITS = 17, 15
"""Where a file says how many bits of a pixel are alpha."""


def seen(image: Image.Image, data: bytes) -> Image.Image:
    """Give a picture that can be seen: without an alpha channel that no program has meant.

    Old programs write pixels of four bytes, the last one 0, and a header that knows of no alpha. Others write alpha
    under such a header; there not every pixel is transparent.

    Args:
        image: Read already.
        data: The file.
    """
    if data[_DESCRIPTOR] & _ATTRIBUTE_BITS or not image.has_transparency_data:
        return image
    most = in_mode(image, "RGBA").getchannel("A").getextrema()[1]
    return image if most else image.convert("L" if image.mode == "LA" else "RGB")
