"""Remember what this software wrote into folders of its users: a list of names and content, beside the files.

Two things hang on the list. Pictures that were made are never taken for pictures to learn from, wherever they were put;
and no other file is ever overwritten. A file is ours while its content is what was written: once somebody
has changed or replaced it, it is theirs. A line is added before the file takes its place, so that none is unlisted.

The list lies beside what ``--out`` or ``--export`` named: of a folder that was filled, with all folders in it, in the
folder above it, so that nothing but what was asked for is in there. Sweeps need no list: everything in their folders is
theirs (`is_sweep`).
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ganlib.disk import write_whole
from ganlib.errors import RequestError, WorkError

LIST = ".sweep-files.jsonl"
EXPORT = "config.json"
"""The configuration in the folder of an exported generator, which lists the digests of the files beside it."""
EXPORT_FORMAT = "sweep-generator-1"
"""The format that such a configuration names."""
PICTURES = "pictures"
"""The kind of single pictures that were generated: their folder is a set of pictures for those who name it."""
_INFO = {"name", "data_hash", "images"}
SWEEP = {"sweep.json": _INFO, "removed.json": _INFO, "lease.json": {"owner", "host", "pid", "beat"}}
"""Files by which the folder of a sweep is known, and keys that they hold."""
_SHOWN = 5


def is_sweep(folder: str | Path) -> bool:
    """Tell whether a folder is that of a sweep, running or not."""
    return any(keys <= _object(Path(folder) / name).keys() for name, keys in SWEEP.items())


def ours(
    folder: str | Path, kind: str | None = None, above: str | Path | None = None, names: Iterable[str] = ()
) -> frozenset[str]:
    """List the files in a folder that are as this software wrote them, by name.

    Args:
        folder: Where to look.
        kind: Only files of this kind; all by default.
        above: Only files of lists that lie above this folder; all by default.
        names: Only these files; all by default.
    """
    root, found = Path(folder), set()
    listed = _listed(root, above)
    for name in set(names) & listed.keys() if names else listed:
        wanted = {digest for digest, what in listed[name] if kind is None or what == kind}
        if wanted and _digest(root / name) in wanted:
            found.add(name)
    return frozenset(found)


def listed(folder: str | Path) -> frozenset[str]:
    """List the names under which something was written into a folder, whether or not it is still there."""
    return frozenset(_listed(Path(folder)))


def listed_above(folder: str | Path) -> bool:
    """Tell whether there is a list in any of the folders above a folder."""
    return any((above / LIST).exists() for above in Path(os.path.abspath(folder)).parents)


def foreign(folder: Path) -> list[str]:
    """List the names in a folder that are not `ours`, sorted; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted({entry.name for entry in folder.iterdir()} - ours(folder) - {LIST})


def check(paths: Iterable[Path]) -> None:
    """Make sure that writing files loses no other file; do so before the work that makes them.

    Raises:
        RequestError: naming the files that are there and not `ours`.
    """
    taken = []
    for folder, names in _by_folder(paths).items():
        there = [name for name in names if os.path.lexists(folder / name)]
        own = ours(folder, names=there) if there else ()
        taken += [str(folder / name) for name in there if name not in own]
    if taken:
        raise RequestError(
            f"{_some(taken)} exist{'s' * (len(taken) == 1)} and would be overwritten, but sweep did not write"
            f" {'it' if len(taken) == 1 else 'them'} (or somebody has changed it since): choose another place, or move"
            " what is there away"
        )


def check_file(path: Path, option: str) -> None:
    """Make sure that a file can stand where it is asked for, and that no other is lost; do so before the work.

    Raises:
        RequestError: naming the option that asked, and what is in the way.
    """
    if path.is_dir():
        raise RequestError(f"{option}: '{path}' is a folder; give the name of a file")
    check_folder(path.parent, option)
    check([path])


def check_folder(folder: Path, option: str) -> None:
    """Make sure that no file stands where a folder is asked for, or one above it; do so before the work.

    Raises:
        RequestError: naming the option that asked, and the file.
    """
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            if not place.is_dir():
                raise RequestError(f"{option}: '{place}' is a file, and no folder; choose another place")
            return


def write(path: Path, data: bytes, kind: str = "") -> None:
    """Write a file whole, or not at all, unless it would replace one that is not `ours`.

    Raises:
        RequestError: if it would.
        OSError: if it cannot be written.
    """
    write_all(path.parent, {path.name: data}, kind)


