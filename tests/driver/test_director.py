"""The director by itself, with workers made up from formulas: one trial from its end to its result."""

import json
from dataclasses import replace

import pytest
from helpers.sweeps.directing import (
    KIMGS,
    SPEC,
    Machines,
    Plan,
    begun,
    evaluation,
    events,
    handed,
    make,
    records,
    result,
    said,
    told,
    trial_of,
)

from sweep.driver.events import Next
from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.records.progress import best_trial, shortfall
from sweep.records.snapshots import Seen
from sweep.records.status import Status
from sweep.spec.specification import parse
from sweep.spec.wishes.wish import MOST
from sweep.storage import layout
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Fault, Paused, Pulse


def test_a_trial_that_has_ended_is_due_and_then_has_its_result(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 4.0)
    row = trial_of(folder)
    assert (row["status"], row["result"], row["best_kimg"], row["best_n_fake"]) == ("finished", None, 3.0, 32)
    # Its worker reads that it has ended; nobody else has been told yet, and nothing new is begun in its place.
    ledgered = ledger.trial_row(folder, 0)
    assert ledgered is not None
    assert ledgered["status"] == "finished"
    assert director.trials[0].due
    assert told(director) == []
    assert director.next() is Next.WAIT
    assert director.report(result(assignment, 3.0)) is False
    row = trial_of(folder)
    assert (row["status"], row["attempt"]) == ("finished", 0)
    assert (row["result"], row["result_se"], row["result_kimg"]) == (pytest.approx(0.105), 0.002, 3.0)
    assert row["seconds_eval"] == pytest.approx(4 * 0.5 + 0.25)
    (one,) = told(director)
    assert (one.state, one.value, one.kimg) == ("finished", row["result"], 4.0)
    assert director.next() is Next.DONE
    assert [row["kimg"] for row in records(folder)["results"]] == [3.0]


WISHING = parse(SPEC, overrides=["search.subject_to={coverage: '>= 0.5', seconds_per_kimg: < 2}"])


def test_a_result_says_what_it_breaks_and_the_study_by_how_much(folder: LocalFolder) -> None:
    director = make(folder, trials=2, spec=WISHING)
    first = begun(director, 4.0)
    assert first.in_full, "a stopped trial has no coverage otherwise"
    director.report(result(first, 3.0, coverage=0.4))
    assert trial_of(folder)["broken"] == "coverage 0.4, wanted >= 0.5"
    (row,) = records(folder)["results"]
    assert row["seconds_per_kimg"] == 1.0
    (one,) = told(director)
    assert one.misses == pytest.approx((0.2, -0.5))
    assert one.attrs["broken"] == "coverage 0.4, wanted >= 0.5"
    assert one.attrs["coverage"] == 0.4
    assert best_trial(director) is None
    assert shortfall(director) == [
        "no trial fulfils the wishes; the nearest is trial 0: coverage 0.4, wanted >= 0.5"
    ]
    # A driver that comes back knows the same.
    again = make(folder, trials=2, spec=WISHING)
    assert told(again) == [one]
    second = handed(again)
    assert again.report(evaluation(second, 1.0))
    assert again.report(evaluation(second, 2.0, "flat_image"))
    assert again.report(result(second, 1.0, coverage=0.9)) is False
    dead = told(again)[1]
    assert dead.state is Status.COLLAPSED
    assert dead.misses == (MOST, MOST), "behind all that have a result"


def test_a_trial_that_fulfils_the_wishes_is_the_best_whatever_others_have(folder: LocalFolder) -> None:
    director = make(folder, trials=2, spec=WISHING)
    director.report(result(begun(director, 4.0), 3.0, coverage=0.4))
    second = handed(director)
    for kimg in KIMGS[:2]:  # then it is stopped at its rung
        director.folder.write(f"checkpoints/00001/{layout.snapshot_name(kimg)}", b"weights")
        assert director.report(evaluation(second, kimg))
    director.report(result(second, 2.0, coverage=0.6))
    best = best_trial(director)
    assert best is not None
    assert best.number == 1
    first, other = (director.trials[number].value for number in (0, 1))
    assert first is not None
    assert other is not None
    assert first < other
    assert shortfall(director) == ["not ranked, because they break a wish: trial 0"]


def test_configurations_that_were_not_taken_are_on_record(folder: LocalFolder) -> None:
    director = make(folder, trials=2)
    assert isinstance(director.source, Plan)
    director.source.refused = ["params 30, wanted <= 9", "params 20, wanted <= 9"]
    handed(director)
    (row,) = [row for row in Store(folder).rows("events") if row["kind"] == "redrawn"]
    assert row["trial"] == 0
    assert json.loads(row["detail"]) == {"refused": 2, "reason": "params 20, wanted <= 9"}
    assert not handed(make(folder, trials=2)).in_full
    assert events(folder).count("redrawn") == 1, "told once, not at each attempt"


@pytest.mark.parametrize("status", ["stopped", "collapsed"])
def test_a_trial_that_ended_early_is_measured_too(status: str, folder: LocalFolder) -> None:
    director = make(folder, trials=2)
    first = begun(director, 4.0)
    director.report(result(first, 3.0))
    second = handed(director)
    assert director.report(evaluation(second, 1.0))
    assert director.report(evaluation(second, 2.0, "flat_image" if status == "collapsed" else None))
    best = 1.0 if status == "collapsed" else 2.0  # the evaluation at which it was called dead is not its best
    assert trial_of(folder, 1)["status"] == status
    assert trial_of(folder, 1)["best_kimg"] == best
    assert director.report(result(second, best)) is False
    one = told(director)[1]
    assert (one.state, one.value) == (status, trial_of(folder, 1)["result"])
    assert trial_of(folder, 1)["status"] == status
    assert one.kimg == 2.0


