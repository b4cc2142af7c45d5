"""The director by itself, with workers made up from formulas: what it hands out, records, and takes up again."""

import contextlib
import errno
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ganlib.training.collapse import Verdict
from sweep.driver.director import Director
from sweep.driver.events import Event, Next
from sweep.driver.recovery import past, recall, restore
from sweep.driver.room import Room
from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.records.progress import best_trial, shortfall
from sweep.records.schemas import SCHEMAS
from sweep.records.snapshots import Seen, candidates
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.search.asha import goes_on
from sweep.search.trial_source import Asked, PastTrial
from sweep.spec.specification import Spec, parse
from sweep.spec.wishes.wish import MOST
from sweep.storage import layout
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Assignment, Evaluated, Fault, Measured, Paused, Pulse, Report

SPEC = """
name: small
data: {source: avatars, count: 1000, size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: {type: float, low: 1e-4, high: 1e-3, log: true}, epochs: 4}
evaluate: {every: 1, n_fake: 32, n_real: 64}
search: {sampler: random, trials: 5}
asha: {grace: 2, variant: stop, max: 4}
resources: {max_failures: 1}
"""
READ = parse(SPEC)
PROMOTES = parse(SPEC, overrides=["asha.variant=promote"])
VARIED = parse(SPEC, overrides=["asha.variety=0.3"])
VARIED_AND_PROMOTES = parse(SPEC, overrides=["asha.variety=0.3", "asha.variant=promote"])
PATIENT = parse(SPEC, overrides=["asha.grace=3", "asha.patience=2"])
KIMGS = (1.0, 2.0, 3.0, 4.0)
INFO = SweepInfo(images=1000, budget=4.0, interval=1.0, rungs=(2.0,), data_hash="abc")
PASSING = {"attempt", "failures", "time", "started", "ended", "device", "node"}
"""Columns that tell of the way, not of the result."""
FINISHES, COLLAPSES, FAILS, STOPS, NEVER_WAS = range(5)
"""What becomes of the five trials; the last is not a number from its first evaluation on."""


class Plan:
    """In the place of an Optuna study: five trials, and what it was told."""

    def __init__(self, count: int, first: int = 0) -> None:
        self.count, self.next, self.told = count, first, list[PastTrial]()
        self.spent, self.refused = "", list[str]()

    def ask(self) -> Asked | None:
        """The next trial."""
        self.next += 1
        asked = Asked(self.next - 1, {"train.lr_g": 2e-4}, refused=self.refused)
        return asked if self.next <= self.count else None

    def reopen(self, number: int) -> None:
        """Forget how it ended."""
        self.told = [one for one in self.told if one.number != number]

    def tell(self, past: PastTrial) -> None:
        """Remember it."""
        self.told.append(past)

    def follow(self, past: PastTrial) -> None:
        """Nothing learns on the way."""

    def flush(self) -> None:
        """Nothing waits."""


def make(folder: LocalFolder, trials: int = 5, room: Room | None = None, spec: Spec = READ) -> Director:
    """A director as `sweep.commands.run` makes it, on whatever is in the folder."""
    store = Store(folder, spec.space.kinds())
    known = recall(store, spec.search)
    plan = Plan(trials, len(known))
    plan.told = [one for one in past(known, INFO) if one.state is not Status.RUNNING]
    director = Director(spec, INFO, store, plan, "me", room)
    restore(director, known)
    return director


def told(director: Director) -> list[PastTrial]:
    assert isinstance(director.source, Plan)
    return director.source.told


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "small")


# ---- workers that cost nothing -----------------------------------------------------------------------------


def kid(trial: int, kimg: float) -> float | None:
    """Its best is at 3 kimg; later trials are worse; the last one never has a number."""
    return None if trial == NEVER_WAS else 0.1 * (trial + 1) + 0.01 * abs(kimg - 3)


def evaluation(assignment: Assignment, kimg: float, verdict: str | None = None) -> Evaluated:
    trial, attempt = assignment.trial, assignment.attempt
    value = kid(trial, kimg)
    ids = {"trial": trial, "attempt": attempt, "kimg": kimg}
    row = ids | {"kid": value, "kid_se": 0.001, "fid": value, "n_fake": 32, "verdict": verdict}
    row |= {"rolled_back": False, "seconds_train": 1.0, "seconds_eval": 0.5}
    row |= {"vendi": 1.4 if trial == FINISHES else 4.0, "real_vendi": 5.0}
    sample = ids | {"path": f"images/{trial}-{kimg}.png", "rows": 1, "cols": 1}
    dead = Verdict(verdict, kimg, 1, "it is dead") if verdict else None
    value = None if verdict else value
    return Evaluated(**ids, row=row, sample=sample, value=value, verdict=dead, last=kimg == KIMGS[-1])