def write_all(folder: Path, files: Mapping[str, bytes], kind: str = "", filled: bool = False) -> None:
    """Write several files into a folder, or into folders in it, which are made where they are not there; as `write`.

    Args:
        folder: Where to.
        files: What to write, by name or relative path.
        kind: Of the files.
        filled: Whether the folder was asked for as a whole.

    Raises:
        RequestError: if a file that is not `ours` would be replaced.
        OSError: if one cannot be written.
    """
    check(folder / name for name in files)
    for place in {(folder / name).parent for name in files}:
        place.mkdir(parents=True, exist_ok=True)
    _list(folder, {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}, kind, filled)
    for name, data in files.items():
        write_whole(folder / name, data, lasting=False)


def adopt(temporary: Path, path: Path, filled: bool = False) -> None:
    """Move a file that was made to where it belongs, on its file system; as `write_all`."""
    check([path])
    _list(path.parent, {path.name: _digest(temporary) or ""}, "", filled)
    os.replace(temporary, path)


def clear(folder: Path) -> None:
    """Remove what is ours in a folder, and forget it; files of others stay.

    Raises:
        WorkError: if something cannot be removed.
    """
    try:
        for name in ours(folder):
            (folder / name).unlink(missing_ok=True)
        (folder / LIST).unlink(missing_ok=True)
        _forget(folder)
    except OSError as error:
        raise WorkError(f"could not remove old files in {folder}: {error.strerror or error}") from None


def fill(folder: Path, made: Path) -> None:
    """Move all files of one folder into another on its file system, in the place of what is `ours` there.

    Raises:
        RequestError: if a file that is not `ours` is in the way; nothing has changed then.
        OSError: if something cannot be written.
    """
    files = sorted(made.iterdir())
    check(folder / file.name for file in files)
    clear(folder)
    for file in files:
        adopt(file, folder / file.name, filled=True)


def _list(folder: Path, digests: Mapping[str, str], kind: str, filled: bool) -> None:
    """Add to the list: in the folder above for one that is filled, unless that may not be written."""
    absolute = Path(os.path.abspath(folder))
    if filled:
        with contextlib.suppress(PermissionError):
            names = {f"{absolute.name}/{name}": digest for name, digest in digests.items()}
            return _append(absolute.parent / LIST, names, kind)
    return _append(absolute / LIST, digests, kind)


def _append(path: Path, digests: Mapping[str, str], kind: str) -> None:
    lines = (json.dumps({"name": name, "sha256": value, "kind": kind}) for name, value in digests.items())
    with open(path, "a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def _forget(folder: Path) -> None:
    """Take the files of a folder out of the list above it."""
    absolute = Path(os.path.abspath(folder))
    above = absolute.parent / LIST
    if any(_in(name, absolute.name) for name in _read(above)):
        kept = [
            line for line in above.read_text(encoding="utf-8").splitlines() if not _of(line, absolute.name)
        ]
        write_whole(above, "".join(f"{line}\n" for line in kept).encode(), lasting=False)


def _of(line: str, folder: str) -> bool:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return _in(str(json.loads(line)["name"]), folder)
    return False


def _in(path: str, folder: str) -> bool:
    """Tell whether a path is that of a file in a folder, and not of one in a folder in it."""
    return path.rpartition("/")[0] == folder


def _listed(folder: Path, above: str | Path | None = None) -> dict[str, set[tuple[str, str]]]:
    """Collect every digest and kind that was written under each name; of an export, also those in its configuration."""
    absolute = Path(os.path.abspath(folder))
    places = [absolute, *absolute.parents] if above is None else Path(os.path.abspath(above)).parents
    found: dict[str, set[tuple[str, str]]] = {}
    for place in places:
        inside = absolute.relative_to(place).as_posix()
        for path, contents in _read(place / LIST).items():
            if _in(path, "" if inside == "." else inside):
                found.setdefault(path.rpartition("/")[2], set()).update(contents)
    config = {} if above is not None else _object(folder / EXPORT)
    if config.get("format") == EXPORT_FORMAT and isinstance(config.get("digests"), dict):
        digests = {**config["digests"], EXPORT: _digest(folder / EXPORT)}
        for name, value in digests.items():
            if "/" not in name:
                found.setdefault(name, set()).add((str(value), ""))
    return found


def _read(path: Path) -> dict[str, set[tuple[str, str]]]:
    """Read what a list holds: nothing where there is no list."""
    try:
        status = os.stat(path)
    except OSError:
        return {}
    return _parsed(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)  # many folders lie beside one list
def _parsed(path: Path, mtime_ns: int, size: int) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):  # a line that was cut off
                entry = json.loads(line)
                found.setdefault(str(entry["name"]), set()).add((str(entry["sha256"]), str(entry["kind"])))
    return found


def _object(path: Path) -> dict[str, Any]:
    """Read the object that a JSON file holds: an empty one if it is no such file."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(path: Path) -> str | None:
    """Hash a plain file with SHA-256 (hex); None where there is none."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _by_folder(paths: Iterable[Path]) -> dict[Path, list[str]]:
    folders: dict[Path, list[str]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path.name)
    return folders


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + more