def test_what_never_had_a_number_has_no_result_to_wait_for(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = handed(director)
    assert director.report(evaluation(assignment, 1.0, "non_finite")) is False
    assert [past.state for past in told(director)] == ["collapsed"]
    assert not director.trials[0].due
    assert director.next() is Next.DONE
    assert records(folder)["results"] == []


def test_a_failed_trial_is_handed_out_once_more_to_be_measured(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    begun(director, 1.0)
    director.fail(0, 0, Fault("error", "boom"))
    second = handed(director)
    assert (second.attempt, second.to_measure) == (1, None)
    assert director.report(evaluation(second, 2.0))
    director.fail(0, 1, Fault("error", "boom"))
    assert trial_of(folder)["status"] == "failed"
    assert told(director) == []
    third = handed(director)
    assert third.to_measure == [Seen(2.0, pytest.approx(0.11), 32, 0.001, pytest.approx(0.1))]
    assert trial_of(folder)["status"] == "failed"
    assert trial_of(folder)["failure"] == "boom"
    assert director.report(result(third, 2.0)) is False
    assert [past.state for past in told(director)] == ["failed"]
    row = trial_of(folder)
    assert (row["status"], row["failure"], row["result_kimg"]) == ("failed", "boom", 2.0)
    assert director.next() is Next.DONE


def test_a_trial_that_failed_before_its_first_evaluation_is_over(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    for attempt in range(2):
        handed(director)
        director.fail(0, attempt, Fault("error", "boom"))
    assert trial_of(folder)["status"] == "failed"
    assert director.next() is Next.DONE
    assert [past.state for past in told(director)] == ["failed"]


def test_a_worker_that_dies_while_it_measures_costs_an_attempt(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    begun(director, 4.0)
    director.fail(0, 0, Fault("died", "killed"))
    again = handed(director)
    assert again.to_measure
    assert trial_of(folder)["status"] == "finished"
    assert events(folder) == ["restart"]
    assert director.report(result(again, 3.0)) is False
    assert [past.state for past in told(director)] == ["finished"]
    assert trial_of(folder)["result"] == pytest.approx(0.105)
    assert trial_of(folder)["ended"] is not None


def test_a_generator_that_kills_all_its_workers_is_given_up(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    begun(director, 4.0)
    director.fail(0, 0, Fault("died", "killed"))
    handed(director)
    director.fail(0, 1, Fault("died", "killed again"))
    assert director.next() is Next.DONE
    (row,) = records(folder)["results"]
    assert row["problem"] == "it could not be measured: killed again"
    assert row["kid"] is None
    assert trial_of(folder)["status"] == "finished"
    assert trial_of(folder)["result"] is None
    # For the sampler it has failed: there is no number that could be compared.
    assert [(past.state, past.value) for past in told(director)] == [("failed", None)]


def test_why_there_is_no_result_is_an_event(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 4.0)
    row = {"trial": 0, "attempt": 0, "seconds": 0.1, "problem": "its snapshot is gone"}
    report = replace(result(assignment, 3.0), result=row)
    assert director.report(report) is False
    assert events(folder) == ["no_result"]
    assert not director.trials[0].due
    assert director.next() is Next.DONE
    assert told(director)[0].value is None


def test_a_worker_that_missed_the_end_is_told_and_another_one_measures(folder: LocalFolder) -> None:
    """It could not read the ledger, and so trained on; what it says is not recorded."""
    director = make(folder, trials=2)
    first = begun(director, 4.0)
    director.report(result(first, 3.0))
    second = handed(director)
    assert director.report(evaluation(second, 1.0))
    assert director.report(evaluation(second, 2.0))
    assert director.report(evaluation(second, 3.0)) is False
    again = handed(director)
    assert (again.trial, again.attempt) == (1, 1)
    assert [one.kimg for one in again.to_measure or ()] == [2.0]
    assert trial_of(folder, 1)["kimg"] == 2.0
    assert director.report(result(again, 2.0)) is False
    assert trial_of(folder, 1)["status"] == "stopped"
    assert len(told(director)) == 2


@pytest.mark.parametrize("what", ["evaluation", "result", "interrupted", "pulse"])
def test_an_older_attempt_is_refused(what: str, folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    old = begun(director, 4.0)
    director.fail(0, 0, Fault("died", "its node was lost"))
    new = handed(director)
    before = records(folder)
    reports = {
        "evaluation": evaluation(old, 3.5),
        "result": result(old, 1.0),
        "interrupted": said(old, Paused),
        "pulse": said(old, Pulse),
    }
    assert director.report(reports[what]) is False
    assert records(folder) == before
    assert "stale_report" in events(folder)
    assert director.report(said(new, Pulse)) is True
    assert director.report(result(new, 3.0)) is False
    assert told(director)[0].value == pytest.approx(0.105)
    assert director.report(result(new, 1.0)) is False  # said twice
    assert [row["kimg"] for row in records(folder)["results"]] == [3.0]
    assert len(told(director)) == 1


def test_a_trial_that_was_told_to_end_by_the_lease_ends_the_sweep(folder: LocalFolder) -> None:
    """Somebody has taken the sweep over, or its driver has not heard yet that it is to stop."""
    director = make(folder, trials=3, room=Machines())
    first, second = handed(director), handed(director)
    assert director.report(said(first, Paused)) is False
    assert director.next() is Next.WAIT
    assert director.report(said(second, Paused)) is False
    assert director.next() is Next.DONE
    assert [trial_of(folder, number)["status"] for number in (0, 1)] == ["interrupted", "interrupted"]
