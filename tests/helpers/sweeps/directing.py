"""A director of a small sweep, with workers made up from formulas, and folders that break when they are told to."""

import errno
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlib.training.collapse import Verdict
from sweep.driver.director import Director
from sweep.driver.events import Next
from sweep.driver.recovery import past, recall, restore
from sweep.driver.room import Room
from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.records.journal import bring_up
from sweep.records.schemas import SCHEMAS
from sweep.records.snapshots import Seen, candidates
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.search.trial_source import Asked, PastTrial
from sweep.spec.specification import Spec, parse
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


def make(
    folder: LocalFolder,
    trials: int = 5,
    room: Room | None = None,
    spec: Spec = READ,
    hurried: bool = False,
) -> Director:
    """A director as `sweep.commands.run` makes it, on whatever is in the folder; one in a hurry has no spare time."""
    store = Store(folder, spec.space.kinds())
    bring_up(store)
    known = recall(store, spec.search)
    plan = Plan(trials, len(known))
    plan.told = [one for one in past(known, INFO) if one.state is not Status.RUNNING]
    director = Director(spec, INFO, store, plan, "me", room)
    director.records.late.share = 0.0 if hurried else None
    restore(director, known)
    return director


def told(director: Director) -> list[PastTrial]:
    assert isinstance(director.source, Plan)
    return director.source.told


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


def full(self: LocalFolder, path: str, data: bytes) -> None:
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


def die() -> None:
    raise Killed


def no_space() -> None:
    raise StorageError(f"the disk is full ({errno.ENOSPC})")
