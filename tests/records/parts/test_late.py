"""Parts that are written later: which ones, when, and what of them is found again."""

import math
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.directing import FINISHES, READ, begun, make, records, result, trial_of

from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.records.journal import bring_up
from sweep.records.parts import late
from sweep.records.parts.late import Late
from sweep.storage import layout
from sweep.storage.local import LocalFolder


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "small")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that shows what is in the list."""
    shows = [100.0]
    monkeypatch.setattr(late.time, "monotonic", lambda: shows[0])
    return shows


def spent(known: Late, clock: list[float], seconds: float) -> None:
    """Write for so long."""
    with known.timed():
        clock[0] += seconds


def test_those_that_have_waited_longest_come_first_and_each_in_the_order_of_the_datasets() -> None:
    known = Late()
    for trial, dataset in ((7, "trials"), (3, "metrics"), (7, "samples"), (7, "trials"), (3, "rungs")):
        known.note(dataset, trial)
    assert known.turn() == 7
    assert known.of(7) == ["samples", "trials"]
    known.written("trials", 7)
    assert known.turn() == 7
    known.written("samples", 7)
    known.note("samples", 7)
    assert known.turn() == 3
    assert known.of(4) == []


def test_a_share_of_the_time_goes_into_them(clock: list[float]) -> None:
    known = Late()
    known.share = 0.25
    known.note("metrics", 0)
    assert known.turn() is None, "no time has passed"
    written = 0
    for _ in range(1000):
        clock[0] += 0.01
        while known.turn() is not None:
            spent(known, clock, 0.02)
            written += 1
    assert written * 0.02 == pytest.approx(0.25 * (clock[0] - 100.0), rel=0.02)


def test_idle_hours_give_no_more_than_a_moment(clock: list[float]) -> None:
    known = Late()
    known.share = 0.25
    known.note("metrics", 0)
    clock[0] += 3600
    written = 0
    while known.turn() is not None:
        spent(known, clock, 0.1)
        written += 1
    assert written * 0.1 == pytest.approx(late.AT_ONCE / 0.75, rel=0.1), "the share of that time itself too"


def test_without_a_share_everything_is_written_at_once(clock: list[float]) -> None:
    known = Late()
    for trial in range(3):
        known.note("metrics", trial)
    spent(known, clock, 1e6)
    assert known.turn() == 0


# ---- a driver in a hurry -------------------------------------------------------------------------------------------


def on_disk(folder: LocalFolder, dataset: str) -> list[float]:
    return [row["kimg"] for row in Store(LocalFolder(Path(folder.url))).rows(dataset)]


def test_the_ledger_is_written_at_once_and_the_parts_when_there_is_time(folder: LocalFolder) -> None:
    director = make(folder, trials=1, hurried=True)
    begun(director, 3.0)
    assert on_disk(folder, "rungs") == on_disk(folder, "metrics") == on_disk(folder, "samples") == []
    assert trial_of(folder)["kimg"] == 0.0
    assert [row["kimg"] for row in (ledger.read(folder, 0) or {})["metrics"]] == [1.0, 2.0, 3.0]
    director.records.late.share = None
    director.keep_up()
    assert on_disk(folder, "metrics") == on_disk(folder, "samples") == [1.0, 2.0, 3.0]
    assert on_disk(folder, "rungs") == [2.0]
    assert trial_of(folder)["kimg"] == 3.0


@pytest.mark.parametrize("end", ["interrupted", "finished"])
def test_what_ends_is_written_at_once(end: str, folder: LocalFolder) -> None:
    director = make(folder, trials=1, hurried=True)
    begun(director, 4.0 if end == "finished" else 3.0)
    director.abandon()
    assert trial_of(folder)["status"] == end
    assert on_disk(folder, "metrics")[-1] == trial_of(folder)["kimg"] == (4.0 if end == "finished" else 3.0)


def test_the_next_driver_finds_in_the_ledger_what_the_parts_lack(folder: LocalFolder) -> None:
    director = make(folder, trials=1, hurried=True)
    begun(director, 3.0)
    again = make(folder, trials=1)
    assert on_disk(folder, "metrics") == on_disk(folder, "samples") == [1.0, 2.0, 3.0]
    assert (again.trials[FINISHES].kimg, len(again.trials[FINISHES].seen)) == (3.0, 3)
    assert again.trials[FINISHES].status == "running"


def test_numbers_that_are_not_finite_come_back_as_they_were(folder: LocalFolder) -> None:
    store = Store(folder)
    store.put_trial({"trial": 0, "attempt": 0, "status": "running", "kimg": 1.0})
    store.add("metrics", {"trial": 0, "attempt": 0, "kimg": 1.0, "kid": 0.5})
    known = store.part("metrics", 0)
    row = {"trial": 0, "attempt": 0, "kimg": 2.0, "kid": math.nan, "fid": math.inf, "loss_g": -math.inf}
    store.add("metrics", row | {"verdict": "nan"})
    ledger.write(store, 0)
    expected = store.part("metrics", 0)
    store.replace("metrics", 0, known)
    other = Store(LocalFolder(Path(folder.url)))
    bring_up(other)
    assert repr(other.part("metrics", 0)) == repr(expected)
    assert ledger.beyond(folder, 0, other.part) == {}


def after(folder: LocalFolder, status: str) -> dict[str, list[dict[str, Any]]]:
    """Take an evaluation out of the parts of a trial that stands so, and bring them up; gives what they have then."""
    store = Store(folder, READ.space.kinds())
    store.replace("metrics", 0, store.part("metrics", 0)[:-1])
    store.put_trial({"trial": 0, "status": status, "kimg": 2.0})
    bring_up(Store(folder, READ.space.kinds()))
    return records(folder)


def test_only_trials_that_go_on_are_brought_up(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    begun(director, 3.0)
    whole = records(folder)
    assert after(folder, "running") == whole
    assert after(folder, "interrupted") == whole
    assert after(folder, "failed") != whole, "what an ended trial lacks is for 'sweep check' to tell"


def test_a_damaged_ledger_brings_up_nothing(folder: LocalFolder) -> None:
    begun(make(folder, trials=1, hurried=True), 3.0)
    folder.write(layout.ledger(0), folder.read(layout.ledger(0))[:-9])
    bring_up(Store(folder, READ.space.kinds()))
    assert on_disk(folder, "metrics") == []


def test_a_hurry_leads_to_the_same_records(tmp_path: Path) -> None:
    found = []
    for hurried in (False, True):
        folder = LocalFolder(tmp_path / str(hurried))
        director = make(folder, trials=1, hurried=hurried)
        assignment = begun(director, 4.0)
        director.report(result(assignment, 3.0))
        director.abandon()
        found.append(records(folder))
    assert found[0] == found[1]