def result(assignment: Assignment, kimg: float, **more: Any) -> Measured:
    ids = {"trial": assignment.trial, "attempt": assignment.attempt}
    seen = kid(assignment.trial, kimg)
    assert seen is not None
    row = ids | {
        "kimg": kimg,
        "kid": seen + 0.005,
        "kid_se": 0.002,
        "n_fake": 32,
        "seen": seen,
        "seconds": 0.25,
    }
    return Measured(**ids, kimg=kimg, result=row | more)


def said(assignment: Assignment, kind: type[Pulse] | type[Paused]) -> Report:
    return kind(trial=assignment.trial, attempt=assignment.attempt, kimg=0.0)


def work(folder: LocalFolder, assignment: Assignment) -> Iterator[Report]:
    """All reports of a worker, and the snapshots that it leaves, as `TrialRun` would give them."""
    number, kept = assignment.trial, list(assignment.to_measure or [])
    place = f"checkpoints/{number:05d}"
    if not kept:
        seen: list[Seen] = []
        for kimg in KIMGS:
            if number == FAILS and kimg == KIMGS[1]:
                raise Boom
            dead = number in (COLLAPSES, NEVER_WAS) and kimg == KIMGS[number == COLLAPSES]
            report = evaluation(assignment, kimg, "flat_image" if dead else None)
            if one := Seen.of(report.row, "kid"):
                seen.append(one)
                folder.write(f"{place}/{layout.snapshot_name(kimg)}", b"weights")
            if kimg > assignment.seen_kimg:
                yield report
            kept = candidates(seen, "kid")
            row = ledger.trial_row(folder, number)
            if row is not None and Status(row["status"]).ended:
                break
    names = folder.names(place)
    assert all(layout.snapshot_name(one.kimg) in names for one in kept), (
        "what is to be measured must be there"
    )
    yield result(assignment, kept[0].kimg)


def drive(director: Director, folder: LocalFolder) -> None:
    """As the local runner does it."""
    while not isinstance(assignment := director.next(), Next):
        try:
            for report in work(folder, assignment):
                if not director.report(report):
                    break
        except StorageError as error:
            director.fail(assignment.trial, assignment.attempt, Fault("storage", str(error)))
        except Boom as error:
            director.fail(assignment.trial, assignment.attempt, Fault("error", str(error)))
    director.abandon()


class Boom(Exception):
    """What the trial that fails raises."""


class Killed(BaseException):
    """The driver's process is gone."""


def records(folder: LocalFolder) -> dict[str, list[dict[str, Any]]]:
    store = Store(LocalFolder(Path(folder.url)))
    return {
        dataset: [{k: v for k, v in row.items() if k not in PASSING} for row in store.rows(dataset)]
        for dataset in SCHEMAS
        if dataset != "events"
    }


def trial_of(folder: LocalFolder, number: int = 0) -> dict[str, Any]:
    row = Store(LocalFolder(Path(folder.url))).trial(number)
    assert row is not None
    return row


def events(folder: LocalFolder) -> list[str]:
    return [row["kind"] for row in Store(LocalFolder(Path(folder.url))).rows("events")]


# ---- one trial ---------------------------------------------------------------------------------------------


def handed(director: Director) -> Assignment:
    assignment = director.next()
    assert isinstance(assignment, Assignment), assignment
    return assignment


def begun(director: Director, until: float) -> Assignment:
    """Hand out the first trial and report its evaluations until some moment; returns its assignment."""
    assignment = handed(director)
    for kimg in KIMGS:
        if kimg <= until:
            director.folder.write(f"checkpoints/00000/{layout.snapshot_name(kimg)}", b"weights")
            assert director.report(evaluation(assignment, kimg))
    return assignment


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


# ---- room, memory, halts ------------------------------------------------------------------------------------


