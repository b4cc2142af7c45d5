"""The source of a sweep's trials: asked for the next trial, and told how trials ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ganlib.names import METRICS
from sweep.records.snapshots import Seen, finite
from sweep.records.status import Status
from sweep.records.trial_state import Trial


@dataclass(frozen=True)
class Asked:
    """The next trial to run.

    Attributes:
        number: The 0-based number of the trial.
        params: The value of each active key, by path.
        seed: The seed of the training; None where the sweep may choose one.
        refused: Why each of the configurations that were drawn before was not taken.
    """

    number: int
    params: dict[str, Any]
    seed: int | None = None
    refused: Sequence[str] = ()

    def seed_in(self, search_seed: int) -> int:
        """Give the seed of the training in a search with that seed."""
        return (search_seed * 1_000_003 + self.number) % 2**31 if self.seed is None else self.seed


@dataclass(frozen=True)
class PastTrial:
    """A trial of the sweep's records, in the form in which a `TrialSource` is told how it ended.

    Attributes:
        number: The 0-based number of the trial, which is also its position among all trials.
        params: The value of each key that was active, by path.
        state: How the trial ended; `Status.RUNNING` for one that will go on, or has yet to be measured.
        kimg: How far the trial came.
        value: The metric of the trial's result, finite; None where there is none.
        attrs: Notes for the people who look at the study, such as the verdict, and how many pictures were measured.
        seen: Its healthy evaluations, oldest first.
        last: When its last evaluation was, in kimg; None before the first.
        best: When it was at its best; None where it never was healthy.
        misses: By how much it misses each wish of the search, in their order; at most 0 where it fulfils one.
    """

    number: int
    params: Mapping[str, Any]
    state: Status
    kimg: float = 0.0
    value: float | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    seen: Sequence[Seen] = ()
    last: float | None = None
    best: float | None = None
    misses: Sequence[float] = ()


class TrialSource(Protocol):
    """A source of trials: an Optuna study, or the plan of a confirmation."""

    @property
    def spent(self) -> str:
        """Why it has no more, where it had been asked for more; empty while all is as planned."""

    def ask(self) -> Asked | None:
        """Give the next trial to run; None when there is no more."""

    def tell(self, past: PastTrial) -> None:
        """Take in how a trial ended; to be called once for each trial, and once more after it was reopened."""

    def reopen(self, number: int) -> None:
        """Take in that a trial which had ended goes on."""

    def follow(self, past: PastTrial) -> None:
        """Take in how a trial stands that goes on."""

    def flush(self) -> None:
        """Write what was only taken in so far: the driver ends."""


def outcome(trial: Trial, rungs: Sequence[float] = ()) -> PastTrial:
    """Reduce a trial to what its source needs to know; a trial that has yet to be measured counts as running.

    Args:
        trial: The trial.
        rungs: Where trials are compared, in kimg. A stopped trial came as far as the last rung at which it was
            compared, even if its batch size let it overshoot; one whose pictures vary too little for any, nowhere.
    """
    kimg, state = trial.kimg, trial.status
    if trial.status is Status.STOPPED and rungs:
        kimg = rungs[min(trial.rung, len(rungs) - 1)] if trial.rung is not None else 0.0
    if trial.unfinished or trial.due:
        state = Status.RUNNING
    elif trial.status is Status.FINISHED and trial.value is None:
        state = Status.FAILED
    attrs: dict[str, Any] = {"status": str(trial.status)}
    attrs |= {"verdict": trial.verdict} if trial.verdict else {}
    attrs |= {"broken": "; ".join(trial.broken)} if trial.broken else {}
    best = trial.best.kimg if trial.best else None
    if trial.result and trial.value is not None:
        attrs |= {trial.metric: trial.value}
        error = METRICS[trial.metric].error
        names = (*filter(None, [error]), "n_fake", "kimg", *(wish.measure for wish in trial.wishes))
        told = {name: trial.result.get(name) for name in names}
        attrs |= {name: value for name, value in told.items() if finite(value) is not None}
        best = trial.result["kimg"]
    last = trial.last_row.get("kimg")
    seen, missing = trial.seen, trial.misses
    return PastTrial(trial.number, trial.params, state, kimg, trial.value, attrs, seen, last, best, missing)
