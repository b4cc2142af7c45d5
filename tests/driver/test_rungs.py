"""The director by itself: who is stopped at a rung, who is promoted, and who has had its best."""

import contextlib
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.sweeps.directing import (
    FINISHES,
    INFO,
    PATIENT,
    PROMOTES,
    READ,
    SPEC,
    STOPS,
    VARIED,
    VARIED_AND_PROMOTES,
    Breaking,
    Fast,
    Killed,
    Machines,
    begun,
    die,
    drive,
    evaluation,
    events,
    handed,
    make,
    records,
    result,
    told,
    trial_of,
)

from sweep.driver.director import Director
from sweep.driver.events import Event, Next
from sweep.driver.rungs import Rungs
from sweep.records.snapshots import compared
from sweep.records.status import Status
from sweep.search.left import goes_on
from sweep.spec.schedule import Schedule
from sweep.spec.specification import Spec, parse
from sweep.storage import layout
from sweep.storage.local import LocalFolder


def test_a_trial_without_a_finite_value_enters_no_rung(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 1.0)
    report = evaluation(assignment, 2.0)
    director.report(replace(report, row=report.row | {"kid": float("nan")}, value=float("nan")))
    assert records(folder)["rungs"] == []
    assert director.trials[0].rung is None


def test_a_trial_that_was_stopped_is_promoted(folder: LocalFolder) -> None:
    """The first waits for a second to compare with, and goes on from where it was."""
    director = make(folder, trials=2, spec=PROMOTES)
    first = begun(director, 1.0)
    folder.write(f"checkpoints/00000/{layout.snapshot_name(2.0)}", b"weights")
    folder.write("checkpoints/00000/000-000000002000.ckpt", b"checkpoint")
    assert first.keep_stopped
    assert director.report(evaluation(first, 2.0)), "its result is to be measured"
    assert trial_of(folder)["status"] == "stopped"
    director.report(result(first, 2.0))
    assert "000-000000002000.ckpt" in folder.names("checkpoints/00000"), "to go on from"
    (told_first,) = told(director)
    assert told_first.state is Status.STOPPED
    second = handed(director)
    assert second.trial == 1
    folder.write(f"checkpoints/00001/{layout.snapshot_name(2.0)}", b"weights")
    director.report(evaluation(second, 1.0))
    director.report(evaluation(second, 2.0))
    director.report(result(second, 2.0))
    again = handed(director)
    assert (again.trial, again.attempt, again.seen_kimg, again.seed) == (0, 1, 2.0, first.seed)
    assert [past.number for past in told(director)] == [1], "the study does not know how it ends any more"
    assert records(folder)["rungs"][0]["stopped"] is False
    assert events(folder) == ["promoted"]
    assert trial_of(folder)["result"] is None
    for kimg in (3.0, 4.0):
        folder.write(f"checkpoints/00000/{layout.snapshot_name(kimg)}", b"weights")
        assert director.report(evaluation(again, kimg))
    director.report(result(again, 3.0))
    assert director.next() is Next.DONE
    assert [row["status"] for row in records(folder)["trials"]] == ["finished", "stopped"]
    assert {past.number: past.state for past in told(director)} == {0: "finished", 1: "stopped"}


def cut_off(spec: Spec, director: Director) -> bool:
    """Say whether a sweep that ended here was cut off before a promotion."""
    rows = director.records.store.rows
    return goes_on(director.info.rungs, spec.promoting, rows("trials"), rows)


def test_the_best_of_a_few_is_trained_to_its_end(folder: LocalFolder) -> None:
    """Where no more trials come that it could be compared with, also after a resume; not while one trains."""
    director = make(folder, trials=1, spec=PROMOTES)
    only = begun(director, 1.0)
    folder.write(f"checkpoints/00000/{layout.snapshot_name(2.0)}", b"weights")
    assert director.report(evaluation(only, 2.0))
    assert director.next() is Next.WAIT
    director.report(result(only, 2.0))
    director = make(folder, trials=1, spec=PROMOTES)
    assert cut_off(PROMOTES, director), "'sweep resume' has something to do"
    assert not cut_off(READ, director)
    again = handed(director)
    assert (again.trial, again.seen_kimg) == (0, 2.0)
    assert events(folder) == ["promoted"]
    for kimg in (3.0, 4.0):
        folder.write(f"checkpoints/00000/{layout.snapshot_name(kimg)}", b"weights")
        assert director.report(evaluation(again, kimg))
    director.report(result(again, 3.0))
    assert director.next() is Next.DONE
    assert trial_of(folder)["status"] == "finished"
    assert not cut_off(PROMOTES, director)


