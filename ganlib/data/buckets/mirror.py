"""The mirror of a store in the cache: a file for each object, empty until the object's content is fetched.

A store may have objects that no folder can have: one whose name is that of a folder, too, or cannot be that of a file.
"""

import contextlib
import errno
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pyarrow takes a while
    from ganlib.data.buckets.store import State

TEMPORARY, STALE_SECONDS = ".fetched", 24 * 3600
_ASTRAY = "a part of it is empty, '.' or '..'"  # it would lie elsewhere, even outside of the mirror


def lay_out(mirror: Path, place: str, objects: Collection[str]) -> dict[str, str]:
    """Give each object a file in the mirror, and remove the files of objects that are gone.

    Args:
        mirror: The folder of the mirror.
        place: Where the objects lie in the store, and their files in the mirror.
        objects: All that are there.

    Returns:
        The objects whose names cannot be those of files, and why.
    """
    for folder, _, names in os.walk(mirror / place, topdown=False):
        for name in names:
            path = Path(folder, name)
            if path.relative_to(mirror).as_posix() not in objects and not _in_the_making(path):
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something is in it
            os.rmdir(folder)
    _make_folder(mirror, place)
    unusable = {one: _ASTRAY for one in objects if {"", ".", ".."} & set(one.split("/"))}
    folders = _folders_of(one for one in objects if one not in unusable)
    unusable |= {one: "it is that of a folder, too" for one in objects if one in folders}
    for one in unusable.keys() & folders:  # it had a file as long as there was nothing below it
        with contextlib.suppress(OSError):
            (mirror / one).unlink()
    for one in objects:
        if one in unusable:
            continue
        try:
            _make_room_for(mirror / one)
        except _NameError as error:
            unusable[one] = str(error)
    return unusable


def is_whole(path: Path, state: "State") -> bool:
    """Tell whether a file of the mirror has the content of its object."""
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_size == state[0] and (not state[0] or found.st_mtime_ns == state[1])


def _in_the_making(path: Path) -> bool:
    """Tell whether another process is about to write a file."""
    try:
        return path.suffix == TEMPORARY and time.time() - path.stat().st_mtime < STALE_SECONDS
    except OSError:
        return False


def _make_room_for(path: Path) -> None:
    """Make an empty file for an object, unless there is a file.

    Raises:
        _NameError: if there can be none.
    """
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EILSEQ):
            raise _NameError(error.strerror) from None
        raise


def _folders_of(places: Iterable[str]) -> set[str]:
    """List the folders in which the files of objects lie, at any depth."""
    found: set[str] = set()
    for place in places:
        while (place := place.rpartition("/")[0]) and place not in found:
            found.add(place)
    return found


def _make_folder(mirror: Path, place: str) -> None:
    """Make a folder of the mirror; an object of that name, or of one above it, may have had a file."""
    parts = place.split("/")
    for count in range(1, len(parts) + 1):
        path = mirror.joinpath(*parts[:count])
        if path.is_file():
            path.unlink()
    (mirror / place).mkdir(parents=True, exist_ok=True)


class _NameError(Exception):
    """A name that no file can have."""
