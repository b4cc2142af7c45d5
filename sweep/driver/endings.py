"""When the training of a trial ends, and as what it then stands."""

from sweep.driver.hours import Hours
from sweep.driver.rungs import Rungs
from sweep.records.status import Status
from sweep.records.trial_state import Trial


class Endings:
    """Judges trials by their evaluations.

    Args:
        rungs: Where trials are compared.
        hours: The time that the sweep has.
    """

    def __init__(self, rungs: Rungs, hours: Hours) -> None:
        self._rungs, self._hours = rungs, hours

    def after(self, trial: Trial, kimg: float, last: bool) -> Status | None:
        """Say how a trial ends at its newest evaluation; None where it goes on.

        Args:
            trial: With the evaluation.
            kimg: Where that was made.
            last: Whether training has come to its end.
        """
        # A trial that was called dead, or has no finite value, has not been seen at this evaluation.
        if self._rungs.stop(trial, kimg):
            return Status.STOPPED
        if last or self._rungs.peaked(trial):
            return Status.FINISHED
        return Status.EXPIRED if self._hours.over(trial.number) else None

    def missed(self, trial: Trial, stopped: bool) -> Status | None:
        """Say how a trial should have ended that a crash left unfinished; None where it goes on.

        Args:
            trial: As it is on record.
            stopped: Whether its stop is on record.
        """
        stopped = stopped or self._rungs.stop(trial)
        if trial.verdict:
            return Status.COLLAPSED
        if stopped:
            return Status.STOPPED
        return Status.FINISHED if self._rungs.spent(trial) else None
