"""Prepare pictures, avatars or folders of files, once into a packed array that is mapped into memory.

The names below are imported when they are first used, so that a worker process that only draws or decodes
does not load what it has no use for.
"""

from typing import TYPE_CHECKING

from ganlib.registry import lazily

if TYPE_CHECKING:
    from ganlib.data.avatars import styles
    from ganlib.data.build import find, prepare
    from ganlib.data.cache import ImageSet, cache_dir, drop, open_set, verify
    from ganlib.data.listing import Skipped
    from ganlib.data.sheet import contact_sheet, grid

__all__ = [
    "ImageSet",
    "Skipped",
    "cache_dir",
    "contact_sheet",
    "drop",
    "find",
    "grid",
    "open_set",
    "prepare",
    "styles",
    "verify",
]

_HOMES = {
    "ImageSet": "cache",
    "Skipped": "listing",
    "cache_dir": "cache",
    "contact_sheet": "sheet",
    "drop": "cache",
    "find": "build",
    "grid": "sheet",
    "open_set": "cache",
    "prepare": "build",
    "styles": "avatars",
    "verify": "cache",
}

__getattr__ = lazily(__name__, _HOMES)
