"""A folder on a local disk, a shared disk or ``s3://``: read, write whole files atomically, list, delete.

Everything a sweep remembers goes through `Folder`. A file appears whole or not at all: on a disk it is
written under a temporary name in the same directory, flushed to the device and renamed over the old one; on
S3 an object becomes visible only when its upload is complete. Paths are relative and separated by ``/``.
"""

import contextlib
import errno
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ganlib.errors import WorkError

TEMPORARY = ".tmp"  # readers glob *.parquet and *.png, so this suffix keeps half-written files out of sight

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or choose another place",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another place",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.EACCES: "permission denied; check the rights of the folder or choose another place",
    errno.EPERM: "operation not permitted; check the rights of the folder or choose another place",
    errno.ENOENT: "it does not exist",
    errno.ENOTDIR: "a file stands where a folder is needed",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENAMETOOLONG: "the name is too long for the file system",
    errno.ELOOP: "its links lead in a circle",
    errno.ESTALE: "the shared disk lost the file (stale handle); check the mount",
}
_HERE = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH)
"""What a mount says that its server does not answer."""
_MISSING = (FileNotFoundError, NotADirectoryError)
BARRED = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP)
"""What says that a path is of no use to us, now and later."""


class StorageError(WorkError):
    """The disk or the network failed; the work itself may be fine."""


class UnreachableError(StorageError):
    """The storage does not answer here; elsewhere it may."""


class MissingFileError(StorageError):
    """The file asked for is not there."""


def relative_parts(path: str) -> list[str]:
    """Split a relative ``/``-separated path into its parts; the empty path has none.

    Raises:
        ValueError: for an absolute path, a ``..`` part or a NUL character.
    """
    if path.startswith("/") or "\0" in path:
        raise ValueError(f"a path inside a folder must be relative, got {path!r}")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"a path inside a folder must not contain '..', got {path!r}")
    return parts


@contextlib.contextmanager
def explained(action: str, where: str) -> Iterator[None]:
    """Turn an error of the disk or the network into one sentence."""
    try:
        yield
    except OSError as error:
        gone, away = isinstance(error, _MISSING), error.errno in _HERE
        kind = MissingFileError if gone else UnreachableError if away else StorageError
        raise kind(f"could not {action} '{where}': {reason_of(error)}") from error


def reason_of(error: OSError) -> str:
    """Say what an error of the disk or the network means, and what helps."""
    number = error.errno or (errno.ENOENT if isinstance(error, _MISSING) else 0)  # object stores set none
    known = _REASONS.get(number)
    return known or error.strerror or str(error) or type(error).__name__


class Stamp(NamedTuple):
    """When a file was last written, and how large it is: two contents of one name hardly share both."""

    mtime_ns: int
    size: int


class Folder(ABC):
    """A place that holds files. Build it with `sweep.storage.opening.open_folder`; it does not have to exist yet.

    Attributes:
        url: The absolute local path, or the ``s3://bucket/prefix`` URL.
    """

    url: str

    @property
    def name(self) -> str:
        """The last part of the folder's path; empty for a whole bucket."""
        return str(self).rpartition("://")[2].partition("/")[2].rpartition("/")[2]

    def __truediv__(self, name: str) -> "Folder":
        return self.child(name)

    def __str__(self) -> str:
        """Spell the place, without the options of its URL."""
        return self.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folder) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)

    @abstractmethod
    def child(self, name: str) -> "Folder":
        """Open the folder ``name`` inside this one."""

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Read the content of a file.

        Raises:
            MissingFileError: if it does not exist.
            StorageError: if it cannot be read.
        """

    @abstractmethod
    def write(self, path: str, data: bytes) -> None:
        """Replace a file atomically, creating the folders above it; it is on the device when this returns.

        Raises:
            StorageError: if the disk is full, read-only or not ours; the old file is then untouched.
        """

    @abstractmethod
    def create_exclusive(self, path: str, data: bytes) -> bool:
        """Write a file unless there is one; False if there was (on S3 this is a best effort, not a lock)."""

    @abstractmethod
    def exists(self, path: str = "") -> bool:
        """Tell whether a file or folder is there."""

    @abstractmethod
    def names(self, path: str = "") -> list[str]:
        """List the names directly in a folder, sorted, without temporary files; none if the folder is absent."""

    @abstractmethod
    def stamps(self, path: str = "") -> dict[str, Stamp]:
        """Look up the stamp of everything that `names` lists, by name."""

    @abstractmethod
    def rename(self, path: str, new: str) -> None:
        """Give a file another name, in the place of a file that has it; needs no room on a disk.

        On S3 both names are there for a moment.

        Raises:
            MissingFileError: if there is no such file.
            StorageError: if it cannot be renamed.
        """

    @abstractmethod
    def delete(self, path: str) -> None:
        """Delete a file or a whole tree; it is fine if nothing is there."""

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Add up the bytes of all files in the folder and below, by what lies directly in the folder."""

    def local(self, path: str = "") -> Path | None:
        """Give the real path of something in this folder; None where the folder is not on a disk."""
        relative_parts(path)
        return None
