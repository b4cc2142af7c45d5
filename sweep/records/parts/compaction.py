"""Read a dataset from its parts and the copies of them, and make these copies.

The driver of a sweep makes copies from time to time (`compact`); everybody else only reads them (`read`). Small copies
become larger ones as trials come in, so that a part is copied a few times in all, and one that is large enough is never
touched again: what a driver has to do at a time does not grow with its sweep.
"""

import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import pyarrow as pa

from sweep.records.parts import copies
from sweep.records.parts.copies import Copy, Parts
from sweep.records.parts.sealed import Choice
from sweep.records.rows import Row, to_rows, to_table
from sweep.storage import layout
from sweep.storage.folder import Folder

MANY = 64
"""With more loose parts than this, a copy is worth making."""
FEW = 16
"""So many parts on a disk are read one by one; a disk may be that of a file server, where more would take long."""
FULL = 2048
"""A copy of so many parts is large enough."""
SETTLED_SECONDS = 5.0
"""A part younger than this is left loose: it might change once more within the grain of the disk's clock."""

ReadPart = Callable[[str, Choice], pa.Table]
"""Reads one part by its name: all columns, or some."""
NOTHING = pa.table({})


class Access(NamedTuple):
    """How the driver of a sweep comes by the parts of a dataset.

    Attributes:
        read: Reads one.
        known: Gives the rows of one by its name; None where it has to be read.
        late: Whether one is older than what is known; soon it will be another.
    """

    read: ReadPart
    known: Callable[[str], list[Row] | None]
    late: Callable[[str], bool]


@dataclass(frozen=True)
class Block:
    """A table with the rows of many parts, and where in it those of each begin and how many they are."""

    table: pa.Table
    places: Mapping[str, tuple[int, int]]

    @classmethod
    def one_after_another(cls, table: pa.Table, counts: Mapping[str, int]) -> "Block":
        """Take a table in which the parts stand in this order, each with so many rows."""
        starts = accumulate(counts.values(), initial=0)
        return cls(table, {name: (start, counts[name]) for name, start in zip(counts, starts, strict=False)})


class Gathered(NamedTuple):
    """The rows of many parts, in any order, and the order that they belong in.

    Attributes:
        table: The rows.
        order: Where in it the first row is, the second and so on.
    """

    table: pa.Table
    order: "array[int]"

    @property
    def _ordered(self) -> bool:
        return self.order == array("q", range(self.table.num_rows))

    def in_order(self) -> pa.Table:
        """Give the table in order."""
        if self._ordered:
            return self.table
        return self.table.take(
            pa.Array.from_buffers(pa.int64(), len(self.order), [None, pa.py_buffer(self.order)])
        )

    def sorted_by(self, column: str) -> "Gathered":
        """Order the rows by a column, the empty ones last; equal ones stay in order."""
        values = [row[column] for row in to_rows(self.table.select([column]))]
        places = sorted(self.order, key=lambda place: (values[place] is None, values[place]))
        return Gathered(self.table, array("q", places))

    def rows(self) -> list[Row]:
        """Give the rows in order, which as Python values are faster put into order than as a table."""
        rows = to_rows(self.table)
        return rows if self._ordered else [rows[place] for place in self.order]


def read(folder: Folder, dataset: str, schema: pa.Schema, part: ReadPart, choice: Choice = list) -> Gathered:
    """Read the rows of a dataset, and the order of its parts.

    Args:
        folder: Of the sweep.
        dataset: Its name, which is also that of the folder with its parts.
        schema: Gives columns that older parts lack their place and type.
        part: Reads one part.
        choice: Chooses the columns to read; all by default.
    """
    parts = Parts.of(folder, dataset, MANY)
    blocks = [_copied(copy, parts, choice) for copy in parts.copies]
    blocks.append(_read_loose(parts.loose(), choice, part, folder.local() is None))
    return _gathered(parts.stamps, blocks, schema, choice)


def storage_time(folder: Folder) -> float:
    """Tell the time in ns by the clock that stamps parts, at most a heartbeat ago; this machine's may be another."""
    lease = folder.stamps().get(layout.LEASE)
    return lease.mtime_ns if lease else time.time() * 1e9


