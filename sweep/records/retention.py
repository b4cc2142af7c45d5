"""What stays of a trial on the disk: checkpoints while it runs, its best generator, or nothing.

A running trial has its last checkpoints (to go on) and the snapshots of its best evaluations (see
`sweep.records.snapshots`). When its result has been measured, the snapshot that was measured stays; when the sweep
ends, those of trials that were stopped go too, but never those of the best trials. Pictures and records always stay.
"""

from collections.abc import Iterable

from sweep.records.snapshots import Seen
from sweep.records.status import Status
from sweep.records.trial_state import Trial
from sweep.spec.sections import KeepConfig
from sweep.storage import layout
from sweep.storage.folder import Folder

ALWAYS = 10
"""The generators of so many of the best trials stay, whatever the spec says: a confirmation may choose among them."""


def keep_snapshots(folder: Folder, trial: int, kept: Iterable[Seen]) -> None:
    """Drop a trial's snapshots but those of the evaluations ``kept``."""
    place, names = layout.checkpoints(trial), {layout.snapshot_name(one.kimg) for one in kept}
    drop(
        folder,
        [
            f"{place}/{n}"
            for n in folder.names(place)
            if n.startswith(layout.SNAPSHOT_PREFIX) and n not in names
        ],
    )


def after_trial(folder: Folder, keep: KeepConfig, trial: Trial) -> None:
    """Drop what an ended and measured trial needs no more.

    Only what can go on needs a checkpoint: that is also a trial that was still improving when its budget was spent.
    """
    checkpoints = _checkpoints(folder, trial)
    goes_on = _rule(keep, trial) == "all" or trial.still_improving
    drop(folder, checkpoints[:-1] if goes_on else checkpoints)
    if trial.result and trial.result["kimg"] is not None:
        measured = [one for one in trial.seen if one.kimg == trial.result["kimg"]]
        keep_snapshots(folder, trial.number, measured)


def after_sweep(folder: Folder, keep: KeepConfig, trials: Iterable[Trial]) -> None:
    """Drop the generators that the spec does not keep, when all trials have ended; never those of the best."""
    ended = list(trials)
    ranked = [trial for trial in ended if trial.best and not trial.status.out_of_play]
    best = {trial.number for trial in sorted(ranked, key=lambda trial: trial.standing)[:ALWAYS]}
    for trial in ended:
        after_trial(folder, keep, trial)  # a crash may have come between a trial's end and this
        if _rule(keep, trial) == "none" and trial.number not in best:
            folder.delete(layout.checkpoints(trial.number))


def drop(folder: Folder, paths: Iterable[str]) -> None:
    """Delete files."""
    for path in paths:
        folder.delete(path)


def _rule(keep: KeepConfig, trial: Trial) -> str:
    return keep.finished if trial.status is Status.FINISHED else keep.stopped


def _checkpoints(folder: Folder, trial: Trial) -> list[str]:
    place = layout.checkpoints(trial.number)
    return [f"{place}/{name}" for name in folder.names(place) if name.endswith(layout.CHECKPOINT_SUFFIX)]
