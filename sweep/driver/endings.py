"""When the training of a trial ends, and as what it then stands."""

import math
from collections.abc import Sequence

from sweep.driver.hours import Hours
from sweep.driver.rungs import Rungs
from sweep.records.snapshots import Seen, peaked
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.spec.specification import Spec


class Endings:
    """Judges trials by their evaluations.

    Args:
        spec: The sweep.
        info: Its facts.
        rungs: Where trials are compared.
        hours: The time that the sweep has.
    """

    def __init__(self, spec: Spec, info: SweepInfo, rungs: Rungs, hours: Hours) -> None:
        self._spec, self._info, self._rungs, self._hours = spec, info, rungs, hours
        self._patience = spec.patience(info.images)

    def after(self, trial: Trial, kimg: float, last: bool) -> Status | None:
        """Say how a trial ends at its newest evaluation; None where it goes on.

        Args:
            trial: With the evaluation.
            kimg: Where that was made.
            last: Whether training has come to its end.
        """
        # A trial that was called dead, or has no finite value, has not been seen at this evaluation.
        if self._stopped(trial, [one for one in trial.seen[-1:] if one.kimg == kimg]):
            return Status.STOPPED
        if last or self._peaked(trial):
            return Status.FINISHED
        return Status.EXPIRED if self._hours.over() else None

    def missed(self, trial: Trial, stopped: bool) -> Status | None:
        """Say how a trial should have ended that a crash left unfinished; None where it goes on.

        Args:
            trial: As it is on record.
            stopped: Whether its stop is on record.
        """
        stopped = stopped or self._stopped(trial, trial.seen)
        if trial.verdict:
            return Status.COLLAPSED
        if stopped:
            return Status.STOPPED
        return Status.FINISHED if trial.kimg >= self._budget(trial) or self._peaked(trial) else None

    def _budget(self, trial: Trial) -> float:
        return self._spec.trial_budget(trial.params, self._info.schedule)

    def _stopped(self, trial: Trial, evaluations: Sequence[Seen]) -> bool:
        """Enter evaluations into the rungs, except a trial's last: only that one is measured in full."""
        budget = self._budget(trial) if self._info.ladder else math.inf
        return any(self._rungs.stops(trial, one) for one in evaluations if one.kimg < budget)

    def _peaked(self, trial: Trial) -> bool:
        """Say whether a trial has had its best for good, by the spec."""
        return self._patience is not None and peaked(trial.seen, self._patience)