@dataclass
class Machines:
    """Room for some trials' shares together."""

    gpu: float = 0.5
    threads: int = 3
    largest_share: float = 4.0
    holds: float = 2.0

    def fits(self, live: Mapping[tuple[int, int], float], share: float) -> bool:
        """Whether the sum of shares stays within what there is."""
        return sum(live.values()) + share <= self.holds


def test_no_trial_is_drawn_before_there_is_room_for_it(folder: LocalFolder) -> None:
    director = make(folder, trials=3, room=Machines())
    first, second = handed(director), handed(director)
    assert (first.trial, second.trial, first.gpu, first.threads) == (0, 1, 0.5, 3)
    assert director.next() is Next.WAIT
    assert 2 not in director.trials
    director.fail(first.trial, 0, Fault("request", "no such extractor"))
    assert handed(director).trial == 2
    assert director.next() is Next.WAIT


def test_a_trial_without_memory_gets_twice_its_share_once(folder: LocalFolder) -> None:
    machines = Machines()
    director = make(folder, trials=2, room=machines)
    first, second = handed(director), handed(director)
    director.fail(first.trial, 0, Fault("memory", "out of memory"))
    assert director.next() is Next.WAIT, "twice the share does not fit beside the other trial"
    director.fail(second.trial, 0, Fault("request", "no such extractor"))
    again = handed(director)
    assert (again.trial, again.attempt, again.share, again.gpu) == (0, 1, 2.0, 1.0)
    assert trial_of(folder, 0)["failures"] == 0
    assert trial_of(folder, 1)["status"] == "failed"
    director.fail(0, 1, Fault("memory", "out of memory"))
    row = trial_of(folder, 0)
    assert row["status"] == "failed"
    assert "It had 2 times the spec's resources" in row["failure"]
    assert events(folder) == ["restart", "failure", "failure"]
    assert director.next() is Next.DONE


def test_on_smaller_machines_a_share_of_larger_ones_is_cut(folder: LocalFolder) -> None:
    director = make(folder, trials=1, room=Machines())
    director.fail(handed(director).trial, 0, Fault("memory", "out of memory"))
    handed(director)
    director.abandon()
    assert trial_of(folder)["share"] == 2.0
    smaller = make(folder, trials=1, room=Machines(largest_share=1.0))
    assert handed(smaller).share == 1.0


