"""Folders of picture files: which files there are, in which order, and what is in them.

Every file whose suffix is in `ganlib.data.decode.SUFFIXES` counts, at any depth, sorted by its path relative
to the folder. Hidden names (``._photo.png``, ``.ipynb_checkpoints``) do not belong to the set. Links to
files are followed, links to folders are not, so that a loop of links ends and nothing is counted twice.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganlib.data.decode import SUFFIXES, Background, UnreadableError, decode
from ganlib.errors import RequestError, WorkError
from ganlib.registry import did_you_mean

# Pictures all the same: leaving them out without a word would be losing data.
_NOT_READ = frozenset({".tif", ".tiff", ".avif", ".heic", ".heif", ".jfif", ".jp2", ".jxl", ".svg", ".psd"})


@dataclass(frozen=True)
class Skipped:
    """A file that is not in the set: a printable path, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class File:
    """A picture file as it was listed; ``state`` changes whenever its content does."""

    path: str
    relative: bytes
    state: tuple[int, int, int]


@dataclass(frozen=True)
class Listing:
    """The picture files of a folder, in order, and what looked like one but cannot be opened."""

    root: Path
    files: tuple[File, ...]
    skipped: tuple[Skipped, ...]
    others: Counter[str]


@dataclass(frozen=True)
class FileChunk:
    """Some files with the SHA-256 of their content: what a worker is asked to decode.

    ``digests`` holds bytes, or the reason why a file could not be read.
    """

    paths: tuple[str, ...]
    digests: tuple[bytes | str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def pictures(
        self, size: int, background: Background, nearest: bool = False
    ) -> Iterator[NDArray[np.uint8] | str]:
        """Yield uint8 arrays as `decode` makes them, or why there is none.

        Raises:
            WorkError: when a file has changed since it was listed.
        """
        for path, digest in zip(self.paths, self.digests, strict=True):
            if isinstance(digest, str):
                yield digest
                continue
            data = _read(path)
            if isinstance(data, str) or hashlib.sha256(data).digest() != digest:
                raise WorkError(
                    f"{printable(path)} changed while the pictures were being prepared; wait until nothing"
                    " writes into the folder, then start again"
                )
            try:
                yield decode(data, size, background, nearest)
            except UnreadableError as error:
                yield str(error)


def digests(paths: tuple[str, ...]) -> list[bytes | str]:
    """The SHA-256 of each file's content, or why it cannot be read."""
    contents = (_read(path) for path in paths)
    return [data if isinstance(data, str) else hashlib.sha256(data).digest() for data in contents]


def scan(source: str) -> Listing:
    """List the picture files under a folder.

    Raises:
        RequestError: when there is no such folder, or it cannot be read.
    """
    root = _folder(source)
    found: list[File] = []
    skipped: list[Skipped] = []
    others: Counter[str] = Counter()
    pending = [(os.fspath(root), b"")]
    while pending:
        folder, prefix = pending.pop()
        try:
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            if folder == os.fspath(root):
                raise RequestError(
                    f"data.source: cannot read '{printable(source)}': {error.strerror}"
                ) from error
            skipped.append(Skipped(printable(folder), f"folder cannot be read: {error.strerror}"))
            continue
        for entry in visible:
            if entry.is_dir(follow_symlinks=False):
                pending.append((entry.path, prefix + os.fsencode(entry.name) + b"/"))
                continue
            suffix = os.path.splitext(entry.name)[1].lower()
            if suffix in SUFFIXES:
                file = _file(entry, prefix)
                if isinstance(file, File):
                    found.append(file)
                else:
                    skipped.append(file)
            elif entry.is_symlink() and os.path.isdir(entry.path):
                skipped.append(Skipped(printable(entry.path), "link to a folder; not followed"))
            elif suffix in _NOT_READ:
                skipped.append(
                    Skipped(printable(entry.path), f"{suffix} pictures are not read; convert to PNG")
                )
            else:
                others[printable(suffix) or "without suffix"] += 1
    found.sort(key=lambda file: file.relative)
    skipped.sort(key=lambda item: item.path)
    return Listing(root, tuple(found), tuple(skipped), others)


def printable(path: str) -> str:
    """A path as one printable line: bytes that are no UTF-8, and control characters, become escapes."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _folder(source: str) -> Path:
    if not source.strip():
        raise RequestError("data.source is empty; give a folder of pictures, or 'avatars'")
    try:
        root = Path(source).expanduser()
        if root.is_dir():
            return root
    except (OSError, RuntimeError, ValueError) as error:
        raise RequestError(f"data.source: '{printable(source)}' is no usable path: {error}") from error
    shown = printable(source)
    if root.exists():
        raise RequestError(
            f"data.source: '{shown}' is a file; it must be a folder of pictures (unpack an archive first)"
        )
    if "://" in source:
        raise RequestError(f"data.source: '{shown}' is an address; pictures must be in a local folder")
    hint = did_you_mean(source, ["avatars"])
    raise RequestError(f"data.source: there is no folder '{shown}'{hint} (looked in {Path.cwd()})")


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


def _read(path: str) -> bytes | str:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
