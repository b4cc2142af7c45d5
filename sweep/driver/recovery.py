"""Bring a director back as the folder remembers it, whatever ended the last one."""

from collections.abc import Mapping

from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.records.journal import remembered
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.search.trial_source import PastTrial, outcome
from sweep.spec.sections import SearchConfig


def recall(store: Store, search: SearchConfig) -> dict[int, Trial]:
    """Read all trials of a sweep from its records, by number.

    Raises:
        WorkError: If the records are damaged or contradict each other.
    """
    return {trial.number: trial for trial, _ in remembered(store, search)}


def past(trials: Mapping[int, Trial], info: SweepInfo) -> list[PastTrial]:
    """Say what a source of trials is to know of those on record, in the order of their numbers."""
    return [outcome(trials[number], info.rungs) for number in sorted(trials)]


def restore(director: Director, trials: Mapping[int, Trial]) -> None:
    """Let a new director take up what the folder remembers: trials, rungs, and decisions that a crash cut short.

    Raises:
        WorkError: If the records are damaged or contradict each other.
    """
    for record in director.records.store.rows("trials"):
        trial = trials[record["trial"]]
        if trial.result and record["result_kimg"] != trial.result["kimg"]:
            director.records.put(trial)  # a crash came between its result and its own row
    director.take_up(trials, director.rungs.remember(trials))