@pytest.mark.parametrize(("kind", "again"), [("died", 1), ("hung", 1), ("error", 1), ("request", 0)])
def test_a_fault_is_tried_again_by_its_kind(kind: str, again: int, folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    for attempt in range(1 + again):
        assert handed(director).attempt == attempt
        director.fail(0, attempt, Fault(kind, "gone", "Traceback: here"))
    assert director.next() is Next.DONE
    assert trial_of(folder)["status"] == "failed"
    assert events(folder) == ["restart"] * again + ["failure"]
    details = [json.loads(row["detail"]) for row in Store(folder).rows("events")]
    assert all((one["kind"], one["traceback"]) == (kind, "Traceback: here") for one in details)


def test_a_storage_that_fails_halts_and_costs_no_trial_anything(folder: LocalFolder) -> None:
    director = make(folder, trials=2, room=Machines())
    first, second = handed(director), handed(director)
    assert director.report(evaluation(first, 1.0))
    director.fail(first.trial, 0, Fault("storage", "no space left"))
    assert (director.halted, director.stopping) == ("no space left", True)
    assert director.report(evaluation(second, 1.0)) is False, "others are told to stop at their next report"
    assert director.next() is Next.DONE
    assert [trial_of(folder, n)["status"] for n in (0, 1)] == ["interrupted"] * 2
    assert [trial_of(folder, n)["failures"] for n in (0, 1)] == [0, 0]
    resumed = make(folder, trials=2, room=Machines())
    assert [(one.trial, one.attempt) for one in (handed(resumed), handed(resumed))] == [(0, 1), (1, 1)]


def test_damaged_checkpoints_become_events(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = handed(director)
    damaged = {"checkpoints/00000/000-1.ckpt": "it does not match its digest"}
    assert director.report(replace(said(assignment, Pulse), damaged=damaged))
    (row,) = Store(folder).rows("events")
    assert row["kind"] == "damaged_checkpoint"
    assert json.loads(row["detail"])["path"] == next(iter(damaged))


def test_random_numbers_that_begin_anew_become_an_event(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assert director.report(replace(said(handed(director), Pulse), told={"reseeded": "of a GPU"}))
    (row,) = Store(folder).rows("events")
    assert (row["kind"], json.loads(row["detail"])) == ("reseeded", {"reason": "of a GPU"})


@pytest.mark.parametrize("until", [0.0, 1.0, 3.0, 4.0])
@pytest.mark.parametrize("said_goodbye", [False, True])
def test_taken_up_in_the_midst_of_any_state(until: float, said_goodbye: bool, folder: LocalFolder) -> None:
    """Handed out, evaluated, past its rung, ended and due: with and without a word of its end."""
    director = make(folder, trials=2)
    begun(director, until)
    if said_goodbye:
        director.interrupt()
        director.abandon()
    again = make(folder, trials=2)
    assignment = handed(again)
    assert (assignment.trial, assignment.attempt) == (0, 1)
    assert assignment.seen_kimg == (until or -1.0)
    assert (assignment.to_measure is not None) == (until == 4.0)
    drive(make(folder, trials=2), folder)
    assert [row["status"] for row in records(folder)["trials"]] == ["finished", "collapsed"]
    assert [row["kimg"] for row in records(folder)["results"]] == [3.0, 1.0]


# ---- ends and new beginnings -------------------------------------------------------------------------------


def test_interrupted_while_it_is_measured(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 4.0)
    director.interrupt()
    assert director.report(said(assignment, Paused)) is False
    director.abandon()
    assert trial_of(folder)["status"] == "finished"
    assert told(director) == []
    again = make(folder, trials=1)
    assert told(again) == []
    assert again.trials[0].due
    second = handed(again)
    assert [one.kimg for one in second.to_measure or ()] == [3.0]
    assert again.report(result(second, 3.0)) is False
    assert [past.value for past in told(again)] == [pytest.approx(0.105)]
    assert again.next() is Next.DONE


@pytest.mark.parametrize("asked_to_stop", [False, True])
def test_a_runner_that_ends_leaves_what_is_due(asked_to_stop: bool, folder: LocalFolder) -> None:
    director = make(folder, trials=2)
    begun(director, 4.0)
    if asked_to_stop:
        director.interrupt()
        director.fail(0, 0, Fault("died", "killed with all others"))
    director.abandon()
    assert trial_of(folder)["status"] == "finished"
    drive(make(folder, trials=2), folder)
    assert [row["trial"] for row in records(folder)["results"]] == [0, 1]


def test_a_disk_that_is_full_when_the_result_comes(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 4.0)
    with monkeypatch.context() as patch:
        patch.setattr(LocalFolder, "write", _full)
        assert director.report(result(assignment, 3.0)) is False
    assert director.halted == "the disk is full"
    assert director.stopping
    director.abandon()
    assert told(director) == []
    assert trial_of(folder)["result"] is None
    drive(again := make(folder, trials=1), folder)
    assert trial_of(folder)["result"] == pytest.approx(0.105)
    assert len(told(again)) == 1


def _full(self: LocalFolder, path: str, data: bytes) -> None:
    raise StorageError("the disk is full")


class Fast(LocalFolder):
    """A folder that does not wait for the disk."""

    def write(self, path: str, data: bytes) -> None:
        """Write."""
        target = self.local(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


class Breaking(Fast):
    """A folder at whose nth write something happens, before or after it, once or from then on."""

    def __init__(self, path: Path, nth: int, happen: Callable[[], None], after: bool, lasting: bool) -> None:
        super().__init__(path)
        self.paths: list[str] = []
        self.nth, self.happen, self.after, self.lasting = nth, happen, after, lasting

    def write(self, path: str, data: bytes) -> None:
        """Write, or break."""
        self.paths.append(path)
        count = len(self.paths)
        due = count == self.nth or (self.lasting and count > self.nth)
        if due and not self.after:
            self.happen()
        super().write(path, data)
        if due and self.after:
            self.happen()


def _die() -> None:
    raise Killed


def _no_space() -> None:
    raise StorageError(f"the disk is full ({errno.ENOSPC})")


Undisturbed = tuple[dict[str, Any], list[str], list[PastTrial]]
"""Its records, the files in the order of their writing, and what the study was told."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A run that nothing happens to."""
    folder = Breaking(tmp_path_factory.mktemp("undisturbed"), 0, _die, False, False)
    drive(director := make(folder), folder)
    return records(folder), folder.paths, told(director)


def test_five_fates(undisturbed: Undisturbed) -> None:
    found, _, said_to = undisturbed
    statuses = ["finished", "collapsed", "failed", "stopped", "collapsed"]
    assert [row["status"] for row in found["trials"]] == statuses == [past.state for past in said_to]
    results = {row["trial"]: row["kimg"] for row in found["results"]}
    assert results == {FINISHES: 3.0, COLLAPSES: 1.0, FAILS: 1.0, STOPS: 2.0}
    assert [row["result_kimg"] for row in found["trials"]] == [3.0, 1.0, 1.0, 2.0, None]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("happen", "lasting"),
    [(_die, False), (_no_space, False), (_no_space, True)],
    ids=["killed", "once", "full"],
)
def test_whenever_it_ends_every_trial_has_its_result_in_the_end(
    happen: Callable[[], None],
    lasting: bool,
    after: bool,
    undisturbed: Undisturbed,
    tmp_path: Path,
) -> None:
    """Around the writing of each result and of the first trial's start, and at every ninth write."""
    expected, paths, said_to = undisturbed
    results = [nth for nth, path in enumerate(paths, start=1) if path.startswith("results/")]
    moments = {1, *range(5 + 2 * after + lasting, len(paths) + 1, 9)}
    for nth in sorted(moments | {nth + more for nth in results for more in (-1, 0, 1)}):
        place = tmp_path / str(nth)
        broken = Breaking(place, nth, happen, after, lasting)
        with contextlib.suppress(Killed):
            drive(make(broken), broken)
        folder = Fast(place)
        drive(director := make(folder), folder)
        assert records(folder) == expected, f"write {nth}"
        assert sorted(told(director), key=lambda past: past.number) == said_to, f"write {nth}"
        for number, row in enumerate(expected["trials"]):
            kept = folder.names(f"checkpoints/{number:05d}")
            assert not kept or kept == [layout.snapshot_name(row["result_kimg"])], f"write {nth}"


# ---- rungs ---------------------------------------------------------------------------------------------------


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
    return goes_on(spec, director.info.rungs, rows("trials"), rows("rungs"))


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


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whenever_it_ends_the_same_trials_are_promoted(after: bool, tmp_path: Path) -> None:
    whole = Breaking(tmp_path / "whole", 0, _die, False, False)
    drive(director := make(whole, spec=PROMOTES), whole)
    assert [row["status"] for row in records(whole)["trials"]] == [
        *("finished", "collapsed", "failed", "stopped", "collapsed")
    ]
    assert "promoted" in events(whole)
    for nth in range(1 + after, len(whole.paths) + 1, 5):
        broken = Breaking(tmp_path / str(nth), nth, _die, after, False)
        with contextlib.suppress(Killed):
            drive(make(broken, spec=PROMOTES), broken)
        folder = Fast(tmp_path / str(nth))
        drive(again := make(folder, spec=PROMOTES), folder)
        assert records(folder) == records(whole), f"write {nth}"
        by_number = {past.number: past for past in told(again)}
        assert by_number == {past.number: past for past in told(director)}, f"write {nth}"


@pytest.mark.parametrize("spec", [VARIED, VARIED_AND_PROMOTES], ids=["stop", "promote"])
def test_the_best_trial_loses_its_rung_where_its_pictures_are_alike(spec: Spec, tmp_path: Path) -> None:
    """Whenever the driver dies; its result is measured, it is nobody's cutoff, and its checkpoint goes."""
    whole = Breaking(tmp_path / "whole", 0, _die, False, False)
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
        broken = Breaking(tmp_path / str(nth), nth, _die, nth % 8 == 1, False)
        with contextlib.suppress(Killed):
            drive(make(broken, spec=spec), broken)
        folder = Fast(tmp_path / str(nth))
        drive(make(folder, spec=spec), folder)
        assert records(folder) == found, f"write {nth}"


@pytest.mark.parametrize("crash", [False, True])
def test_a_trial_that_gets_no_better_ends_early_with_its_best(
    crash: bool, folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "kid", lambda trial, kimg: 0.1 + 0.01 * kimg)
    director = make(folder, trials=1, spec=PATIENT)
    assignment = begun(director, 2.0)
    if crash:
        # The evaluation is on record, and the end that followed from it is not.
        director.records.evaluation(evaluation(assignment, 3.0).row, evaluation(assignment, 3.0).sample)
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
