"""The rules by which the files of trials stay or are deleted.

A running trial has its last checkpoints and the history of its evaluations (to go on), and the snapshots of its best
evaluations (see `sweep.records.snapshots`). When the trial's result has been measured, only the measured snapshot
stays; when the sweep ends, the snapshots of stopped trials are deleted too, but never those of the best trials. Of the
best that a rung or the end of the time has stopped, the last checkpoints stay, for `sweep extend`. A
snapshot's discriminator stays with it, at the end of the sweep only where the trial is one of the best. Pictures and
records always stay.
"""

from collections.abc import Callable, Iterable
from itertools import islice

from sweep.records.snapshots import Seen
from sweep.records.status import Status
from sweep.records.trial_state import Trial, ranked
from sweep.spec.sections import KeepConfig
from sweep.storage import layout
from sweep.storage.folder import Folder

ALWAYS = 10
"""The number of best trials whose generators stay whatever the spec says, since a confirmation may need them; with
their discriminators, since other trials may begin with both."""
FURTHER = 3
"""The number of the best trials that could train on, whose last checkpoints stay when the sweep ends."""
_WEIGHTS = (layout.SNAPSHOT_PREFIX, layout.DISCRIMINATOR_PREFIX)


def keep_snapshots(folder: Folder, trial: int, kept: Iterable[Seen], until: float) -> None:
    """Delete the snapshots of a trial up to a time, each with its discriminator, except those of some evaluations.

    Later ones are of an attempt before, and may be the best on record of a trial that has begun anew.

    Args:
        folder: The folder of the sweep.
        trial: The number of the trial.
        kept: The evaluations whose snapshots stay.
        until: The time, in kimg.

    Raises:
        StorageError: If a file cannot be deleted.
    """
    inner = layout.checkpoints(trial)
    last = layout.snapshot_name(until).removeprefix(layout.SNAPSHOT_PREFIX)
    needless = [name for name in _weights_but(folder.names(inner), kept) if name.partition("-")[2] <= last]
    drop(folder, [f"{inner}/{name}" for name in needless])


def after_trial(folder: Folder, keep: KeepConfig, trial: Trial, goes_on: bool = False) -> None:
    """Delete the files that an ended and measured trial needs no more.

    A trial that may go on needs its last checkpoint: also one that was still improving when its budget was spent, or
    that the end of the time has stopped.

    Args:
        folder: The folder of the sweep.
        keep: Which files the spec keeps.
        trial: The trial.
        goes_on: Whether it was stopped at a rung and may go on.

    Raises:
        StorageError: If a file cannot be deleted.
    """
    _tidy(folder, keep, trial, goes_on or trial.status is Status.EXPIRED)


def after_sweep(
    folder: Folder,
    keep: KeepConfig,
    trials: Iterable[Trial],
    may_go_on: Callable[[Trial], bool] = lambda trial: False,
) -> None:
    """Delete the generators and checkpoints that the spec does not keep, except those of the best trials.

    Args:
        folder: The folder of the sweep.
        keep: Which files the spec keeps.
        trials: All trials, which have ended.
        may_go_on: Says whether one was stopped at a rung and may go on.

    Raises:
        StorageError: If a file cannot be deleted.
    """
    ended = list(trials)
    going = to_extend(ended, may_go_on)
    best = {trial.number for trial in ranked(ended)[:ALWAYS]} | going
    there = {f"{layout.CHECKPOINTS}/{name}" for name in folder.names(layout.CHECKPOINTS)}
    for trial in ended:
        if layout.checkpoints(trial.number) not in there:
            continue
        # Once more: a crash may have prevented it at the trial's end.
        _tidy(folder, keep, trial, trial.number in going)
        if _rule(keep, trial) == "none" and trial.number not in best:
            folder.delete(layout.checkpoints(trial.number))
        elif _rule(keep, trial) != "all" and trial.number not in best:
            inner = layout.checkpoints(trial.number)
            found = [name for name in folder.names(inner) if name.startswith(layout.DISCRIMINATOR_PREFIX)]
            drop(folder, [f"{inner}/{name}" for name in found])


def to_extend(trials: Iterable[Trial], may_go_on: Callable[[Trial], bool]) -> set[int]:
    """Choose the trials of an ended sweep whose last checkpoints stay: the best of those that could train on.

    Args:
        trials: All trials.
        may_go_on: Says whether one was stopped at a rung and may go on.
    """
    able = (one for one in ranked(trials) if one.status is Status.EXPIRED or may_go_on(one))
    return {trial.number for trial in islice(able, FURTHER)}


def resumable(folder: Folder, trial: int) -> bool:
    """Say whether a trial has a checkpoint to go on from.

    Args:
        folder: The folder of the sweep.
        trial: The number of the trial.

    Raises:
        StorageError: If the folder cannot be read.
    """
    return any(name.endswith(layout.CHECKPOINT_SUFFIX) for name in folder.names(layout.checkpoints(trial)))


def drop(folder: Folder, paths: Iterable[str]) -> None:
    """Delete files of a folder.

    Args:
        folder: The folder.
        paths: The files, relative to the folder; one that is not there is no error.

    Raises:
        StorageError: If a file cannot be deleted.
    """
    for path in paths:
        folder.delete(path)


def _tidy(folder: Folder, keep: KeepConfig, trial: Trial, goes_on: bool) -> None:
    """Delete checkpoints that an ended trial needs no more, and snapshots other than that of its result."""
    inner = layout.checkpoints(trial.number)
    names, needless = folder.names(inner), []
    stays = goes_on or _rule(keep, trial) == "all" or trial.still_improving
    for suffix in (layout.CHECKPOINT_SUFFIX, layout.HISTORY_SUFFIX):
        found = [name for name in names if name.endswith(suffix)]
        needless += found[:-1] if stays else found
    if trial.result and trial.result["kimg"] is not None:
        needless += _weights_but(names, [one for one in trial.seen if one.kimg == trial.result["kimg"]])
    drop(folder, [f"{inner}/{name}" for name in needless])


def _rule(keep: KeepConfig, trial: Trial) -> str:
    return keep.finished if trial.status.to_the_end else keep.stopped


def _weights_but(names: Iterable[str], kept: Iterable[Seen]) -> list[str]:
    """List the weights in a trial's folder except those of some evaluations."""
    kimgs = {one.kimg for one in kept}
    stay = {name(kimg) for kimg in kimgs for name in (layout.snapshot_name, layout.discriminator_name)}
    return [name for name in names if name.startswith(_WEIGHTS) and name not in stay]
