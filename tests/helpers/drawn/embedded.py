"""Encode a picture of a report once: the reports of a test process show the same ones again and again."""

import hashlib
from collections.abc import Callable

from PIL import Image

Embed = Callable[[Image.Image, int, int], str]


def remembering(embed: Embed) -> Embed:
    """Wrap `sweep.report.pictures.embed`."""
    known: dict[tuple[bytes, str, tuple[int, int], int, int], str] = {}

    def remembered(picture: Image.Image, width: int, quality: int) -> str:
        key = (hashlib.sha256(picture.tobytes()).digest(), picture.mode, picture.size, width, quality)
        if key not in known:
            known[key] = embed(picture, width, quality)
        return known[key]

    return remembered
