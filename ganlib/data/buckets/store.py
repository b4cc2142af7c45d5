"""Ask an object store for what a source of pictures needs; each failure is told in a sentence that names the object."""

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyarrow import fs

from ganlib import s3
from ganlib.address import SCHEME
from ganlib.data.listing import printable
from ganlib.errors import RequestError, WorkError

State = tuple[int, int, int]
"""Size in bytes, time of the last change in nanoseconds, 0: as `ganlib.data.listing.File` has it."""


@dataclass(frozen=True)
class Store:
    """A store, and the key of the spec that names it.

    Attributes:
        filesystem: The `pyarrow.fs.FileSystem`. A **place** in it is a bucket's name, ``/`` and an object's.
        key: For error texts.
        name: Its host and port; empty for AWS. Two stores may have buckets of one name.
    """

    filesystem: Any
    key: str
    name: str

    @classmethod
    def connect(cls, url: str, key: str) -> "tuple[Store, str]":
        """Connect to the store of an address ``s3://bucket/prefix?options``, and tell the place that it names.

        Raises:
            RequestError: when the address is wrong, there is no such bucket, or the keys are wrong.
            WorkError: when the store does not answer.
        """
        try:
            bucket, prefix, options = s3.parts_of(url)
            with _told(key, bucket):
                filesystem = s3.connect(url)
                s3.check_bucket(filesystem, bucket)
        except _ToldError:
            raise
        except RequestError as error:
            raise RequestError(f"{key}: {printable(str(error))}") from None
        return cls(filesystem, key, options.get("endpoint_override", "")), f"{bucket}/{prefix}".rstrip("/")

    def below(self, place: str) -> dict[str, State]:
        """List all objects below a place."""
        selector = fs.FileSelector(place, recursive=True, allow_not_found=True)
        with _told(self.key, place):
            return _states(s3.repeated(lambda: self.filesystem.get_file_info(selector)))

    def among(self, places: Iterable[str]) -> dict[str, State]:
        """Look which of some objects are there; of those that may not be looked at, none is."""
        found: dict[str, State] = {}
        for place in places:  # one by one, because each may be lost, and is then asked for again
            with contextlib.suppress(_ToldError), _told(self.key, place):
                found |= _states(s3.repeated(partial(self.filesystem.get_file_info, [place])))
        return found

    def read(self, place: str, state: State) -> bytes:
        """Read an object that was listed."""
        with _told(self.key, place):
            data = s3.read_whole(self.filesystem, place)
        if len(data) != state[0]:
            raise WorkError(_changed(self.key, place))
        return data


class _ToldError(RequestError):
    """A request that the store refused, already told with its key."""


def _states(found: Iterable[Any]) -> dict[str, State]:
    return {
        info.path: (info.size or 0, info.mtime_ns or 0, 0) for info in found if info.type == fs.FileType.File
    }


@contextmanager
def _told(key: str, place: str) -> Iterator[None]:
    """Turn what a store says into a sentence."""
    shown = printable(f"{SCHEME}{place}")
    try:
        yield
    except FileNotFoundError:
        raise WorkError(_changed(key, place)) from None
    except OSError as error:
        said, code = str(error), s3.code_of(error)
        if any(word in code for word in s3.DENIED):
            raise _ToldError(
                f"{key}: access to '{shown}' is denied: whoever the keys in use belong to must be allowed to list the "
                "bucket and to read its objects (s3:ListBucket, s3:GetObject)"
            ) from None
        if advice := s3.advice_for(error):
            raise _ToldError(f"{key}: '{shown}' cannot be reached: {advice}") from None
        if s3.NOBODY in code:
            raise WorkError(f"{key}: the store of '{shown}' does not answer: {said}") from None
        raise WorkError(f"{key}: '{shown}' cannot be read: {said}") from None


def _changed(key: str, place: str) -> str:
    return (
        f"{key}: '{printable(SCHEME + place)}' was replaced or removed since the bucket was listed; start again when "
        "nothing writes into it"
    )
