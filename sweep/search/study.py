"""The search: an Optuna study that is asked for parameters and told how trials ended.

The study is in memory, and in a SQLite file that ``optuna.load_study`` and optuna-dashboard open. The file is a view of
the sweep's records: a study that is written anew from the records suggests what the old one would have suggested.
Nothing heavy is imported until a study is opened.
"""

import os
from collections.abc import Sequence
from contextlib import closing, suppress
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from ganlib.errors import RequestError, WorkError
from sweep.records.status import Status
from sweep.search import study_file
from sweep.search.draws import Draws, Points, Refuse
from sweep.search.ends import End, frozen
from sweep.search.shown import shown
from sweep.search.trial_source import Asked, PastTrial
from sweep.spec.sections import SearchConfig
from sweep.spec.space import Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


class Study:
    """The study of one search, for one thread of one process; see `create` and `rebuild`.

    Samplers read the trials in memory. How a trial began or ended is in the file when the call returns; how it goes on
    in between may be written together with others, as `flush` does at the latest.

    Args:
        path: The SQLite file, made where there is none.
        name: The name of the study.
        space: What is searched.
        search: How the space is searched.
        trials: The trials that the file holds.
        points: The parameters of the first trials, by path.
        refuse: Judges parameters before they are taken; None where nothing is known beforehand.

    Raises:
        RequestError: If a grid search has too many combinations.
        StorageError: If the file cannot be read.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        space: Space,
        search: SearchConfig,
        trials: "Sequence[FrozenTrial]",
        points: Points = (),
        refuse: Refuse | None = None,
    ) -> None:
        self._path = path
        self._draws = Draws(name, space, search, trials, points, refuse)
        self._memory, self._kept = self._draws.memory, self._draws.kept
        with study_file.writing(path):
            self._file = study_file.StudyFile(path, name)

    @classmethod
    def create(
        cls,
        path: Path,
        name: str,
        space: Space,
        search: SearchConfig,
        points: Points = (),
        refuse: Refuse | None = None,
    ) -> "Study":
        """Make a study in a new file.

        Args:
            path: The SQLite file.
            name: The name of the study.
            space: What is searched.
            search: How the space is searched.
            points: The parameters of the first trials, by path.
            refuse: Judges parameters before they are taken; None where nothing is known beforehand.

        Raises:
            RequestError: If the file exists, or a grid search has too many combinations.
            StorageError: If the file cannot be written.
        """
        if path.exists():
            raise RequestError(
                f"there is a study at {path} already; resume the sweep, or choose another name"
            )
        return cls.rebuild(path, name, space, search, (), points, refuse)

    @classmethod
    def rebuild(
        cls,
        path: Path,
        name: str,
        space: Space,
        search: SearchConfig,
        trials: Sequence[PastTrial],
        points: Points = (),
        refuse: Refuse | None = None,
    ) -> "Study":
        """Make a study that holds given trials, in place of whatever is at ``path``.

        Args:
            path: The SQLite file; replaced in one step when the new one is complete.
            name: The name of the study.
            space: What is searched.
            search: How the space is searched.
            trials: All trials so far; the number of each is its position.
            points: The parameters of the first trials, by path.
            refuse: Judges parameters before they are taken; None where nothing is known beforehand.

        Raises:
            RequestError: If a grid search has too many combinations.
            WorkError: If the trials do not fit the space or the file cannot be written.
        """
        for position, past in enumerate(trials):
            if past.number != position:
                raise WorkError(f"the sweep's records have trial {past.number} where {position} should be")
        ended = [frozen(past, space) for past in trials]
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        with study_file.writing(path):
            study_file.remove(fresh)
            try:
                study_file.create(fresh, name)
                with closing(study_file.StudyFile(fresh, name)) as file:
                    file.put(map(shown, ended, trials, repeat(path.parent)))
                study_file.replace(fresh, path)
            except BaseException:
                study_file.remove(fresh)
                raise
        return cls(path, name, space, search, ended, points, refuse)

    @property
    def spent(self) -> str:
        """Why nothing could be drawn; empty while that has not happened."""
        return self._draws.spent

    def ask(self) -> Asked | None:
        """Draw the next trial to run; None when there are as many as the search or its grid has.

        The parameters depend on the seed, the trial's number and the trials told so far or still running, and on
        nothing else.

        Raises:
            StorageError: If the file cannot be written.
        """
        try:
            drawn = self._draws.next()
        except BaseException:
            with suppress(Exception):
                self.tell(PastTrial(self._draws.count - 1, {}, Status.FAILED))
            raise
        if drawn is None:
            return None
        self._put(PastTrial(drawn.number, drawn.params, Status.RUNNING))
        return Asked(drawn.number, drawn.params, refused=drawn.refused)

    def tell(self, past: PastTrial) -> None:
        """Enter how a trial ended; to be called once for each trial, and once more after `reopen`.

        A ``finished`` trial becomes COMPLETE with its value, a ``stopped`` one PRUNED with its value at the step that
        it came to, a ``failed`` one FAIL. A ``collapsed`` trial becomes PRUNED without any value: TPE and `CmaSampler`
        put complete trials first, order pruned ones by how far they came and then by value, and put those without a
        value behind all others.

        Raises:
            ValueError: If the trial is still running, its value is not finite, or a finished trial has no value.
            StorageError: If the file cannot be written.
        """
        if past.state is Status.RUNNING:
            raise ValueError(f"trial {past.number} has not ended")
        end = End.of(past)
        trial = past.number  # one study alone: Optuna's ids in memory are the numbers
        for step, reported in end.steps.items():
            self._memory.set_trial_intermediate_value(trial, step, reported)
        for key, note in past.attrs.items():
            self._memory.set_trial_user_attr(trial, key, note)
        for key, known in end.system_attrs.items():
            self._memory.set_trial_system_attr(trial, key, known)
        # Of a pruned trial, Optuna takes the value of the last step itself.
        value = end.value if end.state == "COMPLETE" else None
        self._draws.study.tell(past.number, value, state=end.optuna_state())
        self._kept.observed.note(self._memory.get_trial(past.number))
        self._put(past)

    def reopen(self, number: int) -> None:
        """Take in that a trial which had ended goes on: it counts as running again, until it is told once more.

        Raises:
            StorageError: If the file cannot be written.
        """
        from sweep.search.cma import Replay

        self._memory.reopen(number)
        self._kept.replay = Replay()  # it may have played the trial
        trial = self._memory.get_trial(number)
        self._kept.observed.note(trial)
        with study_file.writing(self._path):
            self._file.put([trial])

    def follow(self, past: PastTrial) -> None:
        """Write to the file how a trial stands, soon; samplers know nothing of it before its end.

        Raises:
            StorageError: If the file cannot be written.
        """
        with study_file.writing(self._path):
            self._file.later(self._shown(past))

    def flush(self) -> None:
        """Write what `follow` was told and is not in the file yet.

        Raises:
            StorageError: If the file cannot be written.
        """
        with study_file.writing(self._path):
            self._file.put(())

    def _put(self, past: PastTrial) -> None:
        with study_file.writing(self._path):
            self._file.put([self._shown(past)])

    def _shown(self, past: PastTrial) -> "FrozenTrial":
        return shown(self._memory.get_trial(past.number), past, self._path.parent)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
