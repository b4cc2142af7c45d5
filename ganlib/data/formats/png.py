"""Take the text out of PNG files: some hold megabytes of it (prompts, histories), which Pillow refuses to read."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
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
