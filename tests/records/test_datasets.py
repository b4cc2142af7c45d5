"""What the datasets take in and give back."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pandas
import polars
import pytest
from helpers.sweeps.columns import KINDS, metric
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.errors import WorkError
from sweep.records import journal, rows
from sweep.records.datasets import Store
from sweep.records.rows import Moments, in_turn
from sweep.spec.sections import SearchConfig
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder


def test_others_read_it_while_it_grows(store: Store) -> None:
    for trial in (1, 0):
        store.put_trial(
            {"trial": trial, "status": "running", "config": {"a": [1, 2]}, "param.train.lr_g": 1e-4}
        )
        for kimg in (1.0, 2.0):
            store.add("metrics", metric(trial, kimg, kid=1.0 / kimg))
    root = store.folder.local()
    assert duckdb.sql(f"SELECT count(*), sum(kid) FROM '{root}/metrics/*.parquet'").fetchall() == [(4, 3.0)]
    best = f"""SELECT t."param.train.lr_g", min(m.kid) FROM '{root}/trials/*.parquet' t
               JOIN '{root}/metrics/*.parquet' m USING (trial) GROUP BY ALL"""
    assert duckdb.sql(best).fetchall() == [(1e-4, 0.5)]
    assert polars.read_parquet(f"{root}/metrics/*.parquet").height == 4
    assert polars.read_parquet(f"{root}/trials/*.parquet")["config"].to_list() == ['{"a": [1, 2]}'] * 2
    assert pandas.read_parquet(root / "metrics")["kid"].sum() == 3.0
    assert list(pandas.read_parquet(root / "trials").sort_values("trial")["trial"]) == [0, 1]


def test_rows_come_ordered_whatever_the_order_of_writing(store: Store) -> None:
    for trial, kimg in [(2, 2.0), (0, 4.0), (2, 1.0), (0, 3.0)]:
        store.add("metrics", metric(trial, kimg))
    assert [(r["trial"], r["kimg"]) for r in store.rows("metrics")] == [
        (0, 3.0),
        (0, 4.0),
        (2, 1.0),
        (2, 2.0),
    ]


def test_put_trial_keeps_what_it_is_not_told(store: Store) -> None:
    store.put_trial({"trial": 5, "status": "running", "config": {"a": 1}, "seed": 7})
    store.put_trial({"trial": 5, "status": "collapsed", "verdict": "non_finite"})
    row = store.trial(5)
    assert row is not None
    assert (row["status"], row["verdict"], row["seed"], row["config"]) == (
        "collapsed",
        "non_finite",
        7,
        '{"a": 1}',
    )
    store.put_trial({"trial": 5, "attempt": 1, "status": "running"})
    assert store.rows("trials") == [store.trial(5)]
    assert store.trial(5) == {**row, "attempt": 1, "status": "running", "verdict": None}


def test_rows_of_a_superseded_attempt_are_refused(store: Store) -> None:
    assert store.put_trial({"trial": 0, "attempt": 1, "status": "running"})
    for dataset, extra in (("metrics", {}), ("samples", {"path": "p"})):
        assert store.add(dataset, metric(kimg=1.0, attempt=0, **extra)) is False
    assert store.add("rungs", {"trial": 0, "attempt": 0, "rung": 0}) is False
    assert store.put_trial({"trial": 0, "attempt": 0, "status": "finished"}) is False
    assert store.rows("metrics") == store.rows("samples") == store.rows("rungs") == []
    assert store.rows("trials")[0]["status"] == "running"
    assert store.add("events", {"kind": "late", "trial": 0, "attempt": 0}) is True
    assert store.add("metrics", metric(kimg=1.0, attempt=1)) is True


def test_a_second_row_for_the_same_kimg_is_refused(store: Store) -> None:
    assert store.add("metrics", metric(kimg=0.1 + 0.2, kid=1.0))
    assert store.add("metrics", metric(kimg=0.3, kid=2.0)) is False
    assert store.add("metrics", metric(trial=1, kimg=0.3, kid=3.0))
    assert [row["kid"] for row in store.rows("metrics")] == [1.0, 3.0]


def test_a_new_writer_goes_on_where_the_old_one_stopped(store: Store) -> None:
    store.put_trial({"trial": 0, "attempt": 1, "status": "running", "param.train.lr_g": 0.5})
    store.add("metrics", metric(kimg=1.0, attempt=1, kid=1.0))
    again = Store(store.folder, KINDS)
    assert again.add("metrics", metric(kimg=1.0, attempt=1, kid=9.0)) is False
    assert again.add("metrics", metric(kimg=2.0, attempt=0, kid=9.0)) is False
    assert again.add("metrics", metric(kimg=2.0, attempt=1, kid=2.0))
    again.put_trial({"trial": 0, "status": "finished"})
    assert [row["kid"] for row in again.rows("metrics")] == [1.0, 2.0]
    assert again.rows("trials")[0]["param.train.lr_g"] == 0.5


def test_a_reader_sees_what_the_writer_wrote_since(store: Store) -> None:
    reader = Store(store.folder)
    store.put_trial({"trial": 0, "status": "running"})
    assert reader.trial(0)["status"] == "running"
    store.put_trial({"trial": 0, "status": "finished"})
    assert reader.trial(0)["status"] == "finished"


def test_a_crash_loses_only_the_row_in_flight(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add("metrics", metric(kimg=1.0))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(WorkError, match="the disk is full"):
            store.add("metrics", metric(kimg=2.0))
    assert [row["kimg"] for row in store.rows("metrics")] == [1.0]
    assert store.add("metrics", metric(kimg=2.0)), "the row was not taken as written"
    assert store.folder.names("metrics") == ["00000.parquet"]


def test_programming_mistakes_are_loud(store: Store) -> None:
    with pytest.raises(ValueError, match=r"unknown columns for 'metrics': kidd"):
        store.add("metrics", metric(kidd=1.0))
    with pytest.raises(ValueError, match="lacks kimg"):
        store.add("metrics", {"trial": 0, "attempt": 0})
    with pytest.raises(ValueError, match="unknown status 'done' of trial 0"):
        store.put_trial({"trial": 0, "status": "done"})
    with pytest.raises(ValueError, match="use put_trial"):
        store.add("trials", {"trial": 0})
    with pytest.raises(ValueError, match="not an integer"):
        store.add("metrics", metric(n_fake=1.5))


@pytest.mark.parametrize("damage", [b"", b"PAR1 nonsense", None])
def test_a_broken_part_is_named(store: Store, damage: bytes | None) -> None:
    store.add("metrics", metric(trial=7))
    path = store.folder.local("metrics/00007.parquet")
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)
    with pytest.raises(WorkError, match=r"metrics/00007\.parquet' is not a readable Parquet file"):
        Store(store.folder).rows("metrics")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 4), st.floats(allow_nan=False)),
        max_size=20,
    )
)
def test_the_store_is_what_a_plain_model_says(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, int, int, float]]
) -> None:
    """Each write announces its attempt first; the first accepted row for a kimg stays."""
    store = Store(open_folder(tmp_path_factory.mktemp("model")), {})
    attempts: dict[int, int] = {}
    expected: dict[tuple[int, int], float] = {}
    for trial, attempt, kimg, kid in writes:
        fresh = attempt >= attempts.get(trial, 0)
        assert store.put_trial({"trial": trial, "attempt": attempt, "status": "running"}) is fresh
        if fresh:
            attempts[trial] = attempt
        taken = store.add("metrics", metric(trial, float(kimg), attempt, kid=kid))
        assert taken is (fresh and (trial, kimg) not in expected)
        if taken:
            expected[trial, kimg] = kid
    assert {(r["trial"], int(r["kimg"])): r["kid"] for r in store.rows("metrics")} == expected
    assert {r["trial"]: r["attempt"] for r in store.rows("trials")} == attempts


def test_trials_are_remembered_in_turn_each_with_its_own_rows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With trials that have no evaluation, trials of many, and evaluations of a trial that is not on record."""
    monkeypatch.setattr(journal, "in_turn", lambda table: in_turn(table, 3))
    evaluations = {0: 2, 1: 0, 2: 7, 4: 1, 5: 0}
    for trial, count in evaluations.items():
        if trial != 4:
            store.put_trial({"trial": trial, "attempt": 0, "status": "running", "params": {}, "seed": 1})
        for step in range(count):
            row = {"trial": trial, "attempt": 0, "kimg": step + 1.0, "kid": 0.5, "n_fake": 8}
            store.add("metrics", row | {"seconds_train": 1.0, "seconds_eval": 1.0})
    found = list(journal.remembered(store, SearchConfig()))
    assert [trial.number for trial, _ in found] == [0, 1, 2, 5]
    assert [len(rows) for _, rows in found] == [2, 0, 7, 0]
    assert [len(trial.seen) for trial, _ in found] == [2, 0, 7, 0]
    assert found[2][0].kimg == 7.0


