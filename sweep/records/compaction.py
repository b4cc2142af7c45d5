"""Snapshots of a dataset: all its parts in one file, so that a thousand trials are read as fast as one.

Opening a Parquet part costs about a millisecond, however little the part holds. ``compact/<dataset>`` holds the rows of
many parts (one line with a SHA-256, then a Parquet file), with the time and size that each part had then. A part that
has changed since is read itself, so that a snapshot is never wrong and can be deleted at any time. A reader that finds
many loose parts writes the snapshot anew.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from ganlib.errors import WorkError
from sweep.records.schemas import VERSION_KEY
from sweep.storage import layout
from sweep.storage.folder import Folder, Stamp

PARTS_KEY = b"sweep.parts"
MANY = 64
"""The number of loose parts above which a snapshot is written."""
SETTLED_SECONDS = 5.0
"""The age below which a part is left loose: a later change within the grain of the disk's clock would go unseen."""

ReadPart = Callable[[str, list[str] | None], pa.Table]
"""A reader of one part, which takes the part's name, and the columns to read or None for all."""


@dataclass(frozen=True)
class Snapshot:
    """The content of a snapshot's file; `NONE` stands for no snapshot.

    Attributes:
        file: The Parquet file.
        places: For each part, in the order of the rows: its stamp, its first row (0-based) and its number of rows.
    """

    file: bytes
    places: Mapping[str, tuple[Stamp, int, int]]

    @classmethod
    def load(cls, folder: Folder, dataset: str) -> "Snapshot":
        """Read the snapshot of a dataset; `NONE` for one that is missing, damaged or of another version."""
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
        """Say whether the snapshot has the current rows of a part, which a stamp identifies."""
        return name in self.places and self.places[name][0] == stamp

    def rows(self, columns: list[str] | None) -> pa.Table:
        """Read the rows of the snapshot, with some columns or, for None, all."""
        file = pq.ParquetFile(pa.BufferReader(self.file))
        known = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
        return file.read(columns=known, use_threads=False).replace_schema_metadata()


NONE = Snapshot(b"", {})


def read(
    folder: Folder, dataset: str, schema: pa.Schema, columns: list[str] | None, part: ReadPart
) -> pa.Table:
    """Read the rows of a dataset in the order of its parts, and write a snapshot where many parts are loose.

    Args:
        folder: The folder of the sweep.
        dataset: The name of the dataset and of the folder with its parts.
        schema: The columns in their order; those that older parts lack are null.
        columns: The columns to read; None for all.
        part: Reads one part.

    Raises:
        WorkError: If a part cannot be read.
    """
    stamps = {
        name: stamp for name, stamp in folder.stamps(dataset).items() if name.endswith(layout.PART_SUFFIX)
    }
    snapshot = Snapshot.load(folder, dataset) if len(stamps) > MANY else NONE
    loose = [name for name, stamp in stamps.items() if not snapshot.holds(name, stamp)]
    many = len(loose) > MANY
    wanted = None if many else columns
    if stamps and not loose and len(snapshot.places) == len(stamps):
        return _joined([snapshot.rows(wanted)], schema, columns)
    held = snapshot.rows(wanted) if snapshot.places else _joined([], schema, wanted)
    with ThreadPoolExecutor(
        max_workers=8
    ) as pool:  # threads help on remote storage, and cost little on a disk
        fresh = dict(zip(loose, pool.map(lambda name: part(name, wanted), loose), strict=True))
    tables = [fresh[n] if n in fresh else held.slice(*snapshot.places[n][1:]) for n in stamps]
    if many:
        with suppress(WorkError):  # on a full disk or a read-only folder, reading stays slow
            _save(folder, dataset, schema, list(stamps.items()), tables)
    return _joined(tables, schema, columns)


def _joined(tables: Sequence[pa.Table], schema: pa.Schema, columns: list[str] | None) -> pa.Table:
    empty = pa.Table.from_batches([], schema=schema)  # (empty_table() would import pandas)
    if columns is not None:
        empty = empty.select([name for name in columns if name in schema.names])
        tables = [table.select([name for name in columns if name in table.schema.names]) for table in tables]
    return pa.concat_tables([empty.replace_schema_metadata(), *tables], promote_options="permissive")


def _save(
    folder: Folder,
    dataset: str,
    schema: pa.Schema,
    stamps: Sequence[tuple[str, Stamp]],
    tables: Sequence[pa.Table],
) -> None:
    latest = (time.time() - SETTLED_SECONDS) * 1e9
    settled = [i for i, (_, stamp) in enumerate(stamps) if stamp.mtime_ns < latest]
    places = [(stamps[i][0], *stamps[i][1], tables[i].num_rows) for i in settled]
    metadata = {VERSION_KEY: f"{dataset}/1".encode(), PARTS_KEY: json.dumps(places).encode()}
    whole = _joined([tables[i] for i in settled], schema, None).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    pq.write_table(whole, sink, compression="zstd")
    data = sink.getvalue().to_pybytes()
    folder.write(layout.compacted(dataset), _digest(data) + b"\n" + data)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
