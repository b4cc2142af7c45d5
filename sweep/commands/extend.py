"""More of a sweep that exists: more trials, or a longer budget for those that can use it."""

import math
from dataclasses import replace

from ganlib.clock import reached
from ganlib.errors import RequestError
from sweep.commands import timed
from sweep.commands.before import planned
from sweep.records.datasets import Store
from sweep.records.event_kind import EventKind
from sweep.records.journal import Records, remembered
from sweep.records.retention import resumable
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.spec.specification import Spec, parse
from sweep.storage.folder import Folder
from sweep.storage.layout import SPEC


def extended(
    folder: Folder, spec: Spec, info: SweepInfo, more: int, kimg: float | None, time: float | None
) -> tuple[Spec, SweepInfo]:
    """Give a sweep more to do, on record; a time that its spec gave it counts no longer.

    Trials that have ended at the old budget, or by the time, and have a checkpoint are opened again, to go on from it.
    Their results are measured anew when they end.

    Args:
        folder: Of the sweep.
        spec: As it was.
        info: As it was.
        more: Trials to add.
        kimg: A longer budget; None for the old one.
        time: Seconds that the sweep may take from now on; None for as long as it takes.

    Raises:
        RequestError: if there is no more to be had; nothing is on record then.
    """
    if not more and kimg is None and time is None:
        return spec, info
    store, old = Store(folder, spec.space.kinds()), info.budget
    store.begin()  # what is written now comes after all that is there
    begun = len(store.rows("trials"))
    spec, info = timed.untimed(spec, info, begun)
    if more:
        spec, info = more_trials(spec, info, more)
    if time is not None:
        trials = info.trials if more else max(info.trials, timed.at_most(begun))
        spec, info = timed.more_time(folder, spec, info, trials, time)
    if kimg is not None:
        spec, info = more_budget(spec, info, kimg)
    going_on = _to_go_on(store, spec, info.budget) if time is not None or kimg is not None else []
    if kimg is not None and not going_on and begun >= planned(spec, len(info.classes)):
        raise RequestError(
            f"--kimg {kimg:g}: no trial of '{spec.name}' can go on. Those that finished while they were still "
            "improving keep a checkpoint; with 'keep: {finished: all}' in the spec all do. Train longer from the "
            "start with 'sweep run'"
        )
    # Only now: what is refused leaves nothing behind.
    folder.write(SPEC, spec.to_yaml().encode())
    info.write(folder)
    for trial in going_on:
        Records(store).open_again(trial, EventKind.EXTENDED, {"budget": old})
    return spec, info


def more_trials(spec: Spec, info: SweepInfo, more: int) -> tuple[Spec, SweepInfo]:
    """Add trials to the spec and ``sweep.json`` of a sweep; not on record yet.

    Raises:
        RequestError: if its grid or list of configurations has no more.
    """
    search = spec.search.model_copy(update={"trials": info.trials + more})
    # Read again: a list of configurations or a grid has only so many.
    larger = parse(replace(spec, search=search).to_yaml(), SPEC)
    before, after = (planned(one, len(info.classes)) for one in (spec, larger))
    if after == before:
        raise RequestError(
            f"'{spec.name}' has {before} configurations in its grid or list, and all are planned already: "
            "there is nothing to add"
        )
    return larger, replace(info, trials=after)


def more_budget(spec: Spec, info: SweepInfo, kimg: float) -> tuple[Spec, SweepInfo]:
    """Let the trials of a sweep train up to ``kimg``; not on record yet.

    Raises:
        RequestError: if that is less than now, or configurations bring their own.
    """
    if not math.isfinite(kimg):
        raise RequestError(f"--kimg {kimg:g} is not a finite number")
    if kimg < info.budget:
        raise RequestError(
            f"--kimg {kimg:g}: the budget of '{spec.name}' is {info.budget:g} kimg already; give more"
        )
    longer = _longer(spec, info.images, kimg)
    schedule = longer.schedule(info.images)
    if abs(schedule.budget - kimg) > 1e-6 * kimg:
        raise RequestError(f"--kimg {kimg:g}: the spec ends all trials at {schedule.budget:g} kimg")
    return longer, replace(info, budget=kimg, rungs=schedule.rungs, ladder=schedule.ladder)


def _longer(spec: Spec, images: int, kimg: float) -> Spec:
    """Change the budget of a spec, in whichever keys it stands."""
    ends = ("train.kimg", "train.epochs")
    if own := [path for path in ends if any(path in point for point in spec.configs)]:
        raise RequestError(f"--kimg: the configurations of '{spec.name}' bring their own budgets ({own[0]})")
    plain, asha = dict(spec.plain), spec.asha
    if plain["train.kimg"] is not None:
        plain["train.kimg"] = kimg
    if plain["train.epochs"] is not None:
        plain["train.epochs"] = kimg * 1000 / images
    if asha and asha.max:
        asha = asha.model_copy(update={"max": kimg if asha.unit == "kimg" else kimg * 1000 / images})
    return replace(spec, plain=plain, asha=asha)


def _to_go_on(store: Store, spec: Spec, kimg: float) -> list[Trial]:
    """List the trials that came to their end before ``kimg``, and have a checkpoint to go on from."""
    return [
        trial
        for trial, _ in remembered(store, spec.search)
        if trial.status.to_the_end and not reached(trial.kimg, kimg) and resumable(store.folder, trial.number)
    ]
