"""ASHA's rungs, written down: what enters a rung is on record before anybody is stopped by it."""

from collections.abc import Mapping, Sequence

from sweep.records.datasets import Store
from sweep.records.trial_state import Trial
from sweep.search.asha import Asha


class Rungs:
    """The rungs of a running sweep and their records.

    Args:
        store: The sweep's records.
        kimgs: Where the rungs are, in kimg.
        reduction: See `sweep.search.asha.Asha`; None for no early stopping.
    """

    def __init__(self, store: Store, kimgs: Sequence[float], reduction: float | None) -> None:
        self._store = store
        self._asha = None if reduction is None else Asha(kimgs, reduction)

    def stops(self, trial: Trial, kimg: float, value: float | None) -> bool:
        """Enter an evaluation into the rungs that it reaches; whether the trial ends there. None enters nowhere."""
        if self._asha is None or value is None:
            return False
        decision = self._asha.enter(trial.number, kimg, value)
        for index, entered in decision.entries:
            trial.rung = index
            self._store.add(
                "rungs",
                {
                    "trial": trial.number,
                    "attempt": trial.attempt,
                    "rung": index,
                    "rung_kimg": self._asha.rungs[index],
                    "kimg": kimg,
                    "value": entered,
                    "cutoff": decision.cutoff,
                    "stopped": decision.stop and index == decision.rung,
                },
            )
        return decision.stop

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
            self._asha.load((entry["rung_kimg"], entry["trial"], entry["value"]) for entry in entries)
        return {entry["trial"] for entry in entries if entry["stopped"]}
