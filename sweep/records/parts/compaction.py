"""Keep all parts of a dataset in one file, so that a thousand trials are read as fast as one.

Opening a Parquet part costs about a millisecond however little is in it. ``compact/<dataset>`` holds the rows of
many parts (one line with a SHA-256, then a Parquet file), with the time and size of each part as it was. A part
that has changed since is read itself, so that a snapshot is never wrong, only of less use; it can be deleted at
any time. The driver of a sweep writes snapshots (`write`); everybody else only reads them (`read`).
"""

import hashlib
import json
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from ganlib.errors import WorkError
from sweep.records.schemas import VERSION_KEY
from sweep.storage import layout
from sweep.storage.folder import Folder, Stamp

PARTS_KEY = b"sweep.parts"
MANY = 64
"""With more loose parts than this, a snapshot is worth writing."""
FEW = 16
"""So many parts on a disk are read one by one; a disk may be that of a file server, where more would take long."""
SETTLED_SECONDS = 5.0
"""A part younger than this is left loose: it might change once more within the grain of the disk's clock."""

ReadPart = Callable[[str, list[str] | None], pa.Table]
"""Reads one part by its name: all columns, or some."""


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as it lies in the folder; the empty one stands for none.

    Attributes:
        file: The Parquet file.
        places: Part to its stamp, to where its rows begin and to how many there are; in the rows' order.
    """

    file: bytes
    places: Mapping[str, tuple[Stamp, int, int]]

    @classmethod
    def load(cls, folder: Folder, dataset: str) -> "Snapshot":
        """Load the snapshot of a dataset; one that is damaged or of another version is as good as none."""
        try:
            head, _, data = folder.read(layout.compacted(dataset)).partition(b"\n")
            if head != _digest(data):
                return NONE
            metadata = pq.ParquetFile(pa.BufferReader(data)).schema_arrow.metadata or {}
            if metadata.get(VERSION_KEY) != f"{dataset}/1".encode():
                return NONE
            places, start = {}, 0
            for name, mtime_ns, size, rows in json.loads(metadata[PARTS_KEY]):
                places[name] = Stamp(mtime_ns, size), start, rows
                start += rows
            return cls(data, places)
        except (WorkError, pa.ArrowException, OSError, ValueError, KeyError, TypeError):
            return NONE

    def holds(self, name: str, stamp: Stamp) -> bool:
        """Tell whether the snapshot has the rows of a part as the part is now."""
        return name in self.places and self.places[name][0] == stamp

    def rows(self, columns: list[str] | None) -> pa.Table:
        """Read all rows of the snapshot, with some columns or all."""
        file = pq.ParquetFile(pa.BufferReader(self.file))
        known = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
        return file.read(columns=known, use_threads=False).replace_schema_metadata()


NONE = Snapshot(b"", {})


def read(
    folder: Folder, dataset: str, schema: pa.Schema, columns: list[str] | None, part: ReadPart
) -> pa.Table:
    """Read the rows of a dataset in the order of its parts.

    Args:
        folder: Of the sweep.
        dataset: Its name, which is also that of the folder with its parts.
        schema: Gives columns that older parts lack their place and type.
        columns: Read only these; None for all.
        part: Reads one part.
    """
    stamps, snapshot = _found(folder, dataset)
    loose = [name for name, stamp in stamps.items() if not snapshot.holds(name, stamp)]
    if stamps and not loose and len(snapshot.places) == len(stamps):
        return _joined([snapshot.rows(columns)], schema, columns)
    return _merged(stamps, snapshot, schema, columns, part, folder.local() is None)[0]


def storage_time(folder: Folder) -> float:
    """Tell the time in ns by the clock that stamps parts, at most a heartbeat ago; this machine's may be another."""
    lease = folder.stamps().get(layout.LEASE)
    return lease.mtime_ns if lease else time.time() * 1e9


def write(folder: Folder, dataset: str, schema: pa.Schema, part: ReadPart, now: float) -> bool:
    """Write the snapshot of a dataset anew where that spares reading more than `MANY` parts.

    Args:
        folder: Of the sweep.
        dataset: Its name.
        schema: Gives columns that older parts lack their place and type.
        part: Reads one part.
        now: What `storage_time` says.

    Returns:
        Whether anything was written.

    Raises:
        WorkError: If a part cannot be read, or the snapshot not be written.
    """
    latest = now - SETTLED_SECONDS * 1e9
    stamps, snapshot = _found(folder, dataset)
    settled = {name: stamp for name, stamp in stamps.items() if stamp.mtime_ns < latest}
    if sum(not snapshot.holds(name, stamp) for name, stamp in settled.items()) <= MANY:
        return False
    merged, counts = _merged(settled, snapshot, schema, None, part, folder.local() is None)
    places = [(name, *settled[name], count) for name, count in zip(settled, counts, strict=True)]
    metadata = {VERSION_KEY: f"{dataset}/1".encode(), PARTS_KEY: json.dumps(places).encode()}
    whole = merged.replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    pq.write_table(whole, sink, compression="zstd")
    data = sink.getvalue().to_pybytes()
    folder.write(layout.compacted(dataset), _digest(data) + b"\n" + data)
    return True


def _found(folder: Folder, dataset: str) -> tuple[dict[str, Stamp], Snapshot]:
    """Look up the parts of a dataset, in order, and its snapshot; a few parts are read without."""
    stamps = {
        name: stamp for name, stamp in folder.stamps(dataset).items() if name.endswith(layout.PART_SUFFIX)
    }
    return stamps, Snapshot.load(folder, dataset) if len(stamps) > MANY else NONE


def _merged(
    stamps: Mapping[str, Stamp],
    snapshot: Snapshot,
    schema: pa.Schema,
    columns: list[str] | None,
    part: ReadPart,
    far: bool,
) -> tuple[pa.Table, list[int]]:
    """Read the rows of all parts, from the snapshot where it holds the part; returns also the number in each part."""
    loose = [name for name, stamp in stamps.items() if not snapshot.holds(name, stamp)]
    held = snapshot.rows(columns) if snapshot.places else _joined([], schema, columns)
    fresh = _read_all(loose, lambda name: part(name, columns), far)
    places = {name: snapshot.places[name][1:] for name in stamps if name in snapshot.places}
    start = held.num_rows
    for name, table in zip(loose, fresh, strict=True):
        places[name] = start, table.num_rows
        start += table.num_rows
    table = _joined([held, *fresh], schema, columns)
    order = array("q")
    for name in stamps:
        first, count = places[name]
        order.extend(range(first, first + count))
    if order != array("q", range(table.num_rows)):
        table = table.take(pa.Array.from_buffers(pa.int64(), len(order), [None, pa.py_buffer(order)]))
    return table, [places[name][1] for name in stamps]


def _read_all(names: Sequence[str], read: Callable[[str], pa.Table], far: bool) -> list[pa.Table]:
    """Read parts, several at a time where the storage is far away or there are many: else threads cost more."""
    if not far and len(names) <= FEW:
        return [read(name) for name in names]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(read, names))


def _joined(tables: Sequence[pa.Table], schema: pa.Schema, columns: list[str] | None) -> pa.Table:
    empty = pa.Table.from_batches([], schema=schema)  # (empty_table() would import pandas)
    if columns is not None:
        empty = empty.select([name for name in columns if name in schema.names])
        tables = [table.select([name for name in columns if name in table.schema.names]) for table in tables]
    return pa.concat_tables([empty.replace_schema_metadata(), *tables], promote_options="permissive")


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
