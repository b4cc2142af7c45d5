"""Coming back: a director as the folder remembers it, whatever ended the last one."""

from pathlib import Path

from sweep.driver.director import Director
from sweep.records.journal import remembered
from sweep.search.trial_source import outcome


def restore(director: Director, study: Path) -> None:
    """Take up what the folder remembers: trials, rungs, and decisions that a crash cut short.

    The Optuna study is written anew into the file ``study``, from the trials: it may have been torn.

    Raises:
        WorkError: if the records are damaged or contradict each other.
    """
    spec, store = director.spec, director.records.store
    trials = {trial.number: trial for trial, _ in remembered(store, spec.search.metric)}
    past = [outcome(trials[number], director.info.rungs) for number in sorted(trials)]
    director.rebuild(study, past)
    for record in store.rows("trials"):
        trial = trials[record["trial"]]
        if trial.result and record["result_kimg"] != trial.result["kimg"]:
            director.records.put(trial)  # a crash came between its result and its own row
    director.take_up(trials, director.rungs.remember(trials))
