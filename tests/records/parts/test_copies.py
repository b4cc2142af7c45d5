"""Copies of many parts: fast, never wrong, and never needed."""

import os
from pathlib import Path

import duckdb
import pytest
from helpers.sweeps.parts import fill, opened, settle
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.check.folder import checked_part
from sweep.records.datasets import Store
from sweep.records.parts import compaction
from sweep.records.parts.sealed import DamagedPartError
from sweep.storage.folder import Stamp
from sweep.storage.local import LocalFolder


def test_a_copy_spares_reading_the_parts(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    names = opened(monkeypatch)
    before = Store(folder).rows("metrics")
    assert len(names) == 5
    assert not folder.exists("compact")  # who only reads writes nothing
    Store(folder).compact()
    assert folder.exists("compact/metrics-00001")
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
def test_a_damaged_copy_is_passed_over(folder: LocalFolder, damage: bytes) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    before = Store(folder).rows("metrics")
    folder.write("compact/metrics-00001", damage)
    assert Store(folder).rows("metrics") == before
    Store(folder).compact()
    assert folder.names("compact") == ["metrics-00002", "trials-00001"], "another in its place"
    assert Store(folder).rows("metrics") == before


def test_a_flipped_bit_in_a_copy_is_found(folder: LocalFolder) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    before = Store(folder).rows("metrics")
    Store(folder).compact()
    data = bytearray(folder.read("compact/metrics-00001"))
    data[len(data) // 2] ^= 1
    folder.write("compact/metrics-00001", bytes(data))
    assert Store(folder).rows("metrics") == before


def test_a_copy_of_something_else_is_passed_over(folder: LocalFolder) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    before = Store(folder).rows("metrics")
    folder.write("compact/metrics-00001", folder.read("metrics/00000.parquet"))
    assert Store(folder).rows("metrics") == before
    Store(folder).compact()
    folder.write("compact/metrics-00001", folder.read("compact/trials-00001"))
    assert Store(folder).rows("metrics") == before


def test_a_folder_that_may_only_be_read(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(Store(folder), trials=5)
    settle(folder)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "replace", refuse)
    Store(folder).compact()
    assert len(Store(folder).rows("metrics")) == 10
    assert not folder.exists("compact/metrics-00001")


def test_other_programs_see_no_row_twice(folder: LocalFolder) -> None:
    fill(Store(folder), trials=5)
    settle(folder)
    Store(folder).compact()
    count = duckdb.sql(f"SELECT count(*) FROM '{folder.url}/metrics/*.parquet'").fetchall()
    assert count == [(10,)]


def test_events_are_ordered_by_time_from_a_copy_too(folder: LocalFolder) -> None:
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


def test_who_reads_while_small_copies_become_a_large_one_sees_all(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(folder)
    fill(store, trials=5)
    settle(folder)
    store.compact()
    fill(store, trials=5, kid=0.25)
    for trial in range(5, 10):
        store.put_trial({"trial": trial, "attempt": 0, "status": "finished"})
    settle(folder)
    before, real, looked = Store(folder).rows("trials"), LocalFolder.names, list[str]()
    names = opened(monkeypatch)

    def replaced(self: LocalFolder, path: str = "") -> list[str]:
        listed = real(self, path)
        if path == "compact" and not looked:
            looked.append(path)
            Store(folder).compact()
        return listed

    monkeypatch.setattr(LocalFolder, "names", replaced)
    reading = Store(folder)
    assert reading.rows("trials") == before
    assert folder.names("compact") == ["metrics-00002", "trials-00002"]
    assert len(names) == 15, (
        "read by the driver: its store is a new one; none by who reads, which looks once more"
    )


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
