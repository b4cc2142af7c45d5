"""List the objects of a bucket (``s3://bucket/prefix``) as the files of a folder, and fetch those that are wanted.

The cache has a mirror of each store, a file for each object: empty until its content is fetched, then as large and as
old as the object. So a bucket is listed without its content, and only what is new or has changed is fetched, each
object whole or not at all: after an interruption it goes on. The mirror can be deleted at any time.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganlib import written
from ganlib.data.buckets.mirror import TEMPORARY, is_whole, lay_out
from ganlib.data.cache import cache_dir
from ganlib.data.formats import SUFFIXES
from ganlib.data.listing import File, Listing, Skipped, printable, scan
from ganlib.data.work import kept_in
from ganlib.disk import passing, write_new
from ganlib.errors import RequestError, WorkError
from ganlib.registry import did_you_mean

if TYPE_CHECKING:  # pyarrow takes a while
    from ganlib.data.buckets.store import State, Store

FOLDER = "buckets"
"""The folder of the mirrors in the cache."""
THREADS = 16
"""How many objects are fetched at a time: each waits for the network most of the time."""
NOTES = (*written.SWEEP, written.LIST, written.EXPORT)
"""Names of files that say what other files are, and are read when a folder is listed."""
LONGEST_NOTE = 1 << 28
"""In bytes; what is longer was not written by this software."""


def is_bucket(source: str, key: str) -> bool:
    """Tell whether a source is a bucket, and not a folder.

    Raises:
        RequestError: when it is an address that cannot be read.
    """
    scheme, mark, rest = source.strip().partition("://")
    if not mark or scheme == "s3":
        return bool(mark)
    shown = printable(source)
    if scheme == "file":
        raise RequestError(
            f"{key}: '{shown}' is an address; write the path of the folder itself: {printable(rest)}"
        )
    raise RequestError(
        f"{key}: '{shown}' cannot be read: give a folder of pictures on this machine, "
        f"or a bucket, s3://bucket/prefix{did_you_mean(scheme, ['s3'])}"
    )


@dataclass(frozen=True)
class Bucket:
    """A bucket, or what lies below a prefix in it, as a source of pictures.

    Attributes:
        store: The store that has it.
        place: Its name, and the prefix behind a ``/``.
        mirror: The folder of the store's mirror.
    """

    store: "Store"
    place: str
    mirror: Path

    @classmethod
    def open(cls, url: str, key: str, cache: Path | None = None) -> "Bucket":
        """Open the bucket at ``s3://bucket/prefix?options``; credentials come from where AWS's own programs find them.

        Args:
            url: The options are those of ``--storage`` (`ganlib.s3.OPTIONS`).
            key: What to call the source in error texts.
            cache: Where mirrors are kept; `ganlib.data.cache_dir` by default.

        Raises:
            RequestError: when the address is wrong, there is no such bucket, or the keys are wrong.
            WorkError: when the store does not answer.
        """
        from ganlib.data.buckets.store import Store

        store, place = Store.connect(url.strip(), key)
        digest = hashlib.sha256(store.name.encode()).hexdigest()[:16]
        return cls(store, place, Path(os.path.abspath(cache or cache_dir())) / FOLDER / digest)

    @property
    def shown(self) -> str:
        """Name the bucket for people, without the options."""
        return _shown(self.place)

    def scan(self) -> Listing:
        """List the pictures as `ganlib.data.listing.scan` lists those of a folder; their content is not fetched.

        Raises:
            RequestError: when there is nothing, it may not be listed, or it belongs to a sweep.
            WorkError: when the store does not answer, or the cache cannot be written.
        """
        objects = self.store.below(self.place)
        if not objects:
            raise RequestError(
                f"{self.store.key}: there is nothing in '{self.shown}': no object's name begins with that and '/'"
            )
        with kept_in(self.mirror):
            unusable = lay_out(self.mirror, self.place, objects)
            objects = {place: state for place, state in objects.items() if place not in unusable}
            self._fetch_notes(objects)
        try:
            listing = scan(os.fspath(self.mirror / self.place), self.store.key)
        except RequestError as error:
            raise RequestError(self._as_address(str(error))) from None
        files = [(file, self._place_of(file)) for file in listing.files]
        skipped = [replace(item, path=self._as_address(item.path)) for item in listing.skipped]
        skipped += [
            Skipped(_shown(place), f"its name cannot be that of a file: {reason}")
            for place, reason in unusable.items()
            if os.path.splitext(place)[1].lower() in SUFFIXES
        ]
        return Listing(
            tuple(
                replace(file, state=objects[at], address=_shown(at)) for file, at in files if at in objects
            ),
            tuple(sorted(skipped, key=lambda item: item.path)),
            tuple(
                replace(
                    item, example=self._as_address(item.example), more=tuple(map(self._as_address, item.more))
                )
                for item in listing.left_out
            ),
        )

    def fetch(self, files: Sequence[File], progress: Callable[[int], None] = lambda count: None) -> None:
        """Fetch the content of files that `scan` listed, unless it is there.

        Args:
            files: Which ones.
            progress: Called with the number of files that are there since the last call.

        Raises:
            RequestError: when an object may not be read.
            WorkError: when the store does not answer, objects change meanwhile, or the disk has no room.
        """
        lacking = {
            self._place_of(file): file.state for file in files if not is_whole(Path(file.path), file.state)
        }
        progress(len(files) - len(lacking))
        if not lacking:
            return
        with kept_in(self.mirror):
            self._check_room(sum(size for size, *_ in lacking.values()))
            with ThreadPoolExecutor(THREADS) as threads:
                for _ in threads.map(self._fetch, lacking, lacking.values()):
                    progress(1)

    def check(self, files: Sequence[File], contents: Sequence[bytes | str]) -> None:
        """Check that what was read of files that were fetched is what was listed.

        Another sweep may have listed the bucket meanwhile, which removes from the mirror what is gone there, or
        somebody may have cleared the cache: without these files a set would have fewer pictures.

        Args:
            files: As `scan` listed them.
            contents: Of each a digest, or why it cannot be read.

        Raises:
            WorkError: where it is not.
        """
        for file, content in zip(files, contents, strict=True):
            if isinstance(content, str) or not is_whole(Path(file.path), file.state):
                raise WorkError(
                    f"{self.store.key}: '{file.shown}' was fetched, and {self.mirror} no longer has it as it was "
                    "listed: the bucket or the cache has changed meanwhile; start again when nothing changes them"
                )

    def _fetch_notes(self, objects: "Mapping[str, State]") -> None:
        """Fetch what says which files were made by this software, and those files, whose content has to be compared."""
        parts = self.place.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts))]
        notes = self.store.among(
            f"{place}/{name}" for place in above for name in (*written.SWEEP, written.LIST)
        )
        for place in above:
            for name in NOTES:
                if f"{place}/{name}" not in notes:
                    (self.mirror / place / name).unlink(missing_ok=True)
        notes |= {place: state for place, state in objects.items() if place.rpartition("/")[2] in NOTES}
        for place, state in notes.items():
            if state[0] <= LONGEST_NOTE:
                self._fetch(place, state)
        if any(place.endswith((written.LIST, written.EXPORT)) for place in notes):
            for folder, _, names in os.walk(self.mirror / self.place):
                at = Path(folder).relative_to(self.mirror).as_posix()
                for name in written.listed(folder).intersection(names):
                    if f"{at}/{name}" in objects:
                        self._fetch(f"{at}/{name}", objects[f"{at}/{name}"])

    def _fetch(self, place: str, state: "State") -> None:
        """Fetch an object, unless it is there."""
        path = self.mirror / place
        if is_whole(path, state):
            return
        data = self.store.read(place, state)
        path.parent.mkdir(parents=True, exist_ok=True)
        with passing(path, TEMPORARY) as temporary:
            write_new(temporary, data)
            os.utime(temporary, ns=(state[1], state[1]))
            os.replace(temporary, path)

    def _check_room(self, size: int) -> None:
        room = os.statvfs(self.mirror)
        free = room.f_bavail * room.f_frsize
        if size > free:  # said at once, not after an hour
            raise WorkError(
                f"{self.store.key}: {size / 2**20:,.0f} MiB of '{self.shown}' are to be fetched, and {self.mirror} has "
                f"room for {free / 2**20:,.0f} MiB: free some space, or set SWEEP_CACHE to another folder"
            )

    def _place_of(self, file: File) -> str:
        return Path(file.path).relative_to(self.mirror).as_posix()

    def _as_address(self, text: str) -> str:
        """Put addresses of objects in the place of paths of the mirror."""
        return text.replace(f"{printable(os.fspath(self.mirror))}/", "s3://")


def _shown(place: str) -> str:
    return printable(f"s3://{place}")
