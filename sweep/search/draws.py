"""Draws of configurations, one for each trial, that pass by what is known to break a wish.

Some wishes follow from the configuration alone, such as the number of a generator's parameters: such a trial would be
trained for nothing. Its configuration is drawn again, which takes from the sampler's distribution what cannot be
meant, and leaves the rest as it is. So a draw remains a function of (seed, trial number, history), and nothing about
it has to be restored when a search is resumed.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganlib.errors import RequestError
from sweep.spec.sections import SearchConfig
from sweep.spec.space import Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


Points = Sequence[Mapping[str, Any]]
Refuse = Callable[[Mapping[str, Any]], str]
"""Says of parameters which wish they are known to break, in words; empty where they may fulfil all."""
PROPOSALS = 5
"""Configurations of its sampler that are drawn for a trial; then it is drawn at random."""
AT_RANDOM = 1000
"""Configurations that are drawn at random for a trial; then there is none."""


@dataclass(frozen=True)
class Drawn:
    """The configuration of a trial.

    Attributes:
        number: The 0-based number of the trial.
        params: The value of each active key, by path.
        refused: Why each of those before was not taken.
    """

    number: int
    params: dict[str, Any]
    refused: Sequence[str] = ()


class Draws:
    """The source of a search's configurations, with Optuna's study of the trials in memory.

    Args:
        name: Of the study.
        space: What is searched.
        search: How the space is searched.
        trials: All trials so far.
        points: The parameters of the first trials, by path.
        refuse: Judges parameters before they are taken; None where nothing is known beforehand.

    Attributes:
        memory: Optuna's storage of the trials.
        study: Optuna's study.
        kept: What samplers keep from one question to the next.
        count: How many trials there are.
        spent: Why nothing could be drawn; empty while that has not happened.
    """

    def __init__(
        self,
        name: str,
        space: Space,
        search: SearchConfig,
        trials: "Sequence[FrozenTrial]" = (),
        points: Points = (),
        refuse: Refuse | None = None,
    ) -> None:
        import optuna

        from sweep.search.memory import Memory
        from sweep.search.samplers import Kept

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space, self._search, self._refuse = space, search, refuse
        self._points = [space.stored(point) for point in points]
        self._grid = grid_order(space, search, refuse)
        self.memory = Memory()
        self.study = optuna.create_study(storage=self.memory, study_name=name, direction="minimize")
        self.study.add_trials(trials)
        self.kept: Kept = Kept()
        for trial in trials:
            self.kept.observed.note(trial)
        self.count, self.spent = len(trials), ""

    def next(self) -> Drawn | None:
        """Draw the configuration of the next trial; None when there are as many as the search or its grid has.

        Where nothing could be drawn, `spent` says why, and there is none from then on.
        """
        most = min(self._search.trials, math.inf if self._grid is None else len(self._grid))
        if self.spent or self.count >= most:
            return None
        number, refused = self.count, list[str]()
        for attempt in range(PROPOSALS + AT_RANDOM):
            try:
                params = self._draw(number, attempt)
            except BaseException:
                self.count += 1  # the number is taken
                raise
            reason = self._refuse(params) if self._refuse else ""
            if not reason:
                self.count += 1
                self.kept.observed.note(self.memory.get_trial(number))
                return Drawn(number, params, refused)
            refused.append(reason)
        self.spent = (
            f"of {len(refused):,} configurations that were drawn for trial {number}, all are known to break a wish "
            f"({refused[-1]}): nothing is left to try"
        )
        return None

    def _draw(self, number: int, attempt: int) -> dict[str, Any]:
        from optuna.trial import Trial

        from sweep.search.samplers import sampler_for

        self.study.sampler = sampler_for(
            self._search, self._space, number, self.kept, self._grid or (), self._points, attempt
        )
        if attempt:
            self.memory.forget(number)
            trial = Trial(self.study, number)
        else:
            trial = self.study.ask()
        return self._space.suggest(trial)


def grid_order(
    space: Space, search: SearchConfig, refuse: Refuse | None = None
) -> list[dict[str, Any]] | None:
    """List the trials of a grid search in seeded order; None for other samplers.

    Args:
        space: What is searched.
        search: How the space is searched.
        refuse: Judges combinations, of which those that it refuses are left out.

    Returns:
        The parameters of each trial by path, as Optuna stores them.

    Raises:
        RequestError: If the grid has more than `sweep.spec.space.GRID_LIMIT` combinations.
        ValueError: If a distribution of the grid is continuous.
    """
    if search.sampler != "grid":
        return None
    cells = space.grid()
    if cells is None:
        raise RequestError("the grid has too many combinations; search fewer values or use another sampler")
    random.Random(search.seed).shuffle(cells)
    return [space.stored(cell) for cell in cells if refuse is None or not refuse(cell)]


def preview(
    space: Space, search: SearchConfig, count: int, points: Points = (), refuse: Refuse | None = None
) -> list[dict[str, Any]]:
    """Draw the parameters of a search's first trials as if none of them had ended; nothing is written.

    Args:
        space: What is searched.
        search: How the space is searched.
        count: How many trials to draw; the search may have fewer.
        points: The parameters of the first trials, by path.
        refuse: Judges parameters before they are taken.

    Returns:
        The values of the active keys of each trial, by path.
    """
    draws = Draws("preview", space, search, points=points, refuse=refuse)
    found: list[dict[str, Any]] = []
    while len(found) < count and (drawn := draws.next()) is not None:
        found.append(drawn.params)
    return found
