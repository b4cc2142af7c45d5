"""The records of a sweep as six Parquet datasets: trials, results, metrics, events, samples, rungs.

A dataset is a folder with one part per trial: ``metrics/00007.parquet`` holds every row of trial 7 and is
replaced whole, atomically, whenever a row is added. So a reader (``SELECT * FROM 'metrics/*.parquet'`` in
DuckDB, pandas or polars) sees neither half a file nor a row twice, during the sweep and after it. There is one
writer, the driver of the sweep; its crash loses at most the row in flight. Where it has no time, the parts of trials
that go on may be late (`sweep.records.parts.late`). Where there are many parts, the driver leaves copies of them in
``compact/``, which make our own reading faster (`sweep.records.parts.compaction`).
"""

import math
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa

from ganlib.errors import WorkError
from sweep.records.parts import compaction
from sweep.records.parts.compaction import Gathered
from sweep.records.parts.copies import choosing
from sweep.records.parts.in_memory import InMemory
from sweep.records.parts.late import ORDER, Late
from sweep.records.parts.sealed import read_part, seal
from sweep.records.rows import Completer, Moments, Row, to_rows, to_table
from sweep.records.schemas import KINDS, SCHEMAS, STATUSES
from sweep.records.status import Status
from sweep.storage import layout
from sweep.storage.folder import Folder

__all__ = ["SCHEMAS", "STATUSES", "Store"]

# The column whose values differ in a trial's part; events have no such column.
_UNIQUE = {"metrics": "kimg", "samples": "kimg", "rungs": "rung"}
_ORDER = {
    "trials": ["trial"],
    "metrics": ["trial", "kimg"],
    "results": ["trial"],
    "events": ["time"],
    "samples": ["trial", "kimg"],
    "rungs": ["trial", "rung"],
}
# Columns that tell of one attempt, which a new attempt clears.
_OF_ATTEMPT = {"verdict": None, "failure": None, "ended": None}


