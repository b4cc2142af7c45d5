"""Write a sweep into the commands that messages name, so that they find it from where they are read."""

import os
import shlex

from ganlib.address import parted
from sweep.storage.folder import Folder
from sweep.storage.layout import CONFIRMATION, CONTINUED, INFO, RUNS
from sweep.storage.opening import open_folder


def called(folder: Folder, outer: bool = False) -> str:
    """Write the words by which a command finds the sweep in a folder from here, as a shell takes them.

    Args:
        folder: Of a sweep; a confirmation is found by the sweep that it is of.
        outer: Whether that sweep is wanted too where the folder is that of trials which were trained on.
    """
    place, name = _parted(folder.url)
    while name.split("/")[0] in (CONFIRMATION, CONTINUED) and open_folder(place).exists(INFO):
        place, above = _parted(place)
        name = above if name == CONFIRMATION or outer else f"{above}/{name}"
        outer = False
    if place == open_folder(RUNS).url:
        return shlex.quote(name)
    if "://" not in place:
        place = min(place, os.path.relpath(place), key=len)
    return f"{shlex.quote(name)} --storage {shlex.quote(place)}"


def _parted(url: str) -> tuple[str, str]:
    """Part a path, or a URL with its query, into that of the folder above, and the name."""
    path, options = parted(url)
    above, _, name = path.rstrip("/").rpartition("/")
    return f"{above or '/'}{options}", name
