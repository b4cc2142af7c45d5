"""When copies of many parts are made, and of which."""

import itertools
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers.sweeps.parts import fill, opened, settle

from sweep.records import journal, ledger
from sweep.records.datasets import Store
from sweep.records.journal import Records
from sweep.records.parts import compaction, copies
from sweep.records.parts.copies import Copy, Parts
from sweep.records.trial_state import Trial
from sweep.storage import layout
from sweep.storage.folder import Folder, Stamp
from sweep.storage.local import LocalFolder


def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is copied from now on: the dataset, and how many parts together."""
    found, real = list[tuple[str, int]](), copies.write

    def write(folder: Folder, dataset: str, number: int, table: pa.Table, places: Mapping[str, Any]) -> None:
        found.append((dataset, len(places)))
        real(folder, dataset, number, table, places)

    monkeypatch.setattr(copies, "write", write)
    return found


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


def test_a_part_is_copied_a_few_times_and_never_with_very_many(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "FULL", 32)
    monkeypatch.setattr(compaction, "SETTLED_SECONDS", -10.0)
    store, sizes = Store(folder), written(monkeypatch)
    for number in range(200):
        store.put_trial({"trial": number, "attempt": 0, "status": "finished"})
        if number % 4 == 3:
            store.compact()
    assert max(size for _, size in sizes) <= 32
    assert sum(size for _, size in sizes) <= 5 * 200, "four at a time, twice as many, ... 32: then no more"
    kept = Parts.of(folder, "trials")
    assert [row["trial"] for row in Store(folder).rows("trials")] == [*range(200)]
    assert len(kept.held) == 200
    assert len(kept.copies) <= 200 / 32 + 4
    assert sum(len(copy.places) for copy in kept.copies) == 200, "no part is in two"


def test_in_a_sweep_of_ten_thousand_trials_each_is_copied_three_times() -> None:
    """As docs/scale.md says: of copies without files, at the moments at which a driver makes them."""
    stamp, kept, copied, settled, most = Stamp(1, 1), list[Copy](), 0, 0, 0
    names = [f"{trial:05d}.parquet" for trial in range(10_000)]
    while (then := settled + max(journal.COMPACT_EVERY, settled // journal.COMPACT_SHARE)) <= len(names):
        parts = Parts(dict.fromkeys(names[:then], stamp), kept)
        small = compaction._outgrown(parts, then - settled)
        together = [name for copy in small for name in copy.places] + names[settled:then]
        kept = [copy for copy in kept if copy not in small]
        for start in range(0, len(together), compaction.FULL):
            places = {name: (stamp, 0, 1) for name in together[start : start + compaction.FULL]}
            kept.append(Copy(max((copy.number for copy in kept), default=0) + 1, b"", places))
        settled, copied, most = then, copied + len(together), max(most, len(together))
    assert copied < 3.5 * settled
    assert most < 1.5 * compaction.FULL
    assert len(kept) == 5


def test_a_driver_compacts_from_time_to_time(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMPACT_EVERY", 4)
    fill(store := Store(folder), trials=5)
    records = Records(store)
    settle(folder)
    for number in range(3):
        records.settled(Trial(number, {}, 0))
    assert not folder.exists("compact")
    records.settled(Trial(3, {}, 0))
    assert sorted(folder.names("compact")) == ["metrics-00001", "trials-00001"]


def test_the_more_trials_the_less_often_a_driver_compacts(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, at = Records(Store(folder)), list[int]()
    settled = 0
    monkeypatch.setattr(Store, "compact", lambda store, done: at.append(settled) or done)
    for settled in range(1, 10_001):
        records.settled(Trial(settled, {}, 0))
    pauses = [after - before for before, after in itertools.pairwise(at)]
    assert at[0] == pauses[0] == 64
    assert pauses == sorted(pauses)
    assert len(at) < 60, "each looks at the stamps of all parts"


def test_a_driver_copies_rows_that_are_in_memory_and_forgets_those_of_trials_that_are_done_with(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "COMPACT_EVERY", 2)
    fill(store := Store(folder), trials=5)
    records = Records(store)
    settle(folder)
    names = opened(monkeypatch)
    kept = records.store.part("metrics", 1)
    ledger.write(records.store, 1)
    before = folder.read(layout.ledger(1))
    records.settled(Trial(1, {}, 0))
    assert records.store._known.trials() == {0, 1, 2, 3, 4}
    os.utime(Path(folder.url) / "trials/00002.parquet")
    records.settled(Trial(2, {}, 0))
    assert records.store._known.trials() == {0, 2, 3, 4}, "the part of 2 is too young for a copy"
    assert names == []
    assert Store(folder).rows("metrics") == [
        row for trial in range(5) for row in records.store.part("metrics", trial)
    ]
    assert records.store.part("metrics", 1) == kept
    ledger.write(records.store, 1)
    assert folder.read(layout.ledger(1)) == before, "a trial that goes on after all finds its rows"


def test_a_driver_reads_no_part_of_a_trial_that_goes_on(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a part is late: what is on disk is old, and soon another."""
    fill(store := Store(folder), trials=6)
    records = Records(store)
    records.late.share = 0.0
    for number in (4, 5):
        row = store.part("metrics", number)[-1]
        sample = {"trial": number, "attempt": 0, "kimg": 3.0, "path": layout.grid(number, 3.0)}
        records.evaluation(row | {"kimg": 3.0}, sample)
        records.put(Trial(number, {}, 0, attempt=0), goes_on=True)
    settle(folder)
    names = opened(monkeypatch)
    store.compact()
    assert names == []
    for dataset in ("metrics", "trials"):
        assert Parts.of(folder, dataset).loose() == ["00004.parquet", "00005.parquet"]


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
    assert set(Parts.of(folder, "metrics").held) == {f"{trial:05d}.parquet" for trial in range(1, 6)}
