"""Lengths of time as people write them."""

import math
import re

UNITS = {"d": 86400.0, "h": 3600.0, "min": 60.0, "m": 60.0, "s": 1.0}
LONGEST = 36500
"""Days that a length of time has at most."""
SHOWN = 40
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(d|h|min|m|s)")


def seconds(text: str) -> float:
    """Read a length of time such as ``2h``, ``90m``, ``1h30m`` or ``1d``, in seconds.

    Raises:
        ValueError: if it is none, or too long.
    """
    end, total = 0, 0.0
    while part := _PART.match(text, end):
        total += float(part[1]) * UNITS[part[2]]
        end = part.end()
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text) and float(text):
        raise ValueError(
            f"'{text[:SHOWN]}' has no unit; write {text.strip()[:SHOWN]}m for minutes, or 2h or 1h30m"
        )
    if not total or text[end:].strip():
        raise ValueError(f"'{text}' is no length of time; write 2h, 90m or 1h30m")
    if total > LONGEST * UNITS["d"]:
        raise ValueError(f"'{text[:SHOWN]}' is longer than {LONGEST} days")
    return total


def checked(text: str | None) -> str | None:
    """Return a length of time as it is written, or None.

    Raises:
        ValueError: if it is neither.
    """
    if text is not None:
        seconds(text)
    return text


def text(seconds: float) -> str:
    """Write a length of time, rounded up to a second, such as ``1h30m`` or ``45s``."""
    left, parts = math.ceil(seconds), []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
