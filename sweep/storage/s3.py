"""A `sweep.storage.folder.Folder` in an object store (``s3://``), through pyarrow's file systems.

A network loses requests. Each of ours can be repeated without harm (objects are read, replaced or deleted
whole), so it is, with growing pauses, before an error is told.
"""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pyarrow import fs

from ganlib.errors import RequestError
from sweep.storage.folder import (
    TEMPORARY,
    Folder,
    MissingFileError,
    Stamp,
    StorageError,
    explained,
    relative_parts,
)

T = TypeVar("T")
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
FIRST_FAILURES = 3
"""At the first request of all: a store at which nobody listens then is down, or is another one than was meant."""
NOBODY = "NETWORK_CONNECTION"
"""What is said where nobody listens."""
CONNECT_SECONDS, REQUEST_SECONDS = 2.0, 60.0
OPTIONS = ("region", "endpoint_override", "scheme", "tls_ca_file_path")
"""What may stand behind the ``?`` of a URL."""
FINAL = (
    "ACCESS_DENIED",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
    "NO_SUCH_BUCKET",
    "CREDENTIALS",
)
"""What S3 says when asking again is of no use."""


class RemoteFolder(Folder):
    """A folder in an object store, through a `pyarrow.fs.FileSystem`.

    Args:
        url: What to call it, with the query that its scheme allows.
        filesystem: The `pyarrow.fs.FileSystem`.
        root: The folder's path in that file system ("bucket/prefix").
        met: Whether it is known that the store answers and has the bucket; it is shared by folders below.
    """

    def __init__(self, url: str, filesystem: Any, root: str, met: bool = True) -> None:  # noqa: ANN401 - pyarrow has no types
        self.url, self._met = url, [met]
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
        """Spell a path as its URL without options, for error texts."""
        scheme, netloc, full, _, _ = urlsplit(self._url(path))
        return urlunsplit((scheme, netloc, full, "", ""))

    def _tried(self, action: str, path: str, work: Callable[[], T]) -> T:
        """Return the result of ``work``; a failure is tried again after growing pauses, then explained."""
        if not self._met[0]:
            self._meet()
        return self._repeated(action, path, work, len(PAUSES_SECONDS))

    def _repeated(self, action: str, path: str, work: Callable[[], T], deaf: int) -> T:
        """Return the result of ``work``; where nobody listens at all, that is believed after ``deaf`` failures."""
        for number, pause in enumerate(PAUSES_SECONDS):
            try:
                with explained(action, self._shown(path)):
                    return work()
            except MissingFileError:
                raise
            except StorageError as error:
                if any(final in str(error) for final in FINAL) or (NOBODY in str(error) and number >= deaf):
                    raise
                # Not all trials of a cluster at the same moment.
                time.sleep(pause * random.uniform(0.5, 1.5))
        with explained(action, self._shown(path)):
            return work()

    @classmethod
    def connect(cls, url: str) -> "RemoteFolder":
        """Connect to the folder at ``s3://bucket/prefix?options``.

        Raises:
            RequestError: if an option of the URL is not known, or the bucket is not there.
            WorkError: if the store cannot be reached within some seconds.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        if unknown := sorted(options.keys() - set(OPTIONS)):
            raise RequestError(
                f"--storage has an option '{unknown[0]}' that is not known; after '?' may stand {', '.join(OPTIONS)}"
            )
        with explained("reach the storage", "s3://"):
            if not options.keys() & {"region", "endpoint_override"}:
                options["region"] = _region_of(parts.netloc)
            filesystem = fs.S3FileSystem(
                **options,
                connect_timeout=CONNECT_SECONDS,
                request_timeout=REQUEST_SECONDS,
                allow_delayed_open=True,  # what fits into one request is written by one, and not by three
                # We repeat requests ourselves, and say so: in all, the two would take minutes to give up.
                retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
            )
        return cls(url, filesystem, f"{parts.netloc}{parts.path}", met=False)

    def _meet(self) -> None:
        """Look, before the first request of all, whether the store answers and has the bucket.

        Raises:
            RequestError: if it has no bucket of that name.
            StorageError: if it does not answer.
        """
        self._met[0] = True
        bucket = self._root.partition("/")[0]
        try:
            kind = self._repeated(
                "reach", "", lambda: self._filesystem.get_file_info(bucket).type, FIRST_FAILURES
            )
        except StorageError as error:
            self._met[0] = False
            if any(word in str(error) for word in ("ACCESS_DENIED", "403")):
                self._met[0] = True  # who may use a prefix may not always look at the bucket
                return
            raise
        if kind == fs.FileType.NotFound:
            raise RequestError(
                f"there is no bucket '{bucket}' in that store: make it first, or give another one"
            )

    def child(self, name: str) -> "RemoteFolder":  # noqa: D102
        below = RemoteFolder(self._url(name), self._filesystem, self._at(name))
        below._met = self._met
        return below

    def read(self, path: str) -> bytes:  # noqa: D102
        def work() -> bytes:
            with self._filesystem.open_input_stream(self._at(path)) as stream:
                return bytes(stream.read())

        return self._tried("read", path, work)

    def write(self, path: str, data: bytes) -> None:  # noqa: D102
        def work() -> None:
            with self._filesystem.open_output_stream(self._at(path)) as stream:
                stream.write(data)

        self._tried("write", path, work)

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
        return self._tried("list", path, lambda: list(self._filesystem.get_file_info(selector)))


def _region_of(bucket: str) -> str:
    """Ask AWS for the region of a bucket.

    Raises:
        RequestError: if there is no such bucket.
    """
    try:
        region: str = fs.resolve_s3_region(bucket)
    except OSError as error:
        if "not found" in str(error).lower():
            raise RequestError(
                f"there is no bucket '{bucket}' on AWS: make it first, or give another one"
            ) from None
        raise
    return region