@pytest.mark.parametrize("resumed", [False, True])
def test_where_the_leader_died_the_best_that_lives_is_trained_to_its_end(
    resumed: bool, folder: LocalFolder
) -> None:
    director = make(folder, trials=3, spec=PROMOTES)

    def train(kimgs: tuple[float, ...], verdict: str | None = None) -> int:
        assignment = handed(director)
        place = f"checkpoints/{assignment.trial:05d}"
        for kimg in kimgs:
            folder.write(f"{place}/{layout.snapshot_name(kimg)}", b"weights")
            dead = verdict if kimg == kimgs[-1] else None
            assert director.report(evaluation(assignment, kimg, dead)), "its result is to be measured"
        director.report(result(assignment, 2.0 if verdict else kimgs[-1]))
        return assignment.trial

    order = [train((1.0, 2.0)), train((1.0, 2.0)), train((3.0,), "flat_image"), train((1.0, 2.0))]
    assert order == [0, 1, 0, 2]
    if resumed:
        director = make(folder, trials=3, spec=PROMOTES)
    assert cut_off(PROMOTES, director), "'sweep resume' has something to do"
    assert train((3.0, 4.0)) == 1
    assert director.next() is Next.DONE
    assert [row["status"] for row in records(folder)["trials"]] == ["collapsed", "finished", "stopped"]
    assert not cut_off(PROMOTES, director)


@pytest.mark.parametrize(
    ("left", "improves", "goes_on"), [(60.0, True, False), (40.0, True, True), (40.0, False, False)]
)
def test_when_it_is_late_one_that_still_improves_goes_on_and_no_other_begins(
    left: float, improves: bool, goes_on: bool, folder: LocalFolder
) -> None:
    """Though it is not among the better half of its rung: nobody else is there to compare it with."""
    director = make(folder, trials=5, spec=PROMOTES)
    only = begun(director, 1.0)
    folder.write(f"checkpoints/00000/{layout.snapshot_name(2.0)}", b"weights")
    director.report(evaluation(only, 2.0))
    director.report(result(only, 2.0))
    director.trials[0].seen[0] = replace(director.trials[0].seen[0], value=9.0 if improves else 0.0)
    director.hours.limit(lambda: left, 100.0)
    director.info = replace(INFO, trials=5)
    following = handed(director)
    assert (following.trial, following.seen_kimg) == ((0, 2.0) if goes_on else (1, -1.0))
    assert events(folder) == (["promoted"] if goes_on else [])


