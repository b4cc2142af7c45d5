"""ASHA's rungs, written down: what enters a rung is on record before anybody is stopped by it."""

from collections.abc import Mapping, Sequence

from sweep.records.datasets import Store
from sweep.records.snapshots import Seen
from sweep.records.status import Status
from sweep.records.trial_state import Trial
from sweep.search.asha import Asha
from sweep.spec.sections import AshaConfig


class Rungs:
    """The rungs of a running sweep and their records.

    Args:
        store: The sweep's records.
        kimgs: Where the rungs are, in kimg.
        config: How trials are compared there; None for no early stopping.
    """

    def __init__(self, store: Store, kimgs: Sequence[float], config: AshaConfig | None) -> None:
        self._store = store
        self._asha = Asha.of(kimgs, config)
        self._waiting: set[int] = set()

    def stops(self, trial: Trial, seen: Seen) -> bool:
        """Enter a healthy evaluation of a trial into the rungs that it reaches; whether the trial ends there."""
        if self._asha is None:
            return False
        decision = self._asha.enter(trial.number, seen.kimg, seen.value, seen.se)
        for index, entered in decision.entries:
            trial.rung = index
            self._store.add(
                "rungs",
                {
                    "trial": trial.number,
                    "attempt": trial.attempt,
                    "rung": index,
                    "rung_kimg": self._asha.rungs[index],
                    "kimg": seen.kimg,
                    "value": entered,
                    "se": seen.se,
                    "cutoff": decision.cutoff,
                    "stopped": decision.stop and index == decision.rung,
                },
            )
        return decision.stop

    @property
    def promotes(self) -> bool:
        """Whether a trial that was stopped may go on later."""
        return self._asha is not None and self._asha.promote

    def wait(self, trial: Trial) -> None:
        """Take note of a trial that was stopped, and has its result."""
        if self.promotes and trial.status is Status.STOPPED:
            self._waiting.add(trial.number)

    def promoted(self) -> int | None:
        """Take a trial from those that wait which is good enough by now; None where there is none."""
        number = self._asha.promotable(self._waiting) if self._asha and self._waiting else None
        if number is not None:
            self._waiting.discard(number)
        return number

    def let_go_on(self, trial: Trial) -> None:
        """Write down that a trial is not stopped any more, and let it go on."""
        rows = self._store.part("rungs", trial.number)
        self._store.replace("rungs", trial.number, [row | {"stopped": False} for row in rows])
        if self._asha and trial.rung is not None:
            self._asha.release(trial.number, trial.rung)

    def remember(self, trials: Mapping[int, Trial]) -> set[int]:
        """Put back what is on record; returns the trials whose stop is, but perhaps not their end.

        Raises:
            WorkError: if the records do not fit the rungs.
        """
        # In the order of arrival: a verdict depends on who was there before.
        entries = sorted(self._store.rows("rungs"), key=lambda entry: entry["time"])
        for entry in entries:  # the trial's own row may not have been written after it
            known = trials[entry["trial"]]
            known.rung = max(entry["rung"], -1 if known.rung is None else known.rung)
        if self._asha:
            self._asha.load(
                (entry["rung_kimg"], entry["trial"], entry["value"], entry["se"]) for entry in entries
            )
            for entry in entries:
                if not entry["stopped"]:  # at once, or since it was promoted
                    self._asha.release(entry["trial"], entry["rung"])
        return {entry["trial"] for entry in entries if entry["stopped"]}
