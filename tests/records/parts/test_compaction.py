"""Snapshots of many parts: fast, never wrong, and never needed."""

import itertools
import os
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.check.folder import checked_part
from sweep.records import datasets, journal, ledger
from sweep.records.datasets import Store
from sweep.records.journal import Records
from sweep.records.parts import compaction
from sweep.records.parts.sealed import DamagedPartError
from sweep.records.trial_state import Trial
from sweep.storage import layout
from sweep.storage.folder import Folder, Stamp
from sweep.storage.local import LocalFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalFolder:
    """A folder in which three loose parts are many."""
    monkeypatch.setattr(compaction, "MANY", 3)
    return LocalFolder(tmp_path / "study")


def fill(store: Store, trials: int, evaluations: int = 2, kid: float = 0.5) -> None:
    for trial in range(trials):
        store.put_trial({"trial": trial, "attempt": 0, "status": "finished"})
        for step in range(evaluations):
            store.add("metrics", {"trial": trial, "attempt": 0, "kimg": step + 1.0, "kid": kid})


def settle(folder: LocalFolder) -> None:
    """Make every part look as if it had been written a minute ago."""
    then = time.time_ns() - 60 * 10**9
    for path in Path(folder.url).rglob("*.parquet"):
        os.utime(path, ns=(then, then))


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the parts that are read from now on."""
    names: list[str] = []
    real = datasets.read_part

    def read_part(folder: Folder, dataset: str, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        names.append(path)
        return real(folder, dataset, path, columns)

    monkeypatch.setattr(datasets, "read_part", read_part)
    return names


def test_a_snapshot_spares_reading_the_parts(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    names = opened(monkeypatch)
    before = Store(folder).rows("metrics")
    assert len(names) == 5
    assert not folder.exists("compact")  # who only reads writes nothing
    Store(folder).compact()
    assert folder.exists("compact/metrics")
    names.clear()
    assert Store(folder).rows("metrics") == before
    assert names == []
    some = Store(folder).table("metrics", ["kid"])
    assert some.column_names == ["trial", "kimg", "kid"]
    assert some.num_rows == 10
    assert names == []


def test_only_parts_that_changed_are_read(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    Store(folder).compact()
    writer = Store(folder)
    writer.add("metrics", {"trial": 2, "attempt": 0, "kimg": 9.0, "kid": 0.1})
    writer.add("metrics", {"trial": 7, "attempt": 0, "kimg": 1.0, "kid": 0.2})
    folder.delete("metrics/00004.parquet")
    names = opened(monkeypatch)
    rows = [(row["trial"], row["kimg"]) for row in Store(folder).rows("metrics")]
    assert rows == [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2), (2, 9), (3, 1), (3, 2), (7, 1)]
    assert sorted(names) == ["metrics/00002.parquet", "metrics/00007.parquet"]


def test_fresh_parts_stay_loose(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part may be rewritten within one tick of a coarse clock: its stamp would not tell."""
    fill(Store(folder), trials=5)
    before = Store(folder).rows("trials")
    Store(folder).compact()
    names = opened(monkeypatch)
    assert Store(folder).rows("trials") == before
    assert len(names) == 5


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"not parquet at all"])
def test_a_damaged_snapshot_is_passed_over(folder: LocalFolder, damage: bytes) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    before = Store(folder).rows("metrics")
    folder.write("compact/metrics", damage)
    assert Store(folder).rows("metrics") == before
    Store(folder).compact()
    assert len(folder.read("compact/metrics")) > 1000  # written anew


