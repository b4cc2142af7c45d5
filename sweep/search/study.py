"""The search: an Optuna study that is asked for parameters and told how trials ended.

The study is a SQLite file that ``optuna.load_study`` and optuna-dashboard open. It is a view, not the record:
it can be written anew from the sweep's own records at any time, and then suggests what it would have
suggested. Nothing heavy is imported until a study is opened.
"""

import math
import os
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganlib.errors import RequestError, WorkError
from sweep.records.status import Status
from sweep.search import study_file
from sweep.search.trial_source import Asked, PastTrial
from sweep.spec.sections import SearchConfig
from sweep.spec.space import Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, TrialState

Points = Sequence[Mapping[str, Any]]


class Study:
    """One search, in one SQLite file. Only one thread of one process may use it.

    Made by `create` or `rebuild`.
    """

    def __init__(
        self, path: Path, name: str, space: Space, search: SearchConfig, points: Points = ()
    ) -> None:
        self._path, self._space, self._search = path, space, search
        self._points = [space.stored(point) for point in points]
        self._grid = grid_order(space, search)
        with study_file.writing(path):
            self._storage, self._study = study_file.open_study(path, name)
            self._id = self._storage.get_study_id_from_name(name)
            self._count = self._storage.get_n_trials(self._id)

    @classmethod
    def create(
        cls, path: Path, name: str, space: Space, search: SearchConfig, points: Points = ()
    ) -> "Study":
        """A new study in a new file; ``points`` are the parameters of its first trials.

        Raises:
            RequestError: if the file exists.
            WorkError: if it cannot be written.
        """
        if path.exists():
            raise RequestError(
                f"there is a study at {path} already; resume the sweep, or choose another name"
            )
        return cls(path, name, space, search, points)

    @classmethod
    def rebuild(
        cls,
        path: Path,
        name: str,
        space: Space,
        search: SearchConfig,
        trials: Sequence[PastTrial],
        points: Points = (),
    ) -> "Study":
        """A study that holds ``trials``, in place of whatever is at ``path``.

        Args:
            path: The SQLite file; replaced in one step when the new one is complete.
            name: Of the study.
            space: What is searched.
            search: How.
            trials: All trials so far; the number of each is its position.
            points: As in `create`.

        Raises:
            WorkError: if the trials do not fit the space or the file cannot be written.
        """
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        with study_file.writing(path):
            study_file.remove(fresh)
            storage, study = study_file.open_study(fresh, name)
            try:
                for position, past in enumerate(trials):
                    if past.number != position:
                        raise WorkError(
                            f"the sweep's records have trial {past.number} where {position} should be"
                        )
                    study.add_trial(_frozen(past, space))
                study_file.close(storage)
                study_file.replace(fresh, path)
            except BaseException:
                study_file.close(storage)
                study_file.remove(fresh)
                raise
        return cls(path, name, space, search, points)

    def ask(self) -> Asked | None:
        """The next trial to run; None when there are as many as the search or its grid has.

        It depends on the seed, its number and the trials told so far and still running, and on nothing else.

        Raises:
            WorkError: if the file cannot be written.
        """
        from sweep.search.samplers import sampler_for

        if self._count >= min(self._search.trials, len(self._grid) if self._grid is not None else math.inf):
            return None
        with study_file.writing(self._path):
            self._study.sampler = sampler_for(
                self._search, self._space, self._count, self._grid or (), self._points
            )
            trial = self._study.ask()
            self._count += 1
            try:
                params = self._space.suggest(trial)
            except BaseException:
                with suppress(Exception):
                    self.tell(PastTrial(trial.number, {}, Status.FAILED))
                raise
        return Asked(trial.number, params)

    def tell(self, past: PastTrial) -> None:
        """Say how a trial ended, once.

        A ``finished`` one becomes COMPLETE with its value, a ``stopped`` one PRUNED with its value as that of the step
        that it came to, a ``failed`` one FAIL. A ``collapsed`` one becomes PRUNED without any value: TPE and our CMA-ES
        put complete trials first, order pruned ones by how far they came and then by value, and those without a
        value stand behind all others.

        Raises:
            ValueError: if it is still running, a number is not finite, or one that its state needs is missing.
            WorkError: if the file cannot be written.
        """
        if past.state is Status.RUNNING:
            raise ValueError(f"trial {past.number} has not ended")
        outcome = _Outcome.of(past)
        with study_file.writing(self._path):
            trial = self._storage.get_trial_id_from_study_id_trial_number(self._id, past.number)
            for step, reported in outcome.steps.items():
                self._storage.set_trial_intermediate_value(trial, step, reported)
            for key, note in past.attrs.items():
                self._storage.set_trial_user_attr(trial, key, note)
            complete = (
                outcome.state == "COMPLETE"
            )  # of a pruned one, Optuna takes the last step's value itself
            self._study.tell(past.number, outcome.value if complete else None, state=outcome.optuna_state())

    def close(self) -> None:
        """Let go of the file."""
        study_file.close(self._storage)


