"""List the picture files of a folder: which there are, in which order, and what is left out.

Every file whose suffix is in `ganlib.data.formats.SUFFIXES` counts, at any depth, sorted by its path relative
to the folder. Hidden names (``._photo.png``, ``.ipynb_checkpoints``) do not belong to the set, nor does what this
software made itself (`ganlib.written`). Links to files are followed, links to folders are not, so that a loop of links
ends and nothing is counted twice. Whatever is left out is counted.
"""

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from ganlib import written
from ganlib.data.formats import SUFFIXES, why_not
from ganlib.errors import RequestError
from ganlib.registry import did_you_mean

HIDDEN, OWN, SWEEP, OTHER, DRAWN = (
    "hidden",
    "made by sweep",
    "folder of a sweep",
    "no picture",
    "not drawn (data.count)",
)
"""Reasons why something was left out that are no faults."""
_EXAMPLES = 3


@dataclass(frozen=True)
class Skipped:
    """A file that is not in the set: a printable path, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class File:
    """A picture file as it was listed.

    Attributes:
        path: Where it is on this machine.
        relative: Its path in its source.
        state: Numbers that change whenever its content does.
        label: Its class.
        address: Where it came from, for people; empty where that is its path.
    """

    path: str
    relative: bytes
    state: tuple[int, int, int]
    label: str = ""
    address: str = ""

    @property
    def shown(self) -> str:
        """Name the file for people."""
        return self.address or printable(self.path)

    @property
    def suffix(self) -> str:
        """Suffix of the file's name, lower case, with its dot."""
        return os.path.splitext(self.path)[1].lower()

    @property
    def folder(self) -> str:
        """Name of the first folder on the way to the file, for people; empty where the file lies in none."""
        folder, _, rest = self.relative.partition(b"/")
        return printable(os.fsdecode(folder)) if rest else ""


@dataclass(frozen=True, order=True)
class LeftOut:
    """Files or folders of one suffix that do not belong to the set, why, and where the first few of them are."""

    reason: str
    suffix: str
    count: int
    example: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """The picture files of a folder, in order, what looked like one but cannot be opened, and what else is there."""

    files: tuple[File, ...]
    skipped: tuple[Skipped, ...]
    left_out: tuple[LeftOut, ...]


def scan(source: str, key: str = "data.source") -> Listing:
    """List the picture files under a folder.

    Args:
        source: The folder.
        key: What to call it in an error text.

    Raises:
        RequestError: when there is no such folder, it cannot be read, or it belongs to a sweep.
    """
    root = folder_of(source, key)
    walk = _Walk()
    pending = [(os.fspath(root), b"", written.listed_above(root))]
    while pending:
        folder, prefix, listed = pending.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            if not prefix:
                raise RequestError(f"{key}: cannot read '{printable(source)}': {error.strerror}") from error
            walk.skipped.append(Skipped(printable(folder), f"folder cannot be read: {error.strerror}"))
            continue
        names = {entry.name for entry in entries}
        if names & written.SWEEP.keys() and written.is_sweep(folder):
            if not prefix:
                raise RequestError(_sweeps_own(source, folder, key))
            walk.leave_out(SWEEP, "", folder)
            continue
        listed = listed or written.LIST in names
        own = _own(folder, root, not prefix) if listed or written.EXPORT in names else frozenset()
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                below = prefix + os.fsencode(entry.name) + b"/"
                pending.append((entry.path, below, listed))
            else:
                walk.take(entry, prefix, own)
    return walk.listing()


