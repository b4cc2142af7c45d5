"""Mend what Pillow makes of PNG files: it refuses megabytes of text (prompts), and misreads keys of rare depths."""

import struct
import zlib
from collections.abc import Iterator

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH = 24
"""Where a file says how many bits a channel has."""
_LARGEST_PROFILE = 16 << 20
_SMALL = 1 << 16  # a note on the orientation is shorter than this
_ORIENTATION = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0")
_TEXT = (b"tEXt", b"zTXt", b"iTXt")


def slimmed(data: bytes) -> tuple[bytes, bytes | None]:
    """Take text and colour profile out of a PNG file.

    Returns:
        The file without them (short text that may say how the picture lies stays); and the ICC profile, if there is
        one that can be unpacked and is no larger than 16 MB.
    """
    kept, profile, noted = [SIGNATURE], None, False
    for kind, start, end in _chunks(data):
        body = data[start + 8 : end - 4]
        if kind == b"iCCP":
            profile = _unpacked(body)
        elif kind not in _TEXT:
            kept.append(data[start:end])
        elif not noted and len(body) < _SMALL and body.startswith(_ORIENTATION):
            noted = True
            kept.append(data[start:end])
    return b"".join(kept), profile


def scale_key(image: Image.Image, data: bytes) -> None:
    """Give the transparent colour of a PNG picture in the levels of its pixels, which Pillow brings to 8 bits.

    Of 16 bits a channel the upper 8 are left, in pixels too: what differs from the colour in the lower alone is
    transparent as well.

    Args:
        image: Read already; of other formats it stays as it is.
        data: The file.
    """
    key, depth = image.info.get("transparency"), data[_DEPTH] if len(data) > _DEPTH else 0
    if image.format != "PNG":
        return
    if image.mode == "L" and isinstance(key, int) and depth in (2, 4):
        image.info["transparency"] = key * (255 // (2**depth - 1))
    elif image.mode == "RGB" and isinstance(key, tuple) and depth == 16:
        image.info["transparency"] = tuple(level >> 8 for level in key)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of every chunk, its begin and its end; a file that is cut off ends with a shorter chunk."""
    start = len(SIGNATURE)
    while start + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        yield kind, start, min(start + 12 + length, len(data))
        start += 12 + length


def _unpacked(body: bytes) -> bytes | None:
    """Unpack the profile in a chunk: a name, a zero, the method (0), and the compressed bytes."""
    _, _, rest = body.partition(b"\0")
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(rest[1:], _LARGEST_PROFILE)
    except zlib.error:
        return None
    return profile if stream.eof else None