@pytest.mark.parametrize("hurried", [False, True], ids=["with time", "in a hurry"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whenever_it_ends_the_same_trials_are_promoted(after: bool, hurried: bool, tmp_path: Path) -> None:
    whole = Breaking(tmp_path / "whole", 0, die, False, False)
    drive(director := make(whole, spec=PROMOTES, hurried=hurried), whole)
    assert [row["status"] for row in records(whole)["trials"]] == [
        *("finished", "collapsed", "failed", "stopped", "collapsed")
    ]
    assert "promoted" in events(whole)
    for nth in range(1 + after, len(whole.paths) + 1, 5):
        broken = Breaking(tmp_path / str(nth), nth, die, after, False)
        with contextlib.suppress(Killed):
            drive(make(broken, spec=PROMOTES, hurried=hurried), broken)
        folder = Fast(tmp_path / str(nth))
        drive(again := make(folder, spec=PROMOTES, hurried=hurried), folder)
        assert records(folder) == records(whole), f"write {nth}"
        by_number = {past.number: past for past in told(again)}
        assert by_number == {past.number: past for past in told(director)}, f"write {nth}"


@pytest.mark.parametrize("spec", [VARIED, VARIED_AND_PROMOTES], ids=["stop", "promote"])
def test_the_best_trial_loses_its_rung_where_its_pictures_are_alike(spec: Spec, tmp_path: Path) -> None:
    """Whenever the driver dies; its result is measured, it is nobody's cutoff, and its checkpoint goes."""
    whole = Breaking(tmp_path / "whole", 0, die, False, False)
    whole.write("checkpoints/00000/000-000000002000.ckpt", b"checkpoint")
    watched: list[Event] = []
    director = make(whole, spec=spec)
    director.watch = watched.append
    drive(director, whole)
    found = records(whole)
    first, *_, other, _ = found["trials"]
    assert (first["status"], first["rung"], first["kimg"], first["result_kimg"]) == (
        "stopped",
        None,
        2.0,
        2.0,
    )
    rungs = {row["trial"]: row for row in found["rungs"]}
    assert rungs.keys() == {FINISHES, STOPS}
    assert [rungs[FINISHES][name] for name in ("alike", "stopped", "cutoff")] == [True, True, None]
    assert rungs[FINISHES]["variety"] == pytest.approx(0.1)
    assert [rungs[STOPS][name] for name in ("alike", "cutoff")] == [False, None], "nobody was there before it"
    assert (
        (other["status"] == "stopped")
        == rungs[STOPS]["stopped"]
        == director.rungs.may_go_on(director.trials[STOPS])
    )
    assert whole.names("checkpoints/00000") == [layout.snapshot_name(2.0)]
    (ended,) = [one for one in watched if one.kind == "stopped" and one.trial is director.trials[FINISHES]]
    assert ended.detail["variety"] == pytest.approx(0.1)
    assert told(director)[0].kimg == 0.0, "to the sampler it came no farther than to the rung before: none"
    for nth in range(1, len(whole.paths), 4):
        broken = Breaking(tmp_path / str(nth), nth, die, nth % 8 == 1, False)
        with contextlib.suppress(Killed):
            drive(make(broken, spec=spec), broken)
        folder = Fast(tmp_path / str(nth))
        drive(make(folder, spec=spec), folder)
        assert records(folder) == found, f"write {nth}"


@pytest.mark.parametrize("crash", [False, True])
def test_a_trial_that_gets_no_better_ends_early_with_its_best(
    crash: bool, folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpers.sweeps.directing.kid", lambda trial, kimg: 0.1 + 0.01 * kimg)
    director = make(folder, trials=1, spec=PATIENT)
    assignment = begun(director, 2.0)
    if crash:
        # The evaluation is on record, and the end that followed from it is not.
        director.records.evaluation(evaluation(assignment, 3.0).row, evaluation(assignment, 3.0).sample)
        director.records.store.catch_up(0)
        director = make(folder, trials=1, spec=PATIENT)
        assignment = handed(director)
        assert [one.kimg for one in assignment.to_measure or ()] == [1.0]
    else:
        assert director.report(evaluation(assignment, 3.0)), "its result is to be measured"
    assert trial_of(folder)["status"] == "finished"
    assert trial_of(folder)["kimg"] == 3.0
    director.report(result(assignment, 1.0))
    (one,) = told(director)
    assert (one.state, one.value) == ("finished", pytest.approx(0.115))
    assert director.next() is Next.DONE


def test_a_trial_that_has_gone_on_stays_so_whatever_the_order_of_the_records(folder: LocalFolder) -> None:
    """Their times may come from clocks that differ: a decision on record stands."""
    director = make(folder, trials=2, room=Machines())
    first, second = handed(director), handed(director)
    assert director.report(evaluation(second, 2.0)), "the first one at a rung goes on"
    assert director.report(evaluation(first, 2.0)), "it is the better one"
    store = director.records.store
    for number in (0, 1):
        row = store.part("rungs", number)[0]
        store.replace("rungs", number, [row | {"time": datetime(2026, 1, 1 + number, tzinfo=UTC)}])
    again = make(folder, trials=2, room=Machines())
    assert [handed(again).trial for _ in range(2)] == [0, 1]
    assert again.report(evaluation(replace(second, attempt=1), 3.0))


def test_a_budget_that_rounding_made_a_little_longer_is_reached(folder: LocalFolder) -> None:
    """As 'sweep extend --kimg' of a spec in epochs makes one; a rung that falls on it is none."""
    director, end = make(folder, trials=1), math.nextafter(4.0, 5.0)
    begun(director, 4.0)
    rungs = Rungs(
        director.records.store, parse(SPEC, overrides=["train.epochs=9"]), replace(INFO, budget=end)
    )
    assert rungs.spent(director.trials[0])
    assert [one.kimg for one in compared(director.trials[0].seen, ((2.0, 16),), end)] == [1.0, 2.0, 3.0]
    spec = parse(SPEC, overrides=["train.epochs=9", "asha.max=9"])
    assert spec.asha is not None
    assert Schedule.of(1000, end, spec.evaluate, spec.asha).rungs == (2.0,)