def compact(
    folder: Folder,
    dataset: str,
    schema: pa.Schema,
    access: Access,
    now: float,
) -> Set[str]:
    """Copy the parts of a dataset that no copy holds, where there are more than `MANY` of them.

    Args:
        folder: Of the sweep.
        dataset: Its name.
        schema: Gives columns that older parts lack their place and type.
        access: To its parts; late ones are left loose.
        now: What `storage_time` says.

    Returns:
        The parts that copies hold now.

    Raises:
        WorkError: If a part cannot be read, or a copy not be written.
    """
    parts = Parts.of(folder, dataset, MANY)
    latest = now - SETTLED_SECONDS * 1e9
    loose = [name for name in parts.loose() if parts.stamps[name].mtime_ns < latest and not access.late(name)]
    if len(loose) <= MANY:
        return parts.held.keys()
    small = _outgrown(parts, len(loose))
    blocks = [_copied(copy, parts) for copy in small]
    here = {name: rows for name in loose if (rows := access.known(name)) is not None}
    blocks.append(_remembered(here, schema))
    away = [name for name in loose if name not in here]
    blocks.append(_read_loose(away, list, access.read, folder.local() is None))
    counts = {name: count for block in blocks for name, (_, count) in block.places.items()}
    names = [name for name in parts.stamps if name in counts]
    number = max((copy.number for copy in parts.copies), default=0)
    for start in range(0, len(names), FULL):
        number += 1
        some = {name: (parts.stamps[name], counts[name]) for name in names[start : start + FULL]}
        copies.write(folder, dataset, number, _gathered(some, blocks, schema).in_order(), some)
    for copy in small:
        folder.delete(layout.compacted(dataset, copy.number))
    return parts.held.keys() | names


def _outgrown(parts: Parts, new: int) -> list[Copy]:
    """Choose the copies that become one with so many new parts: those that hold less than twice as many by then."""
    live = Counter(copy.number for copy in parts.held.values())
    chosen = []
    for copy in sorted(parts.copies, key=lambda copy: live[copy.number]):
        if (holds := live[copy.number]) <= min(2 * new, FULL - 1):
            chosen.append(copy)
            new += holds
    return chosen


def _copied(copy: Copy, parts: Parts, choice: Choice = list) -> Block:
    """Read what a copy holds of the parts as they are now."""
    places = parts.held_by(copy)
    return Block(copy.rows(choice) if places else NOTHING, places)


def _remembered(parts: Mapping[str, list[Row]], schema: pa.Schema) -> Block:
    """Make one table of the rows of parts."""
    rows = [row for name in parts for row in parts[name]]
    return Block.one_after_another(to_table(rows, schema), {name: len(parts[name]) for name in parts})


def _read_loose(names: Sequence[str], choice: Choice, part: ReadPart, far: bool) -> Block:
    """Read parts, several at a time where the storage is far away or there are many: else threads cost more."""
    if not far and len(names) <= FEW:
        tables = [part(name, choice) for name in names]
    else:
        with ThreadPoolExecutor(max_workers=8) as pool:
            tables = list(pool.map(lambda name: part(name, choice), names))
    counts = {name: table.num_rows for name, table in zip(names, tables, strict=True)}
    return Block.one_after_another(_joined(tables) if tables else NOTHING, counts)


def _gathered(
    names: Iterable[str], blocks: Iterable[Block], schema: pa.Schema, choice: Choice = list
) -> Gathered:
    """Put the rows of blocks together, and tell the order of those of the parts with these names."""
    wanted = [schema.field(name) for name in choice(schema.names)]
    tables = [pa.Table.from_batches([], schema=pa.schema(wanted))]  # (empty_table() would import pandas)
    places, end = dict[str, tuple[int, int]](), 0
    for block in blocks:
        places |= {name: (end + first, count) for name, (first, count) in block.places.items()}
        if block.places:
            end += block.table.num_rows
            tables.append(block.table.select(choice(block.table.column_names)))
    order = array("q")
    for name in names:
        first, count = places[name]
        order.extend(range(first, first + count))
    return Gathered(_joined(tables), order)


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    plain = [table.replace_schema_metadata() for table in tables]
    return pa.concat_tables(plain, promote_options="permissive")