def test_a_flipped_bit_in_a_snapshot_is_found(folder: LocalFolder) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    before = Store(folder).rows("metrics")
    Store(folder).compact()
    data = bytearray(folder.read("compact/metrics"))
    data[len(data) // 2] ^= 1
    folder.write("compact/metrics", bytes(data))
    assert Store(folder).rows("metrics") == before


def test_a_snapshot_of_something_else_is_passed_over(folder: LocalFolder) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    before = Store(folder).rows("metrics")
    folder.write("compact/metrics", folder.read("metrics/00000.parquet"))
    assert Store(folder).rows("metrics") == before
    Store(folder).compact()
    folder.write("compact/metrics", folder.read("compact/trials"))
    assert Store(folder).rows("metrics") == before


def test_a_folder_that_may_only_be_read(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(Store(folder), trials=5)
    settle(folder)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "replace", refuse)
    Store(folder).compact()
    assert len(Store(folder).rows("metrics")) == 10
    assert not folder.exists("compact/metrics")


def test_other_programs_see_no_row_twice(folder: LocalFolder) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    Store(folder).compact()
    count = duckdb.sql(f"SELECT count(*) FROM '{folder.url}/metrics/*.parquet'").fetchall()
    assert count == [(10,)]


def test_events_are_ordered_by_time_from_a_snapshot_too(folder: LocalFolder) -> None:
    store = Store(folder)
    for second in (5, 3, 9, 1):
        store.add("events", {"kind": "note", "trial": second % 4, "time": float(second)})
        store.add("events", {"kind": "note", "trial": 4 + second, "time": float(second + 1)})
    settle(folder)
    for _ in range(2):
        times = [row["time"] for row in Store(folder).rows("events")]
        assert times == sorted(times)
        assert len(times) == 8
        Store(folder).compact()


def test_columns_that_old_parts_lack_are_null(folder: LocalFolder) -> None:
    fill(Store(folder), trials=4)
    newer = Store(folder, {"train.lr_g": "float"})
    newer.put_trial({"trial": 4, "status": "running", "param.train.lr_g": 0.5})
    settle(folder)
    for _ in range(2):
        rows = Store(folder).rows("trials")
        assert [row["param.train.lr_g"] for row in rows] == [None] * 4 + [0.5]
        Store(folder).compact()
    assert Store(folder).table("trials", ["param.train.lr_g"]).column_names == ["trial", "param.train.lr_g"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["write", "drop", "settle", "compact"]), st.integers(0, 6)), max_size=25
    )
)
def test_it_always_gives_what_the_parts_hold(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = LocalFolder(tmp_path_factory.mktemp("any"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "MANY", 2)
        model: dict[int, list[float]] = {}
        for time_, (step, trial) in enumerate(steps):
            if step == "write":
                Store(folder).add("metrics", {"trial": trial, "attempt": 0, "kimg": float(time_)})
                model.setdefault(trial, []).append(float(time_))
            elif step == "drop":
                folder.delete(f"metrics/{trial:05d}.parquet")
                model.pop(trial, None)
            elif step == "settle" and not folder.exists("compact"):
                settle(folder)
            elif step == "compact":
                Store(folder).compact()
            rows = [(row["trial"], row["kimg"]) for row in Store(folder).rows("metrics")]
            assert rows == [(trial, kimg) for trial in sorted(model) for kimg in model[trial]]


def test_there_is_nothing_to_do_where_few_parts_are_loose(folder: LocalFolder) -> None:
    store = Store(folder)
    fill(store, trials=3)
    settle(folder)
    store.compact()
    assert not folder.exists("compact")
    fill(store, trials=5)
    settle(folder)
    store.compact()
    before = folder.stamps("compact")
    store.put_trial({"trial": 4, "attempt": 0, "status": "stopped"})
    os.utime(Path(folder.url) / "trials/00004.parquet", (time.time() - 30, time.time() - 30))
    store.compact()
    assert folder.stamps("compact") == before


def test_a_driver_compacts_from_time_to_time(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMPACT_EVERY", 4)
    fill(store := Store(folder), trials=5)
    records = Records(store)
    settle(folder)
    for number in range(3):
        records.settled(Trial(number, {}, 0))
    assert not folder.exists("compact")
    records.settled(Trial(3, {}, 0))
    assert sorted(folder.names("compact")) == ["metrics", "trials"]


def test_the_more_trials_the_less_often_a_driver_compacts(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, at = Records(Store(folder)), list[int]()
    settled = 0
    monkeypatch.setattr(Store, "compact", lambda store: at.append(settled))
    for settled in range(1, 10_001):
        records.settled(Trial(settled, {}, 0))
    pauses = [after - before for before, after in itertools.pairwise(at)]
    assert at[0] == pauses[0] == 64
    assert pauses == sorted(pauses)
    assert sum(at) < 20 * 10_000, "all trials are copied again at each: seldom enough for 20 times each"


def test_a_driver_copies_rows_that_are_in_memory_and_forgets_those_of_trials_that_are_done_with(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "COMPACT_EVERY", 2)
    fill(store := Store(folder), trials=4)
    records = Records(store)
    settle(folder)
    names = opened(monkeypatch)
    kept = records.store.part("metrics", 1)
    ledger.write(records.store, 1)
    before = folder.read(layout.ledger(1))
    records.settled(Trial(1, {}, 0))
    assert {trial for _, trial in records.store._parts} == {0, 1, 2, 3}
    records.settled(Trial(2, {}, 0))
    assert {trial for _, trial in records.store._parts} == {0, 1, 2, 3}, (
        "too young to be in a copy for certain"
    )
    moment = time.time() + 10
    monkeypatch.setattr(journal.time, "time", lambda: moment)
    records.settled(Trial(3, {}, 0))
    records.settled(Trial(0, {}, 0))
    assert {trial for _, trial in records.store._parts} == {0, 3}
    assert names == []
    assert Store(folder).rows("metrics") == [
        row for trial in range(4) for row in records.store.part("metrics", trial)
    ]
    assert records.store.part("metrics", 1) == kept
    ledger.write(records.store, 1)
    assert folder.read(layout.ledger(1)) == before, "a trial that goes on after all finds its rows"


def test_a_part_whose_digest_is_right_is_not_opened_where_a_copy_is(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(folder)
    fill(store, trials=1)
    names = opened(monkeypatch)
    rows = checked_part(Store(folder), "metrics", 0, None)
    assert names == ["metrics/00000.parquet"]
    assert checked_part(Store(folder), "metrics", 0, rows) == rows
    assert names == ["metrics/00000.parquet"]
    path = Path(folder.url) / "metrics/00000.parquet"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedPartError, match="does not match its digest"):
        checked_part(Store(folder), "metrics", 0, rows)


def test_stamps_of_a_folder(folder: LocalFolder) -> None:
    assert folder.stamps("nowhere") == {}
    folder.write("a/one", b"12345")
    stamp = folder.stamps("a")["one"]
    assert stamp.size == 5
    assert stamp == Stamp(*stamp)
    assert list(folder.stamps("a")) == folder.names("a")


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_what_is_settled_is_said_by_the_disks_clock(ahead: float, folder: LocalFolder) -> None:
    """A part of this moment is left loose, whatever the time on the machine that looks; the lease is as young."""
    fill(Store(folder), trials=6)
    then = time.time_ns() + int(ahead * 1e9)
    folder.write(layout.LEASE, b"{}")
    os.utime(Path(folder.url) / layout.LEASE, ns=(then, then))
    for number, path in enumerate(sorted(Path(folder.url).rglob("metrics/*.parquet"))):
        at = then - (0 if number == 0 else 60 * 10**9)
        os.utime(path, ns=(at, at))
    Store(folder).compact()
    places = compaction.Snapshot.load(folder, "metrics").places
    assert "00000.parquet" not in places
    assert {f"{trial:05d}.parquet" for trial in range(1, 6)} <= set(places)
