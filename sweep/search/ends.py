"""Ends of trials in Optuna's terms."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ganlib.errors import WorkError
from sweep.records.status import Status
from sweep.search.trial_source import PastTrial
from sweep.spec.space import Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, TrialState

CONSTRAINTS = "constraints"
"""The attribute that has by how much a trial misses what is wanted: it is feasible where none is above 0."""


@dataclass(frozen=True)
class End:
    """The end of a trial in Optuna's terms.

    Only results stand in a study: all results are measured alike, and evaluations on the way are not.

    Attributes:
        state: The name of Optuna's state.
        value: The searched metric; None where there is none.
        steps: Step to value of a pruned trial; a step is the number of pictures shown, since Optuna's are whole.
        misses: By how much it misses each wish, Optuna's constraints.
    """

    state: Literal["COMPLETE", "PRUNED", "FAIL", "RUNNING"]
    value: float | None = None
    steps: Mapping[int, float] = field(default_factory=dict)
    misses: Sequence[float] = ()

    @classmethod
    def of(cls, past: PastTrial) -> "End":
        """Translate the end of a trial.

        Raises:
            ValueError: If the value is not finite, or a finished trial has none.
        """
        number, state, value = past.number, past.state, past.value
        if value is not None and not math.isfinite(value):
            raise ValueError(f"trial {number} has a value that is not finite: {value}")
        if state is Status.COLLAPSED:
            return cls("PRUNED", misses=past.misses)
        if state is Status.FINISHED:
            if value is None:
                raise ValueError(f"trial {number} has finished without a value")
            return cls("COMPLETE", float(value), misses=past.misses)
        if state in (Status.STOPPED, Status.EXPIRED):
            steps = {} if value is None else {max(1, round(1000 * past.kimg)): float(value)}
            return cls("PRUNED", value, steps, past.misses)
        if state is Status.FAILED:
            return cls("FAIL")
        if state is Status.RUNNING:
            return cls("RUNNING")
        raise ValueError(f"trial {number} has the unknown state {state!r}")

    @property
    def system_attrs(self) -> dict[str, list[float]]:
        """What Optuna keeps of the end beside values; also optuna-dashboard and Optuna 4 read it under this name."""
        return {CONSTRAINTS: list(self.misses)} if self.misses else {}

    def optuna_state(self) -> "TrialState":
        """Convert the state to Optuna's type, which is imported only here."""
        from optuna.trial import TrialState

        return TrialState[self.state]


def frozen(past: PastTrial, space: Space) -> "FrozenTrial":
    """Make the trial of a study that stands for one on record.

    Raises:
        WorkError: If it does not fit the space.
    """
    from optuna.trial import create_trial

    try:
        end = End.of(past)
        trial = create_trial(
            state=end.optuna_state(),
            value=end.value,
            params=space.stored(past.params),
            distributions=space.distributions(past.params),
            intermediate_values=dict(end.steps),
            user_attrs=dict(past.attrs),
            system_attrs=end.system_attrs,
        )
    except ValueError as error:
        raise WorkError(f"the sweep's record of trial {past.number} does not fit its spec: {error}") from None
    trial.number = past.number
    return trial