class Store:
    """The datasets of one sweep.

    Args:
        folder: The folder of the sweep.
        kinds: The kind (float, int, str, bool or json) of each searched key by path, for the ``param.*`` columns of
            ``trials``; not needed for reading.

    Attributes:
        now: Tells the time, by the clock of the sweep.
        late: The parts that are written later; None where each is written at once.
    """

    def __init__(self, folder: Folder, kinds: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._schemas = dict(SCHEMAS)
        params = [pa.field(f"param.{path}", KINDS[kind]) for path, kind in (kinds or {}).items()]
        for field in params:
            self._schemas["trials"] = self._schemas["trials"].append(field)
        self.now = Moments()
        self.late: Late | None = None
        self._complete = {
            dataset: Completer(dataset, schema, self.now) for dataset, schema in self._schemas.items()
        }
        self._before: set[str] | None = None
        self._known = InMemory()

    def begin(self) -> None:
        """Write a part without rows into every dataset that has none, so that each can be queried from the start.

        From then on `now` is not before what is on record.

        Raises:
            StorageError: If a part cannot be written.
        """
        for dataset in self._schemas:
            if not self.folder.exists(layout.part(dataset, None)):
                self._write(dataset, None, [])
            times = [field.name for field in self._schemas[dataset] if pa.types.is_timestamp(field.type)]
            with suppress(WorkError):  # a damaged part: who needs it will say so
                if times:
                    self.now.follow(self.table(dataset, times))

    def expect_new(self, trial: int) -> None:
        """Look for no part of a new trial; parts that are there (listed once) stay all the same."""
        if self._before is None:
            listed = {dataset: self.folder.names(dataset) for dataset in self._schemas}
            self._before = {f"{dataset}/{name}" for dataset, names in listed.items() for name in names}
        for dataset in self._schemas:
            if layout.part(dataset, trial) not in self._before:
                self._known.put(dataset, trial, [])

    def put_trial(self, row: Mapping[str, Any]) -> bool:
        """Insert or update the row of a trial; columns that are not given keep their value.

        Where a trial runs again, a higher ``attempt`` than before clears ``verdict``, ``failure`` and ``ended``.

        Returns:
            Whether the row was written; False if ``attempt`` is lower than the one on record.

        Raises:
            ValueError: If a column is unknown, a required one is missing, or the status is unknown.
            StorageError: If the part cannot be written.
        """
        trial = int(row["trial"])
        old = self.trial(trial) or {}
        attempt = int(row.get("attempt", old.get("attempt", 0)))
        if attempt < old.get("attempt", 0):
            return False
        again = attempt > old.get("attempt", 0) and row.get("status") == Status.RUNNING
        fresh = _OF_ATTEMPT if again else {}
        merged = self._complete["trials"]({**old, **fresh, **row, "attempt": attempt})
        if merged["status"] not in STATUSES:
            raise ValueError(
                f"unknown status {merged['status']!r} of trial {trial} (choices: {', '.join(STATUSES)})"
            )
        self._write("trials", trial, [merged])
        return True

    def add(self, dataset: str, row: Mapping[str, Any]) -> bool:
        """Add one row to ``metrics``, ``events``, ``samples`` or ``rungs``. ``time`` defaults to now.

        Returns:
            Whether the row was written; False if it comes from a superseded attempt of its trial, or if the trial
            already has a row at that kimg (for ``rungs``: at that rung). Events are always written.

        Raises:
            ValueError: If a column is unknown, a required one is missing, or the dataset is not one of those four.
            DamagedPartError: If the part cannot be read.
            StorageError: If the part cannot be written.
        """
        if dataset in ("trials", "results"):
            raise ValueError(f"rows of '{dataset}' are replaced, not added; use put_trial or replace")
        checked = self._complete[dataset](row)
        trial = checked["trial"]
        rows = self._load(dataset, trial)
        if key := _UNIQUE.get(dataset):
            current = self.trial(trial)
            if current is not None and checked["attempt"] < current["attempt"]:
                return False
            if any(math.isclose(other[key], checked[key], abs_tol=1e-9) for other in rows):
                return False
        self._write(dataset, trial, [*rows, checked])
        return True

    def trial(self, number: int) -> dict[str, Any] | None:
        """Read the row of one trial in ``trials``; None where there is none.

        Raises:
            DamagedPartError: If the part cannot be read.
        """
        rows = self._known.get("trials", number)
        if rows is None:
            # Not written by this store: another process may change the part, so its rows are not kept.
            rows = self._from_disk("trials", number)
        return dict(rows[0]) if rows else None

    def part(self, dataset: str, trial: int | None) -> list[Row]:
        """Read the rows of one trial in a dataset, or with None for a trial, the events of the sweep itself.

        Raises:
            DamagedPartError: If the part cannot be read.
        """
        return [dict(row) for row in self._load(dataset, trial)]

    def texts(self, dataset: str, trial: int) -> list[str]:
        """Give the rows of one trial in a dataset as JSON, each of which is made once.

        Raises:
            DamagedPartError: If the part cannot be read.
        """
        self._load(dataset, trial)
        return self._known.texts(dataset, trial)

    def catch_up(self, trial: int | None = None) -> None:
        """Write the parts of a trial that are late; with None, those of as many trials as there is time for.

        Raises:
            StorageError: If one cannot be written; it stays late.
        """
        if self.late and trial is not None:
            for dataset in self.late.of(trial):
                self._put(dataset, trial, self._load(dataset, trial))
        elif self.late:
            for one in iter(self.late.turn, None):
                with self.late.timed():
                    self.catch_up(one)

    def replace(self, dataset: str, trial: int | None, rows: Iterable[Mapping[str, Any]]) -> None:
        """Replace the part of a trial, or of the sweep itself, by one with the given rows; without rows, delete it.

        Raises:
            ValueError: If a column is unknown or a required one is missing.
            StorageError: If the part cannot be written or deleted.
        """
        checked = [self._complete[dataset](row) for row in rows]
        if checked:
            self._put(dataset, trial, _sorted(dataset, checked))
            return
        self.folder.delete(layout.part(dataset, trial))
        self._known.forget(dataset, [trial])

    def rows(
        self, dataset: str, columns: Iterable[str] | None = None, without: Collection[str] = ()
    ) -> list[Row]:
        """Read all rows of a dataset in the order of `table`, with None for nulls (last) and times in UTC.

        Args:
            dataset: The name of the dataset, one of `SCHEMAS`.
            columns: The columns to read, to which those of the order are added; None for all.
            without: Columns that are not read.

        Raises:
            WorkError: If a part cannot be read; names the part.
        """
        return self._gathered(dataset, columns, without).rows()

    def table(self, dataset: str, columns: Iterable[str] | None = None) -> pa.Table:
        """Read all rows of a dataset as a table, ordered by trial and kimg (events by time); see `rows`."""
        table = self._gathered(dataset, columns, ()).in_order()
        return table.replace_schema_metadata(self._schemas[dataset].metadata)

    def _gathered(self, dataset: str, columns: Iterable[str] | None, without: Collection[str]) -> Gathered:
        """Read the rows in the order of the parts, and of each part; only events of different trials interleave."""
        choice = choosing(None if columns is None else [*_ORDER[dataset], *columns], without)
        schema, part = self._schemas[dataset], self._part_of(dataset)
        found = compaction.read(self.folder, dataset, schema, part, choice)
        return found.sorted_by("time") if dataset == "events" else found

    def compact(self, done: Iterable[int] = ()) -> set[int]:
        """Leave copies of many parts, so that the next reader is quick; only the sweep's driver may do so.

        Costs a look at the names of the parts where there is nothing to do. Parts that are in memory are not read. A
        copy that cannot be written is done without.

        Args:
            done: Trials whose rows are no longer needed in memory once copies hold them.

        Returns:
            Those of them of which something is still there.
        """
        done = set(done)
        with suppress(WorkError):  # a full disk, or a damaged part: who needs it will say so
            now = compaction.storage_time(self.folder)
            for dataset, schema in self._schemas.items():
                with suppress(WorkError):
                    held = compaction.compact(self.folder, dataset, schema, self._access(dataset), now)
                    self._known.forget(dataset, [trial for trial in done if layout.part_name(trial) in held])
        left = done & self._known.trials()
        for dataset in SCHEMAS:
            self._known.forget(dataset, done - left)  # that there was nothing
        return left

    def _access(self, dataset: str) -> compaction.Access:
        late = self.late.trials(dataset) if self.late else set()
        return compaction.Access(
            self._part_of(dataset),
            lambda name: self._known.get(dataset, layout.trial_of(name)),
            lambda name: layout.trial_of(name) in late,
        )

    def _part_of(self, dataset: str) -> compaction.ReadPart:
        """Make the function that reads a part of a dataset by its name."""
        return lambda name, choice: read_part(self.folder, dataset, f"{dataset}/{name}", choice)

    def _load(self, dataset: str, trial: int | None) -> list[Row]:
        """Give the rows of one part, which is read from the folder once."""
        rows = self._known.get(dataset, trial)
        if rows is None:
            self._known.put(dataset, trial, rows := self._from_disk(dataset, trial))
        return rows

    def _from_disk(self, dataset: str, trial: int | None) -> list[Row]:
        path = layout.part(dataset, trial)
        return to_rows(read_part(self.folder, dataset, path)) if self.folder.exists(path) else []

    def _write(self, dataset: str, trial: int | None, rows: list[Row]) -> None:
        """Write a part, at once or when it is caught up with."""
        if self.late and trial is not None and dataset in ORDER:
            self.late.note(dataset, trial)
            self._known.put(dataset, trial, _sorted(dataset, rows))
        else:
            self._put(dataset, trial, _sorted(dataset, rows))

    def _put(self, dataset: str, trial: int | None, rows: list[Row]) -> None:
        self.folder.write(layout.part(dataset, trial), seal(to_table(rows, self._schemas[dataset])))
        self._known.put(dataset, trial, rows)  # only once it is on disk: a failed write may be tried again
        if self.late and trial is not None:
            self.late.written(dataset, trial)


def _sorted(dataset: str, rows: list[Row]) -> list[Row]:
    sort = _UNIQUE.get(dataset)
    return sorted(rows, key=lambda row: float(row[sort])) if sort else rows
