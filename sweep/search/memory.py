"""Hold the trials of a study in memory, and show a sampler no more of them than make its answer better."""

from bisect import insort
from collections.abc import Container, Sequence

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from sweep.search.samplers import rank

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


class Memory(InMemoryStorage):
    """The trials of one study, by Optuna's interface, without a file.

    Which trials are shown depends on their numbers and ends alone, not on the order in which they ended: a study that
    is made anew from the records shows what the old one did.

    Args:
        best: How many of the best ended trials are shown.
        newest: How many of the ended trials with the highest numbers are shown; None for all. Running ones always are.
    """

    def __init__(self, best: int = 0, newest: int | None = None) -> None:
        super().__init__()
        self._most_best, self._newest = best, newest
        self._best: list[tuple[tuple[float, ...], int]] = []
        self._ended: list[int] = []
        self._running: dict[int, None] = {}

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Add a trial; see `optuna.storages.BaseStorage`."""
        trial = super().create_new_trial(study_id, template_trial)
        self._note(self.get_trial(trial))
        return trial

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Set how a trial stands; see `optuna.storages.BaseStorage`."""
        done = super().set_trial_state_values(trial_id, state, values)
        self._note(self.get_trial(trial_id))
        return done

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """List trials by number: those in given states, of the ended ones those that are shown."""
        if self._newest is None or states is None or TrialState.COMPLETE not in states or deepcopy:
            return super().get_all_trials(study_id, deepcopy, states)
        shown = {number for _, number in self._best} | set(self._ended[-self._newest :])
        if TrialState.RUNNING in states:
            shown.update(self._running)
        trials: list[FrozenTrial] = self._studies[study_id].trials
        return [trials[number] for number in sorted(shown)]

    def _note(self, trial: FrozenTrial) -> None:
        if trial.state in ENDED:
            insort(self._ended, trial.number)
            insort(self._best, (rank(trial), trial.number))
            del self._best[self._most_best :]
        if trial.state == TrialState.RUNNING:
            self._running[trial.number] = None
        else:
            self._running.pop(trial.number, None)
