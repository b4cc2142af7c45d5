"""What a sweep asks for its next trial, and what it tells of those that have ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sweep.records.status import Status
from sweep.records.trial_state import Trial


@dataclass(frozen=True)
class Asked:
    """What to try next: the trial's number, the value of each active key, and its seed if that is not free."""

    number: int
    params: dict[str, Any]
    seed: int | None = None


@dataclass(frozen=True)
class PastTrial:
    """A trial from the sweep's records, as a `TrialSource` is told of it.

    Attributes:
        number: Its number, which is also its position.
        params: The value of each key that was active, by path.
        state: How it ended; `Status.RUNNING` for one that will go on, or has yet to be measured.
        kimg: How far it came.
        value: The metric of its result, finite; None where there is none.
        attrs: Notes for the people who look at the study, such as the verdict, and how many pictures were measured.
    """

    number: int
    params: Mapping[str, Any]
    state: Status
    kimg: float = 0.0
    value: float | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)


class TrialSource(Protocol):
    """Where trials come from: an Optuna study, or the plan of a confirmation."""

    def ask(self) -> Asked | None:
        """The next trial; None when there is no more."""

    def tell(self, past: PastTrial) -> None:
        """How a trial ended, once."""


def outcome(trial: Trial, rungs: Sequence[float] = ()) -> PastTrial:
    """Say what a source of trials is to know of one; what has not been measured to its end still runs for it.

    Args:
        trial: The trial.
        rungs: Where trials are compared, in kimg: one that was stopped came as far as its rung, also where its batch
            size let it overshoot.
    """
    kimg, state = trial.kimg, trial.status
    if trial.status is Status.STOPPED and trial.rung is not None and trial.rung < len(rungs):
        kimg = rungs[trial.rung]
    if trial.unfinished or trial.due:
        state = Status.RUNNING
    elif trial.status is Status.FINISHED and trial.value is None:
        state = Status.FAILED
    attrs: dict[str, Any] = {"verdict": trial.verdict} if trial.verdict else {}
    if trial.result and trial.value is not None:
        attrs |= {trial.metric: trial.value}
        attrs |= {name: trial.result[name] for name in ("n_fake", "kimg") if trial.result[name] is not None}
    return PastTrial(trial.number, trial.params, state, kimg, trial.value, attrs)
