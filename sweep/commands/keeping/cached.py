"""List what lies in the cache folder, and clear it: all of it can be made or fetched again."""

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ganlib.address import SCHEME, parted
from ganlib.errors import WorkError
from sweep.formatting import count
from sweep.records.catalog import Sweep
from sweep.storage import watching

KINDS = {
    "pictures": "prepared pictures, as trials read them",
    "features": "what the networks of metrics make of real pictures",
    "buckets": "pictures of buckets, as they were fetched",
    "weights": "weights of networks that came from another machine",
    "logs": "what drivers in the background said whose sweeps are on S3",
    "other": "everything else; it stays",
}
"""What is in the cache."""
CLEARED = tuple(kind for kind in KINDS if kind != "other")
_LOCK = ".lock"


@dataclass(frozen=True)
class User:
    """A sweep that may need something of the cache.

    Attributes:
        name: Of the sweep.
        running: Whether somebody runs it.
        hashes: Of its pictures, of each domain and of all.
        buckets: Names of those that its pictures come from.
    """

    name: str
    running: bool
    hashes: frozenset[str]
    buckets: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sweep: Sweep, cache: Path) -> "User":
        """Say what a sweep may need of a cache."""
        info = sweep.info
        kit = _object(cache / "kits" / info.data_hash / "kit.json") if info.data_hash else {}
        sides = kit.get("sides", {}).values()
        return cls(
            sweep.name,
            bool(watching.running_in(sweep.folder)),
            frozenset({info.data_hash, info.drawings_hash, *(side["hash"] for side in sides)} - {""}),
            frozenset(_buckets(sweep.spec())) if (cache / "buckets").exists() else frozenset(),
        )


@dataclass(frozen=True)
class Entry:
    """One thing in the cache.

    Attributes:
        kind: One of `KINDS`.
        name: Of its first file, relative to the cache.
        what: What it is, in words.
        files: In the order in which they are deleted.
        bytes: Of all of them.
        written: When the newest was.
        used_by: Sweeps that use it, as far as that is known.
        running: Those of them that somebody runs.
    """

    kind: str
    name: str
    what: str
    files: Sequence[Path]
    bytes: int
    written: datetime
    used_by: Sequence[str] = ()
    running: Sequence[str] = ()

    def plain(self) -> dict[str, Any]:
        """Give all but the files as plain values by name."""
        return {name: value for name, value in asdict(self).items() if name != "files"}


def _buckets(spec: Mapping[str, Any]) -> Iterator[str]:
    """Name the buckets that the pictures of a spec come from."""
    for section in ("data", "photos"):
        source = (spec.get(section) or {}).get("source") or []
        for place in [source] if isinstance(source, str) else source:
            if str(place).startswith(SCHEME):
                yield parted(str(place))[0].removeprefix(SCHEME).partition("/")[0]


def entries(cache: Path, users: Iterable[User] = ()) -> list[Entry]:
    """List all that is in a cache, the largest first.

    Args:
        cache: The folder.
        users: Sweeps that may use it.
    """
    known = list(users)
    groups = [*_pictures(cache, known), *_features(cache, known), *_mirrors(cache, known), *_single(cache)]
    taken = {path for entry in groups for path in entry.files}
    rest = [path for path in _below(cache) if path not in taken]
    groups += [_entry(cache, "other", f"{count(len(rest), 'file')} of another kind", rest)] if rest else []
    return sorted(groups, key=lambda entry: -entry.bytes)


def clear(chosen: Iterable[Entry]) -> tuple[int, list[Entry]]:
    """Delete things of the cache that no running sweep uses, and that no process is making.

    Returns:
        How many bytes that has freed, and what has stayed.

    Raises:
        WorkError: if something cannot be deleted.
    """
    freed, stayed = 0, []
    for entry in chosen:
        if entry.running or not _deleted(entry):
            stayed.append(entry)
        else:
            freed += entry.bytes
    return freed, stayed


def _deleted(entry: Entry) -> bool:
    """Delete the files of an entry, unless a process holds one of its locks."""
    locks = [path for path in entry.files if path.suffix == _LOCK or path.name == "lock"]
    try:
        with ExitStack() as held:
            for lock in locks:
                held.enter_context(FileLock(lock, timeout=0))
            for path in entry.files:
                path.unlink(missing_ok=True)
                _remove_empty(path.parent, len(Path(entry.name).parts) - 1)
    except Timeout:
        return False
    except OSError as error:
        raise WorkError(f"could not delete '{error.filename}': {error.strerror or error}") from None
    return True


def _remove_empty(folder: Path, levels: int) -> None:
    """Remove folders that nothing is in any more, so many levels at most."""
    for place in [folder, *folder.parents][: max(levels, 1)]:
        try:
            place.rmdir()
        except OSError:
            return


