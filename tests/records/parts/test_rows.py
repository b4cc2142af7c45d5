"""The rows of a dataset are those of its table, whichever copies hold them and in whatever order they came there."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from helpers.sweeps.parts import fill, settle

from sweep.records.datasets import Store
from sweep.records.parts import compaction
from sweep.records.parts.sealed import seal
from sweep.records.rows import to_rows, to_table
from sweep.records.schemas import SCHEMAS
from sweep.storage.local import LocalFolder

LATER = (1, 4, 6)
"""Trials that end after the others."""
WITHOUT = ("config", "params", "started", "ended", "kid", "nobody")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Some parts lie in an older copy, some in a newer one, some nowhere, and one has changed since."""
    monkeypatch.setattr(compaction, "MANY", 2)
    folder = LocalFolder(tmp_path / "sweep")
    fill(store := Store(folder), trials=9)
    for trial in LATER:
        for dataset in ("trials", "metrics"):
            folder.rename(f"{dataset}/{trial:05d}.parquet", f"{dataset}/later{trial}.parquet")
    settle(folder)
    store.compact()
    monkeypatch.setattr(compaction, "_outgrown", lambda parts, new: [])
    for trial in LATER:
        for dataset in ("trials", "metrics"):
            folder.rename(f"{dataset}/later{trial}.parquet", f"{dataset}/{trial:05d}.parquet")
    store.compact()
    store.put_trial({"trial": 3, "attempt": 0, "status": "stopped", "ended": 1e9})
    fill(store, trials=10)
    for trial in (0, 8):
        store.add("events", {"trial": trial, "kind": "failed", "time": 1e9 - trial})
    foreign = to_table([{"trial": 7, "kind": "failed", "time": None}] * 2, SCHEMAS["events"])
    folder.write("events/00007.parquet", seal(foreign))
    assert len(folder.names("compact")) == 4
    return Store(folder)


@pytest.mark.parametrize("dataset", ["trials", "metrics", "events", "results"])
def test_rows_are_those_of_the_table(dataset: str, store: Store) -> None:
    rows = store.rows(dataset)
    assert rows == to_rows(store.table(dataset))
    times = [row["time"] for row in rows if row.get("time")]
    keys = times if dataset == "events" else [(row["trial"], row.get("kimg") or 0) for row in rows]
    assert all(one <= other for one, other in pairwise(keys))
    some = ["kid", "status", "started", "nobody"]
    assert store.rows(dataset, some) == to_rows(store.table(dataset, some))
    left = [{name: value for name, value in row.items() if name not in WITHOUT} for row in rows]
    assert store.rows(dataset, without=WITHOUT) == left
    assert len(rows) == {"trials": 10, "metrics": 20, "events": 4, "results": 0}[dataset]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_unit_are_times_in_utc(unit: str) -> None:
    """Another program may have written a part."""
    times = (
        pa.array([10**9, None], pa.int64())
        .cast(pa.timestamp("s", tz="UTC"))
        .cast(pa.timestamp(unit, tz="UTC"))
    )
    assert to_rows(pa.table({"ended": times})) == [
        {"ended": datetime.fromtimestamp(10**9, UTC)},
        {"ended": None},
    ]


def test_a_table_without_rows_has_no_rows() -> None:
    assert to_rows(pa.Table.from_batches([], schema=SCHEMAS["trials"])) == []