def grid_order(space: Space, search: SearchConfig) -> list[dict[str, Any]] | None:
    """The trials of a grid search, as Optuna stores parameters, in seeded order; None for other samplers."""
    if search.sampler != "grid":
        return None
    cells = space.grid()
    if cells is None:
        raise RequestError("the grid has too many combinations; search fewer values or use another sampler")
    random.Random(search.seed).shuffle(cells)
    return [space.stored(cell) for cell in cells]


def preview(space: Space, search: SearchConfig, count: int, points: Points = ()) -> list[dict[str, Any]]:
    """The parameters of a search's first trials, as they are while none has ended; nothing is written."""
    import optuna

    from sweep.search.samplers import sampler_for

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="minimize")
    grid = grid_order(space, search)
    count = min(count, search.trials, len(grid) if grid is not None else count)
    stored = [space.stored(point) for point in points]
    shown = []
    for number in range(count):
        study.sampler = sampler_for(search, space, number, grid or (), stored)
        shown.append(space.suggest(study.ask()))
    return shown


@dataclass(frozen=True)
class _Outcome:
    """How a trial ended, in Optuna's terms; ``steps`` are pictures shown, as Optuna counts whole steps.

    Only results stand in a study: they were all measured alike, which evaluations on the way are not.
    """

    state: Literal["COMPLETE", "PRUNED", "FAIL", "RUNNING"]
    value: float | None = None
    steps: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, past: PastTrial) -> "_Outcome":
        number, state, value = past.number, past.state, past.value
        if value is not None and not math.isfinite(value):
            raise ValueError(f"trial {number} has a value that is not finite: {value}")
        if state is Status.COLLAPSED:
            return cls("PRUNED")
        if state is Status.FINISHED:
            if value is None:
                raise ValueError(f"trial {number} has finished without a value")
            return cls("COMPLETE", float(value))
        if state is Status.STOPPED:
            steps = {} if value is None else {max(1, round(1000 * past.kimg)): float(value)}
            return cls("PRUNED", value, steps)
        if state is Status.FAILED:
            return cls("FAIL")
        if state is Status.RUNNING:
            return cls("RUNNING")
        raise ValueError(f"trial {number} has the unknown state {state!r}")

    def optuna_state(self) -> "TrialState":
        from optuna.trial import TrialState

        return TrialState[self.state]


def _frozen(past: PastTrial, space: Space) -> "FrozenTrial":
    from optuna.trial import create_trial

    try:
        outcome = _Outcome.of(past)
        return create_trial(
            state=outcome.optuna_state(),
            value=outcome.value,
            params=space.stored(past.params),
            distributions=space.distributions(past.params),
            intermediate_values=dict(outcome.steps),
            user_attrs=dict(past.attrs),
        )
    except ValueError as error:
        raise WorkError(f"the sweep's record of trial {past.number} does not fit its spec: {error}") from None
