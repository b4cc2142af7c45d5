"""A `sweep.storage.Folder` in an object store (``s3://``), through pyarrow's file systems."""

import contextlib
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
from pyarrow import fs

from ganlib.errors import RequestError
from sweep.storage import TEMPORARY, Folder, Stamp, explained, relative_parts


class RemoteFolder(Folder):
    """A folder in an object store, through a `pyarrow.fs.FileSystem`.

    Args:
        url: What to call it, with the query that its scheme allows.
        filesystem: The `pyarrow.fs.FileSystem`.
        root: The folder's path in that file system ("bucket/prefix").
    """

    def __init__(self, url: str, filesystem: Any, root: str) -> None:  # noqa: ANN401 - pyarrow has no types
        self.url = url
        self._filesystem = filesystem
        self._root = root.rstrip("/")

    def _at(self, path: str) -> str:
        return "/".join([self._root, *relative_parts(path)])

    def __str__(self) -> str:
        return self._shown("")

    def _url(self, path: str) -> str:
        scheme, netloc, prefix, query, fragment = urlsplit(self.url)
        full = "/".join([prefix.rstrip("/"), *relative_parts(path)])
        return urlunsplit((scheme, netloc, full, query, fragment))

    def _shown(self, path: str) -> str:
        """The URL for error texts: without options, and without the credentials that may stand in it."""
        scheme, netloc, full, _, _ = urlsplit(self._url(path))
        return urlunsplit((scheme, netloc.rpartition("@")[2], full, "", ""))

    @classmethod
    def connect(cls, url: str) -> "RemoteFolder":
        """The folder at ``s3://bucket/prefix?options``.

        Raises:
            RequestError: if an option of the URL is not known.
            WorkError: if the store cannot be reached.
        """
        with explained("reach the storage", "s3://"):
            try:
                filesystem, root = fs.FileSystem.from_uri(url)
            except pa.ArrowInvalid as error:
                raise RequestError(f"--storage is not a usable S3 location: {error}") from None
        return cls(url, filesystem, root)

    def child(self, name: str) -> "RemoteFolder":  # noqa: D102
        return RemoteFolder(self._url(name), self._filesystem, self._at(name))

    def read(self, path: str) -> bytes:  # noqa: D102
        with (
            explained("read", self._shown(path)),
            self._filesystem.open_input_stream(self._at(path)) as stream,
        ):
            return bytes(stream.read())

    def write(self, path: str, data: bytes) -> None:  # noqa: D102
        target = self._at(path)
        with explained("write", self._shown(path)), self._filesystem.open_output_stream(target) as stream:
            stream.write(data)

    def create_exclusive(self, path: str, data: bytes) -> bool:  # noqa: D102
        if self.exists(path):
            return False
        self.write(path, data)
        return True

    def exists(self, path: str = "") -> bool:  # noqa: D102
        with explained("look for", self._shown(path)):
            return bool(self._filesystem.get_file_info(self._at(path)).type != fs.FileType.NotFound)

    def names(self, path: str = "") -> list[str]:  # noqa: D102
        return list(self.stamps(path))

    def stamps(self, path: str = "") -> dict[str, Stamp]:  # noqa: D102
        entries = {str(entry.base_name): entry for entry in self._entries(path, recursive=False)}
        names = sorted(name for name in entries if name and not name.endswith(TEMPORARY))
        return {name: Stamp(entries[name].mtime_ns or 0, entries[name].size or 0) for name in names}

    def delete(self, path: str) -> None:  # noqa: D102
        target = self._at(path)
        with explained("delete", self._shown(path)), contextlib.suppress(FileNotFoundError):
            kind = self._filesystem.get_file_info(target).type
            if kind == fs.FileType.Directory:
                self._filesystem.delete_dir(target)
            elif kind == fs.FileType.File:
                self._filesystem.delete_file(target)

    def size_bytes(self) -> int:  # noqa: D102
        return sum(info.size or 0 for info in self._entries("", recursive=True))

    def _entries(self, path: str, recursive: bool) -> list[Any]:
        selector = fs.FileSelector(self._at(path), allow_not_found=True, recursive=recursive)
        with explained("list", self._shown(path)):
            return list(self._filesystem.get_file_info(selector))
