"""The director by itself, with workers made up from formulas: what it hands out, records, and takes up again."""

import contextlib
import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sweep.driver.director import Director
from sweep.driver.events import Next
from sweep.driver.recovery import restore
from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS
from sweep.records.snapshots import Seen, candidates
from sweep.records.status import Status
from sweep.search.trial_source import Asked, PastTrial
from sweep.spec.specification import parse
from sweep.storage import layout
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Report

SPEC = """
name: small
data: {source: avatars, count: 1000, size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: {type: float, low: 1e-4, high: 1e-3, log: true}, epochs: 4}
evaluate: {every: 1, n_fake: 32, n_real: 64}
search: {sampler: random, trials: 5}
asha: {grace: 2, reduction: 2, max: 4}
resources: {max_failures: 1}
"""
READ = parse(SPEC)
KIMGS = (1.0, 2.0, 3.0, 4.0)
INFO = {"images": 1000, "budget": 4.0, "rungs": [2.0], "data_hash": "abc"}
PASSING = {"attempt", "failures", "time", "started", "ended", "device", "node"}
"""Columns that tell of the way, not of the result."""
FINISHES, COLLAPSES, FAILS, STOPS, NEVER_WAS = range(5)
"""What becomes of the five trials; the last is not a number from its first evaluation on."""


class Plan:
    """In the place of an Optuna study: five trials, and what it was told."""

    def __init__(self, count: int, first: int = 0) -> None:
        self.count, self.next, self.told = count, first, list[PastTrial]()

    def ask(self) -> Asked | None:
        """The next trial."""
        self.next += 1
        return Asked(self.next - 1, {"train.lr_g": 2e-4}) if self.next <= self.count else None

    def tell(self, past: PastTrial) -> None:
        """Remember it."""
        self.told.append(past)


class Planned(Director):
    """A director with a `Plan`."""

    def rebuild(self, study: Path, past: Sequence[PastTrial]) -> None:
        """Go on in the plan; what an Optuna study would be given is what it was told."""
        self.study = self.plan = Plan(self.count, len(past))
        self.plan.told = [one for one in past if one.state != "running"]


def make(folder: LocalFolder, trials: int = 5) -> Planned:
    """A director as `sweep.commands.run` makes it, on whatever is in the folder."""
    director = Planned(READ, folder, Store(folder, READ.space.kinds()), INFO, "me", 0.0, 1)
    director.count = trials
    restore(director, Path())
    return director


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "small")


# ---- workers that cost nothing -----------------------------------------------------------------------------


def kid(trial: int, kimg: float) -> float | None:
    """Its best is at 3 kimg; later trials are worse; the last one never has a number."""
    return None if trial == NEVER_WAS else 0.1 * (trial + 1) + 0.01 * abs(kimg - 3)


def evaluation(assignment: Mapping[str, Any], kimg: float, verdict: str | None = None) -> dict[str, Any]:
    trial, attempt = assignment["trial"], assignment["attempt"]
    value = kid(trial, kimg)
    ids = {"trial": trial, "attempt": attempt, "kimg": kimg}
    row = ids | {"kid": value, "kid_se": 0.001, "fid": value, "n_fake": 32, "verdict": verdict}
    row |= {"rolled_back": False, "seconds_train": 1.0, "seconds_eval": 0.5}
    sample = ids | {"path": f"images/{trial}-{kimg}.png", "rows": 1, "cols": 1}
    dead = {"kind": verdict, "kimg": kimg} if verdict else None
    value = None if verdict else value
    return asdict(
        Report(trial, attempt, kimg, row, sample, value=value, verdict=dead, last=kimg == KIMGS[-1])
    )


def result(assignment: Mapping[str, Any], kimg: float, **more: Any) -> dict[str, Any]:
    ids = {"trial": assignment["trial"], "attempt": assignment["attempt"]}
    seen = kid(assignment["trial"], kimg)
    assert seen is not None
    row = ids | {
        "kimg": kimg,
        "kid": seen + 0.005,
        "kid_se": 0.002,
        "n_fake": 32,
        "seen": seen,
        "seconds": 0.25,
    }
    return asdict(Report(**ids, kimg=kimg, result=row | more))


def said(assignment: Mapping[str, Any], **what: Any) -> dict[str, Any]:
    return asdict(Report(assignment["trial"], assignment["attempt"], 0.0, **what))