@pytest.mark.parametrize("ahead", [-600.0, 0.0, 600.0])
def test_time_does_not_go_back_with_a_driver_that_moves(ahead: float, tmp_path: Path) -> None:
    """From a machine whose clock is ten minutes behind, right, or ahead."""
    folder, began = LocalFolder(tmp_path), datetime.now(UTC)
    there = began + timedelta(seconds=ahead)
    before = Store(folder)
    before.begin()
    before.put_trial({"trial": 0, "attempt": 0, "status": "running", "started": there})
    event = {"trial": 0, "kind": "restart"}
    before.add("events", event | {"detail": {"reason": "first"}, "time": there})
    after = Store(folder)
    after.begin()
    after.add("events", event | {"detail": {"reason": "second"}})
    after.put_trial({"trial": 0, "attempt": 1, "status": "finished", "ended": after.now()})
    (row,) = Store(folder).rows("trials")
    assert row["started"] <= row["ended"]
    assert ["first" in told["detail"] for told in Store(folder).rows("events")] == [True, False]
    now = datetime.now(UTC) + timedelta(seconds=max(ahead, 0.0))
    assert began + timedelta(seconds=max(ahead, 0.0)) <= row["ended"] <= now


@pytest.mark.parametrize("dataset", ["events", "rungs", "trials"])
def test_time_goes_on_from_what_any_dataset_has(dataset: str, tmp_path: Path) -> None:
    """What is decided follows from the order in which trials came to a rung."""
    before, newest = Store(LocalFolder(tmp_path)), datetime.now(UTC) + timedelta(hours=1)
    before.begin()
    if dataset == "trials":
        before.put_trial({"trial": 0, "attempt": 0, "status": "finished", "ended": newest})
    else:
        before.add(
            dataset,
            {"trial": 0, "attempt": 0, "rung": 0, "time": newest}
            if dataset == "rungs"
            else {"kind": "restart", "time": newest},
        )
    after = Store(LocalFolder(tmp_path))
    after.begin()
    assert after.now() > newest


def test_a_clock_that_is_set_back_turns_nothing_round(monkeypatch: pytest.MonkeyPatch) -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    seconds, passed = iter([0, 10, -1800, -1800, -1790, 40, 5000]), iter([0, 10, 20, 20, 30, 40, 5000])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return began + timedelta(seconds=next(seconds))

    monkeypatch.setattr(rows, "datetime", Clock)
    now = Moments()
    monkeypatch.setattr(rows, "time", SimpleNamespace(monotonic=lambda: next(passed)))
    now._told = 0.0
    told = [now() for _ in range(7)]
    assert told == sorted(set(told)), "no two are one"
    late = [round((one - began).total_seconds(), 3) for one in told]
    assert late == [0, 10, 20, 20, 30, 40, 5000], "and once it is put right, it is right"
