"""Put a line with a digest before a payload, so that damage is found before anything is parsed.

The line holds the name of a format, a blank and the SHA-256 (hex) of all that follows it.
"""

import hashlib


class ForeignError(ValueError):
    """The bytes do not begin with the line of the format."""


class DamagedError(ValueError):
    """The payload does not match its digest: bytes were flipped or lost."""


def with_digest(kind: bytes, payload: bytes) -> bytes:
    r"""Put the line before a payload.

    Args:
        kind: The name of the format, without blanks and line breaks.
        payload: Any bytes.

    Example:
        >>> with_digest(b"note-1", b"text")[:15]
        b'note-1 982d9e3e'
        >>> without_digest(b"note-1", with_digest(b"note-1", b"text"))
        b'text'
    """
    return line_of(kind, payload) + payload


def line_of(kind: bytes, payload: bytes | memoryview) -> bytes:
    """Make the line; its length depends on the format alone."""
    return kind + b" " + hashlib.sha256(payload).hexdigest().encode() + b"\n"


def without_digest(kind: bytes, data: bytes) -> bytes:
    """Return the payload behind the line.

    Raises:
        ForeignError: if the bytes are of another format, or empty.
        DamagedError: if the payload is torn or changed.
    """
    head, _, payload = data.partition(b"\n")
    found, _, digest = head.partition(b" ")
    if found != kind:
        raise ForeignError(f"the format is not {kind.decode()}")
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise DamagedError("the content does not match its digest")
    return payload


def is_whole(data: bytes) -> bool:
    """Tell whether a payload matches the digest before it, whatever its format."""
    try:
        without_digest(data.partition(b" ")[0], data)
    except (ForeignError, DamagedError):
        return False
    return True
