"""Files in which the rows of many parts lie together, so that a thousand trials are read as fast as one.

Opening a Parquet part costs about a millisecond however little is in it. ``compact/<dataset>-00007`` holds the rows of
many parts (a line with a SHA-256, then a Parquet file), with the time and size of each part as it was. A part
that has changed since is read itself, so that a copy is never wrong, only of less use; it can be deleted at any time.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from ganlib.digests import with_digest, without_digest
from ganlib.errors import WorkError
from sweep.records.parts.sealed import Choice, read_columns
from sweep.records.rows import Row, to_rows
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError, Stamp

PARTS_KEY = b"sweep.parts"
LOOKS = 3
"""So often the copies are listed, if one has gone before it was read: its driver has made a larger one of it."""


@dataclass(frozen=True)
class Copy:
    """A copy as it lies in the folder; one that is damaged holds nothing.

    Attributes:
        number: Of the file, in the order of their age.
        file: The Parquet file.
        places: Part to its stamp, to where its rows begin and to how many there are; in the rows' order.
    """

    number: int
    file: bytes
    places: Mapping[str, tuple[Stamp, int, int]]

    @classmethod
    def load(cls, folder: Folder, dataset: str, number: int) -> "Copy":
        """Load a copy of a dataset; one that is damaged or of another version is as good as none.

        Raises:
            MissingFileError: If it is not there any more.
        """
        try:
            data = without_digest(_kind(dataset), folder.read(layout.compacted(dataset, number)))
            told = json.loads(pq.read_schema(pa.BufferReader(data)).metadata[PARTS_KEY])
            places, start = {}, 0
            for name, mtime_ns, size, rows in told:
                places[name] = Stamp(mtime_ns, size), start, rows
                start += rows
            return cls(number, data, places)
        except MissingFileError:
            raise
        except (WorkError, pa.ArrowException, OSError, ValueError, KeyError, TypeError):
            return cls(number, b"", {})

    def rows(self, choice: Choice = list) -> pa.Table:
        """Read all its rows, with some columns or all."""
        file = pq.ParquetFile(pa.BufferReader(self.file))
        return read_columns(file, choice).replace_schema_metadata()


@dataclass(frozen=True)
class Parts:
    """The parts of a dataset as they are now, and the copies of them.

    Attributes:
        stamps: Of each part, in their order.
        copies: The oldest first.
    """

    stamps: Mapping[str, Stamp]
    copies: list[Copy]

    @classmethod
    def of(cls, folder: Folder, dataset: str, few: int = 0) -> "Parts":
        """Look up the parts of a dataset and its copies; of so few parts, the copies are not looked for."""
        stamps = {name: stamp for name, stamp in folder.stamps(dataset).items() if layout.is_part(name)}
        return cls(stamps, _loaded(folder, dataset) if len(stamps) > few else [])

    @cached_property
    def held(self) -> dict[str, Copy]:
        """The copy that holds the rows of a part as the part is now, by the part's name."""
        return {
            name: copy
            for copy in self.copies
            for name, (stamp, _, _) in copy.places.items()
            if self.stamps.get(name) == stamp
        }

    def held_by(self, copy: Copy) -> dict[str, tuple[int, int]]:
        """Tell of each part that a copy holds where its rows begin in the copy, and how many they are."""
        return {
            name: (first, count)
            for name, (_, first, count) in copy.places.items()
            if self.held.get(name) is copy
        }

    def loose(self) -> list[str]:
        """List the parts that no copy holds."""
        return [name for name in self.stamps if name not in self.held]

    def rows(self) -> dict[str, list[Row]]:
        """Read the rows of all parts that a copy holds, by the part's name."""
        found = dict[str, list[Row]]()
        for copy in self.copies:
            places = self.held_by(copy)
            all_rows = to_rows(copy.rows()) if places else []
            found |= {name: all_rows[first : first + count] for name, (first, count) in places.items()}
        return found


def choosing(columns: Iterable[str] | None, without: Collection[str] = ()) -> Choice:
    """Make the function that chooses some columns, each once; None for all but those of ``without``."""
    wanted = None if columns is None else dict.fromkeys(columns)

    def choice(names: Sequence[str]) -> list[str]:
        chosen = names if wanted is None else [name for name in wanted if name in names]
        return [name for name in chosen if name not in without]

    return choice


def write(
    folder: Folder, dataset: str, number: int, table: pa.Table, places: Mapping[str, tuple[Stamp, int]]
) -> None:
    """Write a copy.

    Args:
        folder: Of the sweep.
        dataset: Its name.
        number: Of the copy; larger than those of all others.
        table: The rows of some parts.
        places: Each of these parts to its stamp and its number of rows, in the order of the rows.

    Raises:
        StorageError: If it cannot be written.
    """
    told = json.dumps([(name, *stamp, count) for name, (stamp, count) in places.items()])
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({PARTS_KEY: told.encode()}), sink, compression="zstd")
    data = with_digest(_kind(dataset), sink.getvalue().to_pybytes())
    folder.write(layout.compacted(dataset, number), data)


def _loaded(folder: Folder, dataset: str) -> list[Copy]:
    """Load all copies of a dataset, the oldest first."""
    for _ in range(LOOKS):
        with suppress(MissingFileError):
            names = folder.names(layout.COMPACT)
            numbers = sorted(
                number for name in names if (number := layout.number_of_copy(name, dataset)) is not None
            )
            return [Copy.load(folder, dataset, number) for number in numbers]
    return []


def _kind(dataset: str) -> bytes:
    """Name the format of a dataset's copies."""
    return f"sweep-copy-{dataset}/1".encode()
