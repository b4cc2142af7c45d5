"""The catalog of a storage folder: its sweeps, listed or opened by name; nothing is written."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganlib.errors import RequestError, WorkError
from ganlib.registry import did_you_mean
from sweep.mistaken import instead_of_sweep
from sweep.records.datasets import Store
from sweep.records.sweep_info import SweepInfo
from sweep.storage.called import called
from sweep.storage.folder import Folder, MissingFileError
from sweep.storage.layout import CONFIRMATION, CONTINUED, INFO, REMOVED, SPEC
from sweep.storage.note import Note
from sweep.storage.note import read as read_note
from sweep.storage.opening import open_folder


@dataclass(frozen=True)
class Sweep:
    """One sweep, as its folder describes it.

    Attributes:
        name: The name of the sweep and of its folder.
        folder: The folder with all files of the sweep.
        info: The facts of the sweep.
    """

    name: str
    folder: Folder
    info: SweepInfo

    def again(self) -> "Sweep":
        """Read its facts anew: `sweep extend`, and the end of a sweep for a while, change them.

        Raises:
            WorkError: If the sweep's ``sweep.json`` cannot be read.
        """
        return replace(self, info=SweepInfo.read(self.folder))

    @property
    def store(self) -> Store:
        """Datasets of the sweep, for reading."""
        return Store(self.folder)

    @property
    def note(self) -> Note:
        """What people say of the sweep."""
        return read_note(self.folder)

    def spec_text(self) -> str:
        """Read the resolved spec as YAML text; empty if the file is gone."""
        try:
            return self.folder.read(SPEC).decode("utf-8", errors="replace")
        except MissingFileError:
            return ""

    def spec(self) -> dict[str, Any]:
        """Read the resolved spec as plain values; empty if the file is gone or cannot be parsed."""
        import yaml

        # The parser in C, where PyYAML was built with it, takes a tenth of the time.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            loaded = yaml.load(self.spec_text(), Loader=loader)
        except (yaml.YAMLError, RecursionError):
            return {}
        return loaded if isinstance(loaded, dict) else {}


def find_sweeps(storage: Folder) -> tuple[list[Sweep], list[str]]:
    """Find all sweeps of a storage folder.

    Returns:
        The sweeps, newest first, and one sentence for each that cannot be read or is half removed.
    """
    names = [name for name in storage.names() if not name.startswith(".")]
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda name: _try_load(storage, name), names))
    sweeps = [item for item in found if isinstance(item, Sweep)]
    problems = [item for item in found if isinstance(item, str)]
    unknown = datetime.fromtimestamp(0, UTC)
    return sorted(
        sweeps, key=lambda sweep: (sweep.info.created or unknown, sweep.name), reverse=True
    ), problems


def open_sweep(storage: Folder, name: str | None = None) -> Sweep:
    """Open a sweep by its name or path, or the newest one.

    Args:
        storage: The folder with the sweeps.
        name: The name of a sweep in ``storage``, or the path or URL of a sweep's folder or of a file in it; None for
            the newest sweep in ``storage``.

    Raises:
        RequestError: If there is no such sweep; the text lists the sweeps of the storage folder.
        WorkError: If the sweep's ``sweep.json`` cannot be read.
    """
    if name is not None:
        sweep = _named(storage, name) or _at_path(name)
        if sweep is not None:
            return sweep
    if name is not None and "/" in name.rstrip("/"):
        raise RequestError(
            f"no sweep '{name}': nothing at that path holds a {INFO}; 'sweep ls' lists the sweeps of a storage "
            f"folder{instead_of_sweep(name)}"
        )
    sweeps, problems = find_sweeps(storage)
    if not sweeps:
        if problems:
            raise WorkError(problems[0])
        raise RequestError(
            f"no sweeps in '{storage}' yet; start one with 'sweep run SPEC', or say where they are "
            f"with --storage{instead_of_sweep(name or '')}"
        )
    if name is None:
        return sweeps[0]
    known = [sweep.name for sweep in sweeps]
    listed = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    hint = did_you_mean(name, known)
    raise RequestError(
        f"no sweep '{name}' in '{storage}'{hint} (there are: {listed}){instead_of_sweep(name)}"
    )


def told_apart(sweeps: Sequence[Sweep]) -> list[Sweep]:
    """Name sweeps of one name by their folders too, or by all of their paths where these are of one name."""
    for parts in (2, sys.maxsize):
        counts = Counter(sweep.name for sweep in sweeps)
        paths = ["/".join(str(sweep.folder).split("/")[-parts:]) for sweep in sweeps]
        named = zip(sweeps, paths, strict=True)
        sweeps = [replace(one, name=path) if counts[one.name] > 1 else one for one, path in named]
    return list(sweeps)


def _named(storage: Folder, name: str) -> Sweep | None:
    """Open the sweep of a name in a storage folder; None where there is none."""
    plain = first = name.rstrip("/")
    while first.endswith(f"/{CONTINUED}"):
        first = first.removesuffix(f"/{CONTINUED}")
    return _load(storage, plain) if first in storage.names() else None


def _at_path(name: str) -> Sweep | None:
    """Open the sweep whose folder, or a file or folder in it, is at a path or URL; None where there is none.

    Raises:
        RequestError: If the path is a folder of sweeps.
    """
    if "\0" in name or not name:
        return None
    if "://" in name and not name.startswith("file://"):
        there = open_folder(name)
        return _read(there.name, there) if there.name else None
    path = Path(os.path.abspath(Path(name.removeprefix("file://")).expanduser()))
    if not os.path.exists(path):  # also where the name is too long for a path
        return None
    for folder in (path, *path.parents):
        # A confirmation is a sweep within the sweep whose trials it repeats.
        inner = folder.name == CONFIRMATION and (folder.parent / INFO).is_file()
        if (folder / INFO).is_file() and not inner:
            above, named = folder.parent, folder.name
            while named.split("/")[0] == CONTINUED and (above / INFO).is_file():
                above, named = above.parent, f"{above.name}/{named}"
            return _load(open_folder(above), named)
    inside = find_sweeps(open_folder(path))[0] if path.is_dir() else []
    if inside:
        names = ", ".join(sweep.name for sweep in inside[:10])
        raise RequestError(
            f"'{name}' is no sweep but holds some ({names}): name one of them, with --storage {name}"
        )
    return None


def _try_load(storage: Folder, name: str) -> Sweep | str | None:
    try:
        sweep = _load(storage, name)
        if sweep is None and storage.child(name).exists(REMOVED):
            return f"'{name}' is half removed: 'sweep rm {called(storage.child(name))}' removes the rest"
    except WorkError as error:
        return str(error)
    return sweep


def _load(storage: Folder, name: str) -> Sweep | None:
    """Read the sweep in a folder below ``storage``; None where the folder holds no sweep."""
    return _read(name, storage.child(name))


def _read(name: str, folder: Folder) -> Sweep | None:
    try:
        return Sweep(name, folder, SweepInfo.read(folder))
    except MissingFileError:
        return None
