"""Optuna's storage in memory, in which a trial that has ended can go on."""

import copy

from optuna.storages import InMemoryStorage
from optuna.trial import TrialState


class Memory(InMemoryStorage):
    """The trials of one study; their ids are their numbers."""

    def reopen(self, number: int) -> None:
        """Make an ended trial a running one, without values and notes."""
        trial = copy.copy(self.get_trial(number))
        trial.state, trial.values, trial.datetime_complete = TrialState.RUNNING, None, None
        trial.intermediate_values, trial.user_attrs, trial.system_attrs = {}, {}, {}
        self._set_trial(number, trial)

    def forget(self, number: int) -> None:
        """Forget what was drawn for a running trial."""
        trial = copy.copy(self.get_trial(number))
        trial.params, trial.distributions, trial.system_attrs = {}, {}, {}
        self._set_trial(number, trial)
