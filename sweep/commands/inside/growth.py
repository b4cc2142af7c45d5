"""Add runs to the plan of a confirmation, one by one, where they tell most of which configuration is the best."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from sweep.commands.inside.planned import Plan
from sweep.records.status import Status
from sweep.records.sweep_info import PlannedRun
from sweep.results.confirming.contenders import Contest
from sweep.results.confirming.repeats import FEWEST
from sweep.search.trial_source import PastTrial

Ended = Mapping[int, float | None]
"""The result of each run that has ended, by its number; None where it has none, because it collapsed or failed."""


class Growth:
    """The rule by which a plan grows.

    A configuration that lost a run to a collapse is out, as long as another has lost none.

    Args:
        trials: Whose configurations are confirmed.
        most: How many runs these may have together.
        another: Plans one more run of a trial's configuration.
        apart: The numbers of runs that went to another budget, which say nothing of these.
    """

    def __init__(
        self,
        trials: Sequence[int],
        most: int,
        another: Callable[[Plan, int], PlannedRun],
        apart: Collection[int] = (),
    ) -> None:
        self._trials, self._most, self._another, self._apart = trials, most, another, apart

    def room(self, plan: Plan) -> int:
        """Count the runs that may be added."""
        return max(self._most - sum(len(numbers) for numbers in self._runs(plan).values()), 0)

    def _runs(self, plan: Plan) -> dict[int, list[int]]:
        """List the numbers of the runs of each configuration."""
        counted = [(number, run.trial) for number, run in enumerate(plan) if number not in self._apart]
        return {trial: [number for number, of in counted if of == trial] for trial in self._trials}

    def next(self, plan: Plan, ended: Ended) -> PlannedRun | None:
        """Choose the run that is added now; None while results must be waited for, and when no more is needed."""
        if not self.room(plan):
            return None
        runs = self._runs(plan)
        waiting = {trial: sum(number not in ended for number in runs[trial]) for trial in self._trials}
        values = {
            trial: [value for number in runs[trial] if (value := ended.get(number)) is not None]
            for trial in self._trials
        }
        lost = {trial for trial in self._trials if len(values[trial]) + waiting[trial] < len(runs[trial])}
        able = [trial for trial in self._trials if trial not in lost] or [
            t for t in self._trials if values[t]
        ]
        if len(able) < 2 or any(waiting[trial] and len(values[trial]) < 2 for trial in able):
            return None
        contest = Contest([values[trial] for trial in able])
        place = contest.next([waiting[trial] for trial in able], FEWEST)
        return None if place is None else self._another(plan, able[place])


def ended(past: Iterable[PastTrial]) -> dict[int, float | None]:
    """Give the results of the runs among some that have ended."""
    return {
        one.number: one.value if one.state is Status.FINISHED else None
        for one in past
        if one.state is not Status.RUNNING
    }