def work(folder: LocalFolder, assignment: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All reports of a worker, and the snapshots that it leaves, as `TrialRun` would give them."""
    number, kept = assignment["trial"], [Seen(**one) for one in assignment["conclude"] or []]
    place = f"checkpoints/{number:05d}"
    if not kept:
        seen: list[Seen] = []
        for kimg in KIMGS:
            if number == FAILS and kimg == KIMGS[1]:
                raise Boom
            dead = number in (COLLAPSES, NEVER_WAS) and kimg == KIMGS[number == COLLAPSES]
            report = evaluation(assignment, kimg, "flat_image" if dead else None)
            if one := Seen.of(report["row"], "kid"):
                seen.append(one)
                folder.write(f"{place}/{layout.snapshot_name(kimg)}", b"weights")
            if kimg > assignment["seen_kimg"]:
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
            director.fail(assignment["trial"], assignment["attempt"], str(error), "storage")
        except Boom as error:
            director.fail(assignment["trial"], assignment["attempt"], str(error), "error")
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


def begun(director: Planned, until: float) -> dict[str, Any]:
    """Hand out the first trial and report its evaluations until some moment; returns its assignment."""
    assignment = director.next()
    assert not isinstance(assignment, Next)
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
    assert ledgered is not None and ledgered["status"] == "finished"
    assert director.trials[0].due and director.plan.told == [] and director.next() is Next.WAIT
    assert director.report(result(assignment, 3.0)) is False
    row = trial_of(folder)
    assert (row["status"], row["attempt"]) == ("finished", 0)
    assert (row["result"], row["result_se"], row["result_kimg"]) == (pytest.approx(0.105), 0.002, 3.0)
    assert row["seconds_eval"] == pytest.approx(4 * 0.5 + 0.25)
    (past,) = director.plan.told
    assert (past.state, past.value, past.kimg) == ("finished", row["result"], 4.0)
    assert director.next() is Next.DONE
    assert [row["kimg"] for row in records(folder)["results"]] == [3.0]


@pytest.mark.parametrize("status", ["stopped", "collapsed"])
def test_a_trial_that_ended_early_is_measured_too(status: str, folder: LocalFolder) -> None:
    director = make(folder, trials=2)
    first = begun(director, 4.0)
    director.report(result(first, 3.0))
    second = director.next()
    assert not isinstance(second, Next)
    assert director.report(evaluation(second, 1.0))
    assert director.report(evaluation(second, 2.0, "flat_image" if status == "collapsed" else None))
    best = 1.0 if status == "collapsed" else 2.0  # the evaluation at which it was called dead is not its best
    assert trial_of(folder, 1)["status"] == status and trial_of(folder, 1)["best_kimg"] == best
    assert director.report(result(second, best)) is False
    past = director.plan.told[1]
    assert (past.state, past.value) == (status, trial_of(folder, 1)["result"])
    assert trial_of(folder, 1)["status"] == status and past.kimg == 2.0


def test_what_never_had_a_number_has_no_result_to_wait_for(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = director.next()
    assert not isinstance(assignment, Next)
    assert director.report(evaluation(assignment, 1.0, "non_finite")) is False
    assert [past.state for past in director.plan.told] == ["collapsed"]
    assert not director.trials[0].due and director.next() is Next.DONE
    assert records(folder)["results"] == []


def test_a_failed_trial_is_handed_out_once_more_to_be_measured(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    begun(director, 1.0)
    director.fail(0, 0, "boom", "error")
    second = director.next()
    assert not isinstance(second, Next) and (second["attempt"], second["conclude"]) == (1, None)
    assert director.report(evaluation(second, 2.0))
    director.fail(0, 1, "boom", "error")
    assert trial_of(folder)["status"] == "failed" and director.plan.told == []
    third = director.next()
    assert not isinstance(third, Next)
    assert third["conclude"] == [{"kimg": 2.0, "value": pytest.approx(0.11), "n_fake": 32, "se": 0.001}]
    assert trial_of(folder)["status"] == "failed" and trial_of(folder)["failure"] == "boom"
    assert director.report(result(third, 2.0)) is False
    assert [past.state for past in director.plan.told] == ["failed"]
    row = trial_of(folder)
    assert (row["status"], row["failure"], row["result_kimg"]) == ("failed", "boom", 2.0)
    assert director.next() is Next.DONE


def test_a_trial_that_failed_before_its_first_evaluation_is_over(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    for attempt in range(2):
        assert not isinstance(director.next(), Next)
        director.fail(0, attempt, "boom", "error")
    assert trial_of(folder)["status"] == "failed" and director.next() is Next.DONE
    assert [past.state for past in director.plan.told] == ["failed"]


def test_a_worker_that_dies_while_it_measures_costs_an_attempt(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    begun(director, 4.0)
    director.fail(0, 0, "killed", "died")
    again = director.next()
    assert not isinstance(again, Next)
    assert again["conclude"] and trial_of(folder)["status"] == "finished"
    assert events(folder) == ["restart"]
    assert director.report(result(again, 3.0)) is False
    assert [past.state for past in director.plan.told] == ["finished"]
    assert trial_of(folder)["result"] == pytest.approx(0.105) and trial_of(folder)["ended"] is not None


def test_a_generator_that_kills_all_its_workers_is_given_up(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    begun(director, 4.0)
    director.fail(0, 0, "killed", "died")
    assert not isinstance(director.next(), Next)
    director.fail(0, 1, "killed again", "died")
    assert director.next() is Next.DONE
    (row,) = records(folder)["results"]
    assert row["problem"] == "it could not be measured: killed again" and row["kid"] is None
    assert trial_of(folder)["status"] == "finished" and trial_of(folder)["result"] is None
    # For the sampler it has failed: there is no number that could be compared.
    assert [(past.state, past.value) for past in director.plan.told] == [("failed", None)]


def test_why_there_is_no_result_is_an_event(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 4.0)
    report = result(assignment, 3.0)
    report["result"] = {"trial": 0, "attempt": 0, "seconds": 0.1, "problem": "its snapshot is gone"}
    assert director.report(report) is False
    assert events(folder) == ["no_result"] and not director.trials[0].due
    assert director.next() is Next.DONE and director.plan.told[0].value is None


def test_a_worker_that_missed_the_end_is_told_and_another_one_measures(folder: LocalFolder) -> None:
    """It could not read the ledger, and so trained on; what it says is not recorded."""
    director = make(folder, trials=2)
    first = begun(director, 4.0)
    director.report(result(first, 3.0))
    second = director.next()
    assert not isinstance(second, Next)
    assert director.report(evaluation(second, 1.0)) and director.report(evaluation(second, 2.0))
    assert director.report(evaluation(second, 3.0)) is False
    again = director.next()
    assert not isinstance(again, Next) and (again["trial"], again["attempt"]) == (1, 1)
    assert [one["kimg"] for one in again["conclude"]] == [2.0] and trial_of(folder, 1)["kimg"] == 2.0
    assert director.report(result(again, 2.0)) is False
    assert trial_of(folder, 1)["status"] == "stopped" and len(director.plan.told) == 2


@pytest.mark.parametrize("what", ["evaluation", "result", "interrupted", "pulse"])
def test_an_older_attempt_is_refused(what: str, folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    old = begun(director, 4.0)
    director.fail(0, 0, "its node was lost", "died")
    new = director.next()
    assert not isinstance(new, Next)
    before = records(folder)
    reports = {
        "evaluation": evaluation(old, 3.5),
        "result": result(old, 1.0),
        "interrupted": said(old, interrupted=True),
        "pulse": said(old, pulse=True),
    }
    assert director.report(reports[what]) is False
    assert records(folder) == before and "stale_report" in events(folder)
    assert director.report(said(new, pulse=True)) is True
    assert director.report(result(new, 3.0)) is False and director.plan.told[0].value == pytest.approx(0.105)
    assert director.report(result(new, 1.0)) is False  # said twice
    assert [row["kimg"] for row in records(folder)["results"]] == [3.0] and len(director.plan.told) == 1


# ---- ends and new beginnings -------------------------------------------------------------------------------


def test_interrupted_while_it_is_measured(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 4.0)
    director.interrupt()
    assert director.report(said(assignment, interrupted=True)) is False
    director.abandon()
    assert trial_of(folder)["status"] == "finished" and director.plan.told == []
    again = make(folder, trials=1)
    assert again.plan.told == [] and again.trials[0].due
    second = again.next()
    assert not isinstance(second, Next) and [one["kimg"] for one in second["conclude"]] == [3.0]
    assert again.report(result(second, 3.0)) is False
    assert [past.value for past in again.plan.told] == [pytest.approx(0.105)]
    assert again.next() is Next.DONE


@pytest.mark.parametrize("asked_to_stop", [False, True])
def test_a_runner_that_ends_leaves_what_is_due(asked_to_stop: bool, folder: LocalFolder) -> None:
    director = make(folder, trials=2)
    begun(director, 4.0)
    if asked_to_stop:
        director.interrupt()
        director.fail(0, 0, "killed with all others", "died")
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
    assert director.halted == "the disk is full" and director.stopping
    director.abandon()
    assert director.plan.told == [] and trial_of(folder)["result"] is None
    drive(again := make(folder, trials=1), folder)
    assert trial_of(folder)["result"] == pytest.approx(0.105) and len(again.plan.told) == 1


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
    return records(folder), folder.paths, director.plan.told


def test_five_fates(undisturbed: Undisturbed) -> None:
    found, _, told = undisturbed
    statuses = ["finished", "collapsed", "failed", "stopped", "collapsed"]
    assert [row["status"] for row in found["trials"]] == statuses == [past.state for past in told]
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
    expected, paths, told = undisturbed
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
        assert sorted(director.plan.told, key=lambda past: past.number) == told, f"write {nth}"
        for number, row in enumerate(expected["trials"]):
            kept = folder.names(f"checkpoints/{number:05d}")
            assert not kept or kept == [layout.snapshot_name(row["result_kimg"])], f"write {nth}"
