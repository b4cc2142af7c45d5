"""Who trains on: ASHA's rungs, written down before anybody is stopped by them, and the end of what a trial can use."""

from collections.abc import Mapping

from ganlib.clock import reached
from sweep.records.datasets import Store
from sweep.records.retention import resumable
from sweep.records.snapshots import Seen, compared, fair, peaked, recent
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial, ranked
from sweep.search.asha import Asha
from sweep.spec.specification import Spec


class Rungs:
    """The rungs of a running sweep and their records.

    Args:
        store: The sweep's records.
        spec: The sweep, which says how trials are compared.
        info: Its facts, which say where.
    """

    def __init__(self, store: Store, spec: Spec, info: SweepInfo) -> None:
        self._store, self._spec, self._info = store, spec, info
        self._asha, self._patience = Asha.of(info.rungs, spec.asha), spec.patience(info.images)
        self._waiting: set[int] = set()

    def spent(self, trial: Trial) -> bool:
        """Say whether a trial has come to its budget, or has had its best for good."""
        return reached(trial.kimg, self._budget(trial)) or self.peaked(trial)

    def peaked(self, trial: Trial) -> bool:
        """Say whether a trial has had its best for good, by the spec."""
        return self._patience is not None and peaked(trial.seen, self._patience)

    def _budget(self, trial: Trial) -> float:
        return self._spec.trial_budget(trial.params, self._info.schedule)

    def stop(self, trial: Trial, since: float = 0.0) -> bool:
        """Enter a trial's evaluations from some kimg on into the rungs that they reach; whether it ends there."""
        found = compared(trial.seen, self._info.ladder, self._budget(trial))
        return self._asha is not None and any(self._enter(trial, one) for one in found if one.kimg >= since)

    def _enter(self, trial: Trial, seen: Seen) -> bool:
        assert self._asha is not None
        known = self._spec.search.metric, self._info.ladder, self._spec.evaluate.n_fake
        open_to = {index for index, rung in enumerate(self._asha.rungs) if fair(seen, *known, rung)}
        decision = self._asha.enter(trial.number, seen.kimg, seen.value, seen.se, seen.variety, open_to)
        for index, entered in decision.entries:
            trial.rung = trial.rung if decision.alike else index
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
                    "variety": seen.variety,
                    "alike": decision.alike,
                    "cutoff": decision.cutoff,
                    "stopped": decision.stop and index == decision.rung,
                },
            )
        return decision.stop

    def why(self, trial: Trial) -> dict[str, float]:
        """Say what a trial was stopped for beside its metric: the variety of its pictures, as a share of real ones'."""
        ended = self._asha is not None and self._asha.ended(trial.number)
        return {"variety": trial.seen[-1].variety or 0.0} if ended else {}

    def may_go_on(self, trial: Trial) -> bool:
        """Say whether a trial was stopped and may go on later."""
        asha, stopped = self._asha, trial.status is Status.STOPPED
        return stopped and asha is not None and asha.promote and not asha.ended(trial.number)

    def wait(self, trial: Trial) -> None:
        """Take note of a trial that was stopped, and has its result."""
        if self.may_go_on(trial):
            self._waiting.add(trial.number)

    def promoted(
        self, trials: Mapping[int, Trial], at_the_end: bool = False, late: bool = False
    ) -> int | None:
        """Take a trial from those that wait which is good enough by now; None where there is none.

        Once a sweep has ended only a few have a checkpoint left. The others begin anew, unless there is only so much
        time.

        Args:
            trials: All so far.
            at_the_end: Whether no trial trains or begins any more.
            late: Whether much of the time is over; then where none is good enough the best goes on that still improves.
        """
        gone = {number for number, one in trials.items() if one.status.out_of_play} if at_the_end else ()
        while self._asha and self._waiting:
            number = self._asha.promotable(self._waiting, at_the_end, gone)
            if number is None and late:
                waiting = ranked(trials[one] for one in self._waiting)
                number = next((one.number for one in waiting if recent(one.seen, one.kimg)), None)
            if number is None:
                return None
            self._waiting.discard(number)
            if self._spec.search.time is None or resumable(self._store.folder, number):
                return number
        return None

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
        entries = self._store.rows("rungs")
        for entry in entries:  # the trial's own row may not have been written after it
            if entry["alike"]:
                continue
            known = trials[entry["trial"]]
            known.rung = max(entry["rung"], -1 if known.rung is None else known.rung)
        if self._asha:
            self._asha.recall(entries)
        return {entry["trial"] for entry in entries if entry["stopped"]}
