"""What stays of a trial on the disk: checkpoints while it runs, its best generator, or nothing.

A running trial has its last checkpoints (to go on) and its best generator. When it ends, the checkpoints go;
when the sweep ends, so do the generators of trials that were stopped. Pictures and records always stay.
"""

from collections.abc import Iterable

from sweep.sections import KeepConfig
from sweep.storage import Folder
from sweep.trials import Trial

BEST = "best.safetensors"
SUFFIX = ".ckpt"
RANKED = ("finished", "stopped")


def place_of(trial: int) -> str:
    """Where a trial's checkpoints lie in the sweep's folder."""
    return f"checkpoints/{trial:05d}"


def after_trial(folder: Folder, keep: KeepConfig, trial: Trial) -> None:
    """A trial has ended: only what can still be resumed needs its full checkpoints."""
    if _rule(keep, trial) == "all":
        newest = _checkpoints(folder, trial)[-1:]
        drop(folder, [name for name in _checkpoints(folder, trial) if name not in newest])
    else:
        drop(folder, _checkpoints(folder, trial))


def after_sweep(folder: Folder, keep: KeepConfig, trials: Iterable[Trial]) -> None:
    """All trials have ended: drop the generators that the spec does not keep; never that of the best trial."""
    ended = list(trials)
    ranked = {trial.number: trial.standing for trial in ended if trial.best and trial.status in RANKED}
    winners = {number for number, value in ranked.items() if value == min(ranked.values())}
    for trial in ended:
        after_trial(folder, keep, trial)  # a crash may have come between a trial's end and this
        if _rule(keep, trial) == "none" and trial.number not in winners:
            folder.delete(place_of(trial.number))


def drop(folder: Folder, paths: Iterable[str]) -> None:
    """Delete files."""
    for path in paths:
        folder.delete(path)


def _rule(keep: KeepConfig, trial: Trial) -> str:
    return keep.finished if trial.status == "finished" else keep.stopped


def _checkpoints(folder: Folder, trial: Trial) -> list[str]:
    place = place_of(trial.number)
    return [f"{place}/{name}" for name in folder.names(place) if name.endswith(SUFFIX)]
