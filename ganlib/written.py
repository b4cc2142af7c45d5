"""What this software wrote into folders of its users: a list beside the files, of their names and content.

Two things hang on the list. Pictures that were made are never taken for pictures to learn from, wherever they were put;
and no file of anybody else is ever overwritten. A file is ours while its content is what was written: once somebody
has changed or replaced it, it is theirs. A line is added before the file takes its place, so that none is unlisted.

Sweeps need no list: everything in their folders is theirs (`is_sweep`).
"""

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganlib.errors import RequestError, WorkError

LIST = ".sweep-files.jsonl"
EXPORT = "config.json"
PICTURES = "pictures"
"""The kind of single pictures that were generated: their folder is a set of pictures for those who name it."""
SWEEP = {"sweep.json": {"schema", "name", "data_hash"}, "lease.json": {"owner", "host", "pid", "beat"}}
"""Files by which the folder of a sweep is known, and keys that they hold."""
_FORMAT = "sweep-generator-1"
_SHOWN = 5


def is_sweep(folder: str | Path) -> bool:
    """Whether a folder is that of a sweep, running or not."""
    return any(keys <= _object(Path(folder) / name).keys() for name, keys in SWEEP.items())


def ours(folder: str | Path, kind: str | None = None) -> frozenset[str]:
    """The names of files in a folder that are as this software wrote them.

    Args:
        folder: Where to look.
        kind: Only files of this kind; all by default.
    """
    root = Path(folder)
    found = set()
    for name, contents in _listed(root).items():
        wanted = {digest for digest, what in contents if kind is None or what == kind}
        if wanted and _digest(root / name) in wanted:
            found.add(name)
    return frozenset(found)


def foreign(folder: Path) -> list[str]:
    """The names in a folder that are not `ours`, sorted; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted({entry.name for entry in folder.iterdir()} - ours(folder) - {LIST})


def check(paths: Iterable[Path]) -> None:
    """Make sure that writing files loses nothing of anybody else; do so before the work that makes them.

    Raises:
        RequestError: naming the files that are there and not `ours`.
    """
    taken = []
    for folder, names in _by_folder(paths).items():
        there = [name for name in names if os.path.lexists(folder / name)]
        own = ours(folder) if there else ()
        taken += [str(folder / name) for name in there if name not in own]
    if taken:
        raise RequestError(
            f"{_some(taken)} exist{'s' * (len(taken) == 1)} and would be overwritten, but sweep did not write"
            f" {'it' if len(taken) == 1 else 'them'} (or somebody has changed it since): choose another --out, or move"
            " what is there away"
        )


def write(path: Path, data: bytes, kind: str = "") -> None:
    """Write a file whole, or not at all, unless it would replace one of somebody else.

    Raises:
        RequestError: if it would.
        OSError: if it cannot be written.
    """
    write_all(path.parent, {path.name: data}, kind)


def write_all(folder: Path, files: Mapping[str, bytes], kind: str = "") -> None:
    """Write several files into a folder that is there; as `write`."""
    check(folder / name for name in files)
    _list(folder, {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}, kind)
    for name, data in files.items():
        with passing(folder / name) as temporary:
            temporary.write_bytes(data)
            os.replace(temporary, folder / name)


def adopt(temporary: Path, path: Path) -> None:
    """Move a file that was made to where it belongs, on the same file system; as `write`."""
    check([path])
    _list(path.parent, {path.name: _digest(temporary) or ""}, "")
    os.replace(temporary, path)


@contextmanager
def passing(path: Path) -> Iterator[Path]:
    """A hidden name beside a file, with its suffix, for as long as it is being made."""
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}{path.suffix}")
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove what is ours in a folder, and the list; files of others stay.

    Raises:
        WorkError: if something cannot be removed.
    """
    try:
        for name in ours(folder):
            (folder / name).unlink(missing_ok=True)
        (folder / LIST).unlink(missing_ok=True)
    except OSError as error:
        raise WorkError(f"could not remove old files in {folder}: {error.strerror or error}") from None


def fill(folder: Path, made: Path) -> None:
    """Move all files of one folder into another on the same file system, in the place of what is `ours` there.

    Raises:
        RequestError: if a file of somebody else is in the way; nothing has changed then.
        OSError: if something cannot be written.
    """
    files = sorted(made.iterdir())
    check(folder / file.name for file in files)
    clear(folder)
    for file in files:
        adopt(file, folder / file.name)


def _list(folder: Path, digests: Mapping[str, str], kind: str) -> None:
    lines = (json.dumps({"name": name, "sha256": value, "kind": kind}) for name, value in digests.items())
    with open(folder / LIST, "a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def _listed(folder: Path) -> dict[str, set[tuple[str, str]]]:
    """Every digest and kind that was written under each name; of an export, also those in its configuration."""
    found: dict[str, set[tuple[str, str]]] = {}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in (folder / LIST).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):  # a line that was cut off
                entry = json.loads(line)
                found.setdefault(str(entry["name"]), set()).add((str(entry["sha256"]), str(entry["kind"])))
    config = _object(folder / EXPORT)
    if config.get("format") == _FORMAT and isinstance(config.get("digests"), dict):
        digests = {**config["digests"], EXPORT: _digest(folder / EXPORT)}
        for name, value in digests.items():
            found.setdefault(name, set()).add((str(value), ""))
    return {name: contents for name, contents in found.items() if os.path.basename(name) == name}


def _object(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing if it is no such file."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(path: Path) -> str | None:
    """The SHA-256 of a plain file; None where there is none."""
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