class _Walk:
    """What a walk through a folder has found so far."""

    def __init__(self) -> None:
        self.found: list[File] = []
        self.skipped: list[Skipped] = []
        self._left: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], list[str]] = {}

    def take(self, entry: "os.DirEntry[str]", prefix: bytes, own: Collection[str]) -> None:
        """Take in an entry of a folder that is no folder to go into."""
        suffix = os.path.splitext(entry.name)[1].lower()
        looks = suffix in SUFFIXES
        if entry.name.startswith("."):
            if looks or (entry.is_dir(follow_symlinks=False) and entry.name == ".ipynb_checkpoints"):
                self.leave_out(HIDDEN, suffix, entry.path)
        elif entry.name in own:
            self.leave_out(OWN, suffix, entry.path)
        elif reason := why_not(suffix):
            self.skipped.append(Skipped(printable(entry.path), reason))
        elif looks:
            file = _file(entry, prefix)
            self.found.append(file) if isinstance(file, File) else self.skipped.append(file)
        elif entry.is_symlink() and os.path.isdir(entry.path):
            self.skipped.append(Skipped(printable(entry.path), "link to a folder; not followed"))
        else:
            self.leave_out(OTHER, suffix, entry.path)

    def leave_out(self, reason: str, suffix: str, path: str) -> None:
        kind = reason, printable(suffix)
        self._left[kind] += 1
        self._examples[kind] = sorted([*self._examples.get(kind, []), path])[:_EXAMPLES]

    def listing(self) -> Listing:
        examples = {kind: tuple(map(printable, paths)) for kind, paths in self._examples.items()}
        left = (
            LeftOut(*kind, count, examples[kind][0], examples[kind][1:]) for kind, count in self._left.items()
        )
        return Listing(
            tuple(sorted(self.found, key=lambda file: file.relative)),
            tuple(sorted(self.skipped, key=lambda item: item.path)),
            tuple(sorted(left)),
        )


def _own(folder: str, root: Path, at_root: bool) -> frozenset[str]:
    """List the files of a folder that were made; generated pictures belong to a set that consists of them."""
    return written.ours(folder) - written.ours(folder, written.PICTURES, above=None if at_root else root)


def _sweeps_own(source: str, folder: str, key: str) -> str:
    return (
        f"{key}: '{printable(source)}' is or lies in the folder of a sweep ({printable(folder)}), whose pictures are"
        " sheets of samples; give a folder of pictures"
    )


def printable(path: str) -> str:
    """Write a path as one printable line: bytes that are no UTF-8, and control characters, become escapes."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def matched(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Give each name of a file as it is known; one that is not known stays as it is.

    Where it differs from a known one only in the form of its Unicode, that is meant: archives of macOS write an é as
    two characters, and tables as one.
    """
    forms = {unicodedata.normalize("NFC", one): one for one in known}
    return [name if name in known else forms.get(unicodedata.normalize("NFC", name), name) for name in names]


def in_one_form(names: Iterable[str]) -> dict[str, str]:
    """Map names to the form in which they are used: composed (NFC), where there is one in several forms of Unicode.

    A name that has one form alone keeps it.
    """
    forms: dict[str, set[str]] = {}
    for name in names:
        forms.setdefault(unicodedata.normalize("NFC", name), set()).add(name)
    return {name: composed if len(same) > 1 else name for composed, same in forms.items() for name in same}


def folder_of(source: str, key: str = "data.source") -> Path:
    """Find the folder that a source names.

    Raises:
        RequestError: when there is none, or it lies in that of a sweep.
    """
    if not source.strip():
        raise RequestError(
            f"{key} is empty; give a folder of pictures{', or avatars' * key.endswith('.source')}"
        )
    try:
        root = Path(source).expanduser()
        if root.is_dir():
            for parent in root.absolute().parents:
                if written.is_sweep(parent):
                    raise RequestError(_sweeps_own(source, os.fspath(parent), key))
            return root
    except (OSError, RuntimeError, ValueError) as error:
        raise RequestError(f"{key}: '{printable(source)}' is no usable path: {error}") from error
    shown = printable(source)
    if root.exists():
        raise RequestError(
            f"{key}: '{shown}' is a file; it must be a folder of pictures (unpack an archive first)"
        )
    if "://" in source:
        raise RequestError(f"{key}: '{shown}' is an address; pictures must be in a local folder")
    hint = did_you_mean(source, ["avatars"]) if key.endswith(".source") else ""
    raise RequestError(f"{key}: there is no folder '{shown}'{hint} (looked in {Path.cwd()})")


def _file(entry: os.DirEntry[str], prefix: bytes) -> File | Skipped:
    try:
        info = entry.stat()
    except OSError as error:
        why = "broken link" if entry.is_symlink() else error.strerror or str(error)
        return Skipped(printable(entry.path), why)
    if not stat.S_ISREG(info.st_mode):
        # Opening a pipe would wait for ever.
        return Skipped(printable(entry.path), "not a regular file")
    # ctime changes even if a tool restores mtime after writing.
    return File(
        entry.path, prefix + os.fsencode(entry.name), (info.st_size, info.st_mtime_ns, info.st_ctime_ns)
    )
