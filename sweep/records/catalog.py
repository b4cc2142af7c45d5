"""The sweeps in a storage folder: list them, open one by name. Reads only; starts in a blink."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganlib.errors import RequestError, WorkError
from ganlib.registry import did_you_mean
from sweep.mistaken import instead_of_sweep
from sweep.records.datasets import Store
from sweep.records.sweep_info import SweepInfo
from sweep.storage.folder import Folder, MissingFileError
from sweep.storage.layout import CONFIRMATION, INFO, SPEC


@dataclass(frozen=True)
class Sweep:
    """One sweep, as its folder describes it.

    Attributes:
        name: Its name, which is its folder's.
        folder: Where everything about it lies.
        info: Its facts.
    """

    name: str
    folder: Folder
    info: SweepInfo

    @property
    def store(self) -> Store:
        """Its datasets, for reading."""
        return Store(self.folder)

    def spec_text(self) -> str:
        """The resolved spec as YAML text; empty if the file is gone."""
        try:
            return self.folder.read(SPEC).decode("utf-8", errors="replace")
        except MissingFileError:
            return ""

    def spec(self) -> dict[str, Any]:
        """The resolved spec as plain values; empty if it cannot be parsed."""
        import yaml

        try:
            loaded = yaml.safe_load(self.spec_text())
        except (yaml.YAMLError, RecursionError):
            return {}
        return loaded if isinstance(loaded, dict) else {}


def find_sweeps(storage: Folder) -> tuple[list[Sweep], list[str]]:
    """All sweeps of a storage folder, newest first, and one sentence for each that cannot be read."""
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
    """The sweep of that name, that at that path (its folder, or a file in it), or the newest one.

    Raises:
        RequestError: if there is none (of that name); the text lists those that there are.
        WorkError: if its ``sweep.json`` cannot be read.
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


def _named(storage: Folder, name: str) -> Sweep | None:
    """The sweep of that name in a storage folder."""
    plain = name.rstrip("/")
    return _load(storage, plain) if plain in storage.names() else None


def _at_path(name: str) -> Sweep | None:
    """The sweep whose folder, or a file or folder in it, is at that path or URL.

    Raises:
        RequestError: if something else is there.
    """
    if "\0" in name or not name:
        return None
    if "://" in name and not name.startswith("file://"):
        parent, _, last = name.rstrip("/").rpartition("/")
        return _load(Folder.open(parent), last) if parent.count("/") > 1 else None
    path = Path(os.path.abspath(Path(name.removeprefix("file://")).expanduser()))
    if not os.path.exists(path):  # also where it is too long to be one
        return None
    for place in (path, *path.parents):
        # A confirmation is a sweep within the sweep that it belongs to.
        inner = place.name == CONFIRMATION and (place.parent / INFO).is_file()
        if (place / INFO).is_file() and not inner:
            return _load(Folder.open(place.parent), place.name)
    inside = find_sweeps(Folder.open(path))[0] if path.is_dir() else []
    if inside:
        names = ", ".join(sweep.name for sweep in inside[:10])
        raise RequestError(
            f"'{name}' is no sweep but holds some ({names}): name one of them, with --storage {name}"
        )
    return None


def _try_load(storage: Folder, name: str) -> Sweep | str | None:
    try:
        return _load(storage, name)
    except WorkError as error:
        return str(error)


def _load(storage: Folder, name: str) -> Sweep | None:
    """The sweep in that folder; None if it is not one."""
    folder = storage.child(name)
    try:
        return Sweep(name, folder, SweepInfo.read(folder))
    except MissingFileError:
        return None
