"""A `sweep.storage.folder.Folder` in an object store (``s3://``), through pyarrow's file systems.

A network loses requests. Each of ours can be repeated without harm (objects are read, replaced or deleted
whole), so it is, with growing pauses, before an error is told.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, TypeVar

from pyarrow import fs

from ganlib import s3
from ganlib.address import SCHEME, parted
from sweep.storage.folder import (
    TEMPORARY,
    Folder,
    MissingFileError,
    Stamp,
    StorageError,
    UnreachableError,
    explained,
    relative_parts,
)

T = TypeVar("T")


class RemoteFolder(Folder):
    """A folder in an object store, through a `pyarrow.fs.FileSystem`.

    Args:
        filesystem: The `pyarrow.fs.FileSystem`.
        root: The folder's path in that file system ("bucket/prefix").
        options: Those of its URL, with their ``?``.
        met: Whether it is known that the store answers and has the bucket; it is shared by folders below.
        in_parts: Gives the file system for large files; by default the same.
    """

    def __init__(
        self,
        filesystem: Any,  # noqa: ANN401 - pyarrow has no types
        root: str,
        options: str = "",
        met: bool = True,
        in_parts: Callable[[], Any] | None = None,
    ) -> None:
        self.url = f"{SCHEME}{root}{options}"
        self._filesystem, self._root, self._options, self._met = filesystem, root, options, [met]
        self._in_parts = in_parts or (lambda: filesystem)

    def _at(self, path: str) -> str:
        return "/".join([self._root, *relative_parts(path)])

    def __str__(self) -> str:
        return self._shown("")

    def _shown(self, path: str) -> str:
        """Spell a path as its URL without options, for error texts."""
        return f"{SCHEME}{self._at(path)}"

    @contextmanager
    def _told(self, action: str, path: str) -> Iterator[None]:
        """Explain what a request fails of; before the first of all, look whether the store is there."""
        if not self._met[0]:
            self._meet()
        with _told(action, self._shown(path)):
            yield

    def _tried(self, action: str, path: str, work: Callable[[], T]) -> T:
        """Return the result of ``work``; a failure is tried again after growing pauses, then explained."""
        with self._told(action, path):
            return s3.repeated(work)

    @classmethod
    def connect(cls, url: str) -> "RemoteFolder":
        """Connect to the folder at ``s3://bucket/prefix?options``.

        Raises:
            RequestError: if the URL cannot be used, or AWS has no such bucket.
            WorkError: if AWS cannot be reached.
        """
        bucket, prefix, _ = s3.parts_of(url)
        with _told("reach the storage", f"{SCHEME}{bucket}"):
            filesystem = s3.connect(url)
        root, in_parts = f"{bucket}/{prefix}".rstrip("/"), cache(partial(s3.connect, url, in_parts=True))
        return cls(filesystem, root, parted(url)[1], met=False, in_parts=in_parts)

    def _meet(self) -> None:
        """Look, before the first request of all, whether the store answers and has the bucket.

        Raises:
            RequestError: if it has no bucket of that name.
            StorageError: if it does not answer.
        """
        with _told("reach", self._shown("")):
            s3.check_bucket(self._filesystem, self._root.partition("/")[0])
        self._met[0] = True

    def child(self, name: str) -> "RemoteFolder":  # noqa: D102
        below = RemoteFolder(self._filesystem, self._at(name), self._options, in_parts=self._in_parts)
        below._met = self._met
        return below

    def read(self, path: str) -> bytes:  # noqa: D102
        with self._told("read", path):
            return s3.read_whole(self._filesystem, self._at(path))

    def write(self, path: str, data: bytes) -> None:  # noqa: D102
        large = len(data) >= s3.PART_BYTES
        with self._told("write", path):
            filesystem = self._in_parts() if large else self._filesystem
            put = partial(_put, filesystem, self._at(path), data)
            s3.repeated(partial(_undisturbed, put) if large else put)

    def create_exclusive(self, path: str, data: bytes) -> bool:  # noqa: D102
        if self.exists(path):
            return False
        self.write(path, data)
        return True

    def exists(self, path: str = "") -> bool:  # noqa: D102
        return bool(self._kind(path) != fs.FileType.NotFound)

    def names(self, path: str = "") -> list[str]:  # noqa: D102
        return list(self.stamps(path))

    def stamps(self, path: str = "") -> dict[str, Stamp]:  # noqa: D102
        entries = {str(entry.base_name): entry for entry in self._entries(path, recursive=False)}
        names = sorted(name for name in entries if name and not name.endswith(TEMPORARY))
        return {name: Stamp(entries[name].mtime_ns or 0, entries[name].size or 0) for name in names}

    def rename(self, path: str, new: str) -> None:  # noqa: D102
        self.write(new, self.read(path))
        self.delete(path)

    def delete(self, path: str) -> None:  # noqa: D102
        target = self._at(path)

        def work() -> None:
            kind = self._filesystem.get_file_info(target).type
            if kind == fs.FileType.Directory:
                self._filesystem.delete_dir(target)
            elif kind == fs.FileType.File:
                self._filesystem.delete_file(target)

        try:
            self._tried("delete", path, work)
        except MissingFileError:
            return  # somebody else was quicker

    def sizes(self) -> dict[str, int]:  # noqa: D102
        found: dict[str, int] = {}
        for info in self._entries("", recursive=True):
            below = info.path.lstrip("/").removeprefix(self._at("")).lstrip("/")
            first = below.partition("/")[0]
            found[first] = found.get(first, 0) + (info.size or 0)
        return found

    def _kind(self, path: str) -> Any:  # noqa: ANN401
        target = self._at(path)
        return self._tried("look for", path, lambda: self._filesystem.get_file_info(target).type)

    def _entries(self, path: str, recursive: bool) -> list[Any]:
        selector = fs.FileSelector(self._at(path), allow_not_found=True, recursive=recursive)
        try:
            return self._tried("list", path, lambda: list(self._filesystem.get_file_info(selector)))
        except MissingFileError:
            if self._kind(path) == fs.FileType.File:
                return []
            raise


def _put(filesystem: Any, place: str, data: bytes) -> None:  # noqa: ANN401
    with filesystem.open_output_stream(place) as stream:
        stream.write(data)


def _undisturbed(put: Callable[[], None]) -> None:
    """Write in a thread of its own, which Ctrl-C does not reach: pyarrow cannot give an upload up."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(put).result()


@contextmanager
def _told(action: str, where: str) -> Iterator[None]:
    """Explain what a request fails of, with what helps where a store refuses it."""
    try:
        with explained(action, where):
            yield
    except StorageError as error:
        if isinstance(error.__cause__, OSError):
            if s3.unanswered(error.__cause__):
                raise UnreachableError(str(error)) from error.__cause__
            if advice := s3.advice_for(error.__cause__):
                raise StorageError(f"{error}; {advice}") from error.__cause__
        raise