def _entry(cache: Path, kind: str, what: str, files: Sequence[Path], users: Iterable[User] = ()) -> Entry:
    stats = [stat for path in files if (stat := _stat(path))]
    return Entry(
        kind,
        files[0].relative_to(cache).as_posix() if kind != "other" else "",
        what,
        files,
        sum(size for size, _ in stats),
        datetime.fromtimestamp(max((at for _, at in stats), default=0.0), UTC),
        [user.name for user in users],
        [user.name for user in users if user.running],
    )


def _stat(path: Path) -> tuple[int, float] | None:
    """Look up the size of a file and when it was written; None where it is gone."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime


def _pictures(cache: Path, users: Collection[User]) -> Iterator[Entry]:
    """List packed pictures, each with what points to them, and sets that came from elsewhere."""
    indexes: dict[str, list[Path]] = {}
    for index in sorted((cache / "data").glob("*.index")):
        key = index.read_text(encoding="ascii", errors="replace").strip()
        indexes.setdefault(key, []).extend(
            path for path in (index, index.with_suffix(_LOCK)) if path.exists()
        )
    kits = {folder: _kit(folder) for folder in sorted((cache / "kits").glob("*"))}
    for path in sorted((cache / "data").glob("*.npy")):
        found, hashes = _object(path.with_suffix(".json")), set()
        files = [file for file in (path.with_suffix(".json"), path, path.with_suffix(_LOCK)) if file.exists()]
        for folder in [folder for folder, (first, _) in kits.items() if first == f"data/{path.name}"]:
            hashes.add(folder.name)
            files += kits.pop(folder)[1]
        using = [user for user in users if user.hashes & {found.get("hash"), *hashes}]
        yield _entry(cache, "pictures", _packed(found), [*files, *indexes.pop(path.stem, [])], using)
    for key, paths in indexes.items():
        lock = cache / "data" / f"{key}{_LOCK}"
        paths += [lock] if key.isalnum() and lock.exists() else []  # whatever a damaged index says
        yield _entry(cache, "pictures", f"points to pictures that are gone ({key[:8]})", paths)
    for folder, (_, files) in kits.items():
        if files:
            using = [user for user in users if folder.name in user.hashes]
            yield _entry(cache, "pictures", "came from another machine, or are gone", files, using)


def _kit(folder: Path) -> tuple[str, list[Path]]:
    """Say which pictures a set's description is about first, and list the files beside it, the description first."""
    sides = _object(folder / "kit.json").get("sides") or {}
    files = sorted(_below(folder), key=lambda path: (path.name == "lock", path.name != "kit.json"))
    first = next(iter(sides.values()), None)
    return first["path"] if first else "", files


def _packed(note: Mapping[str, Any]) -> str:
    """Say what packed pictures are."""
    shape = note.get("shape")
    if not isinstance(shape, list) or len(shape) != 4:
        return "pictures that are not complete"
    colours = {1: ", grey", 4: ", RGBA"}.get(shape[3], "")
    return f"{count(shape[0], 'picture')} of {shape[1]} px{colours}"


def _features(cache: Path, users: Collection[User]) -> Iterator[Entry]:
    """List what networks made of real pictures."""
    from ganlib.metrics.cache import identity_of

    for path in sorted(cache.glob("*.safetensors")):
        identity = identity_of(path) or {}
        using = [user for user in users if identity.get("data") in user.hashes]
        lock = path.with_name(f"{path.name}{_LOCK}")
        files = [path, lock] if lock.exists() else [path]
        what = f"{identity.get('extractor', 'an unknown network')}, {count(int(identity.get('n_real', 0)), 'picture')}"
        yield _entry(cache, "features", what, files, using)


def _mirrors(cache: Path, users: Collection[User]) -> Iterator[Entry]:
    """List what was fetched of buckets, a bucket at a time."""
    for folder in sorted((cache / "buckets").glob("*/*")):
        files = [path for path in _below(folder) if not path.name.startswith(".")]  # those are being fetched
        if files:
            using = [user for user in users if folder.name in user.buckets]
            yield _entry(cache, "buckets", f"{SCHEME}{folder.name}", files, using)


def _single(cache: Path) -> Iterator[Entry]:
    """List files that stand for themselves."""
    for kind, folder, what in (("weights", "weights", "weights"), ("logs", "drivers", "of a driver")):
        found = list(_below(cache / folder))
        for path in found:
            lock = path.with_name(f"{path.name}{_LOCK}")  # of who fetches it
            if path.suffix != _LOCK or path.with_suffix("") not in found:
                yield _entry(cache, kind, what, [path, lock] if lock in found else [path])


def _below(folder: Path) -> Iterator[Path]:
    """List all files below a folder, in order."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in sorted(names))


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
