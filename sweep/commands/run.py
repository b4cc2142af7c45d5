"""Running a sweep: `start` a new one, `resume` an old one. Everything between the command line and the director."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganlib.data.sheet import png, real_sheet
from ganlib.domains.sets import TrainingSets
from ganlib.errors import RequestError, WorkError
from sweep.commands import counts, foreknown, notes, timed
from sweep.commands.before import (
    anchored,
    any_config,
    as_begun,
    check_batch_size,
    facts_of,
    note_pictures,
    planned,
    prepare_pictures,
    same_pictures,
)
from sweep.commands.extend import extended
from sweep.commands.inputs import check_inputs
from sweep.commands.lineage import ancestors
from sweep.commands.place import check_place, make_place
from sweep.commands.planning.sharing import settled
from sweep.driver.director import Director
from sweep.driver.events import Event
from sweep.driver.recovery import past, recall, restore
from sweep.driver.trackers import Tracking
from sweep.driver.trackers import check as check_tracking
from sweep.formatting import all_ended, count, trial_numbers
from sweep.records.datasets import Store
from sweep.records.journal import bring_up
from sweep.records.parts.late import SHARE
from sweep.records.progress import Clock, best_trial, outcome, outcomes, shortfall
from sweep.records.sweep_info import NEEDED, SweepInfo
from sweep.results.nearest_real import keep
from sweep.runners.base import Options, Runner, check_address, runner_for
from sweep.runners.stopping import Stopper, explained
from sweep.search.left import able, nothing_left
from sweep.search.study import Study
from sweep.search.trial_source import TrialSource
from sweep.spec.specification import Spec, parse
from sweep.storage.called import called
from sweep.storage.folder import Folder, StorageError
from sweep.storage.layout import CHOSEN, INFO, REAL_PICTURES, SPEC, STUDY
from sweep.storage.lease import Owner
from sweep.storage.opening import open_folder
from sweep.terminal.views import View, view_for


def start(spec: Spec, options: Options) -> int:
    """Run a new sweep; returns the exit code.

    Raises:
        RequestError: the name is taken, or something asked for is not there.
    """
    folder = open_folder(options.storage) / spec.name
    if folder.exists(INFO):
        raise RequestError(
            f"there is a sweep named '{spec.name}' in {options.storage}: go on with it ('sweep resume "
            f"{called(folder)}'), or choose another name (--name)"
        )
    check_place(folder, spec)
    view = view_for(options.as_json)
    check_tracking(spec.track, folder)
    check_inputs(spec)  # what is wrong is told before anything is written
    fate_of = check_address(options)
    spec = anchored(settled(spec, options.address, view.say))
    origins = ancestors.find(spec, open_folder(options.storage))
    make_place(folder)
    again = "no trial had started: give the same command again"
    with explained(again), Owner(folder, view.say, fate_of) as owner:
        images = prepare_pictures(spec, view.say)
        classes = images.drawings.classes
        names = classes.names if classes else ()
        ancestors.check_classes(spec, origins.values(), names)
        foreknown.check(spec, len(names))
        check_batch_size(spec, len(images))
        if images.photos is not None:
            check_batch_size(spec, len(images.photos), "photographs")
        notes.check(spec, len(images))
        counts.check(spec, len(images))
        instead = counts.notes(spec, len(images), len(images.photos) if images.photos else None)
        instead += [note for origin in origins.values() if (note := origin.note)]
        for note in [*instead, *notes.notes(spec, len(images))]:
            view.say(f"note: {note}")
        with runner_for(spec, options, view, planned(spec, len(names))) as runner:
            tried = preflight(runner, spec, images, owner, view)
            info = replace(
                facts_of(spec, images, tried, runner.name), ancestors=ancestors.write(folder, origins)
            )
            store = Store(owner.held, spec.space.kinds())
            folder.write(SPEC, spec.to_yaml().encode())
            if options.chosen:
                folder.write(CHOSEN, options.chosen.encode())
                view.say(f"the spec that was chosen, with reasons: {folder}/{CHOSEN}")
            folder.write(REAL_PICTURES, png(real_sheet(images.drawings)))
            note_pictures(store, images, instead)
            store.begin()
            info.write(folder)
            with explained(_goes_on(folder)), study_file(owner.held) as study:
                refuse = foreknown.refusal(spec, len(names))
                source = Study.create(study, spec.name, spec.space, spec.search, spec.configs, refuse)
                director = new_director(spec, info, store, source, owner, runner, view)
                return drive(director, runner, owner, view)


def resume(
    folder: Folder, options: Options, more: int = 0, kimg: float | None = None, time: float | None = None
) -> int:
    """Go on with a sweep that was interrupted, or has finished and gets more to do; returns the exit code.

    Args:
        folder: of the sweep.
        options: how to run.
        more: trials to add.
        kimg: a longer budget.
        time: seconds that it may take from now on.

    Raises:
        RequestError: another process runs it, its pictures have changed, or there is no more to be had.
    """
    spec = parse(folder.read(SPEC).decode(), f"{folder}/{SPEC}")
    info = SweepInfo.read(folder, NEEDED)
    info.check_columns(Store(folder))
    if info.plan is not None:
        raise RequestError(
            f"these trials were trained on from those of '{spec.name}': 'sweep continue "
            f"{called(folder, outer=True)}' goes on with them"
        )
    check_tracking(spec.track, folder)
    fate_of = check_address(options)
    view = view_for(options.as_json)
    owning = Owner(folder, view.say, fate_of)
    with explained(_goes_on(folder)), owning as owner, study_file(owner.held) as study:
        spec = as_begun(spec, info)
        images = same_pictures(spec, info, view.say)
        bring_up(Store(owner.held, spec.space.kinds()))
        spec, info = extended(owner.held, spec, info, more, kimg, time)
        store = Store(owner.held, spec.space.kinds())
        store.begin()
        if nothing_left(info, spec.promoting, store.rows):
            ended, words = store.rows("trials"), called(folder)
            view.say(
                f"'{spec.name}' has finished: {all_ended(len(ended))}. See "
                f"'sweep best {words}', or add trials with 'sweep extend {words} --trials +10'"
            )
            return 0 if able(ended) else 1
        with runner_for(spec, options, view, info.trials) as runner:
            preflight(runner, spec, images, owner, view)
            trials = recall(store, spec.search)
            known = past(trials, info)  # the study is written anew: the old one may have been torn
            refuse = foreknown.refusal(spec, len(info.classes))
            source = Study.rebuild(study, spec.name, spec.space, spec.search, known, spec.configs, refuse)
            director = new_director(spec, info, store, source, owner, runner, view)
            restore(director, trials)
            unfinished = sum(trial.unfinished for trial in director.trials.values())
            view.say(
                f"{count(len(director.trials), 'trial')} on record, {unfinished} of them go on from their checkpoints"
            )
            return drive(director, runner, owner, view)


def drive(director: Director, runner: Runner, owner: Owner, view: View) -> int:
    """Train all trials; say how it went; returns the exit code."""
    elapsed = train(director, runner, owner, view)
    best = best_trial(director)
    if best and best.best:
        kimg = best.result["kimg"] if best.value is not None and best.result else best.best.kimg
        keep(director.folder, director.info.pictures_hash, best.number, kimg)
    return conclude(director, view, elapsed)


def preflight(runner: Runner, spec: Spec, images: TrainingSets, owner: Owner, view: View) -> dict[str, Any]:
    """Try out on the workers what has to work; see `sweep.worker.ready.preflight.preflight`."""
    owner.drives(runner.job)
    with view.waiting("trying out pictures, networks and measurements"):
        config = any_config(spec, len(images))
        tried = runner.preflight(config, images.hash, owner.folder.url, owner.lease.owner, view.say)
    for note in tried["notes"]:
        view.say(f"note: {note}")
    return tried


def _goes_on(folder: Folder) -> str:
    return f"what is on record is whole, and 'sweep resume {called(folder)}' goes on with it"


def train(director: Director, runner: Runner, owner: Owner, view: View, again: str = "sweep resume") -> float:
    """Train all trials, or until somebody wants to stop; returns what the sweep's clock shows, in seconds.

    ``again`` is the command that goes on with it.

    Raises:
        WorkError: if nothing could be recorded any more, by a full disk or because the sweep is another driver's now.
    """
    clock = Clock(director.folder, director.trials)

    director.records.late.share = SHARE

    def beat() -> None:
        director.keep_up()
        view.beat()
        clock.beat()

    stopper = Stopper(
        lambda: director.stopping, director.interrupt, owner.stop, view.say, lambda: owner.asked_by
    )
    if director.info.plan is None:
        timed.limit(director, clock.elapsed, owner.began, view.say)
    view.open(director, clock.elapsed)
    with ExitStack() as ending:  # each of these, the last one first, whatever the others meet
        ending.callback(view.close)
        ending.callback(clock.write)
        ending.callback(timed.settle, director)
        ending.callback(director.abandon)
        with stopper.listening():
            runner.run(director, beat)
    owner.check()
    if director.halted is not None:
        raise WorkError(
            f"{director.halted}. What is on record is whole; when that is mended, go on with "
            f"'{again} {called(director.folder)}'"
        )
    return clock.elapsed()


def conclude(director: Director, view: View, seconds: float) -> int:
    """Say the last words of a run, and make its exit code."""
    trials = director.trials.values()
    counts, best = outcomes(trials), best_trial(director)
    name, words = director.spec.name, called(director.folder)
    for line in outcome(director, seconds):
        view.say(line)
    foreknown.tell_spent(director, view.say)
    for line in shortfall(director):
        view.say(line)
    if growing := [trial.number for trial in trials if trial.still_improving]:
        timed = director.spec.search.time is not None
        more = "--time 30m" if timed else f"--kimg {2 * director.info.budget:g}"
        view.say(
            f"still improving at the end: {trial_numbers(growing)}; go on with 'sweep extend {words} {more}'"
        )
    if director.stopping:
        view.say(f"interrupted; go on with 'sweep resume {words}'")
    view.say(f"results: {director.folder}")
    told = {"name": name, "folder": str(director.folder), "counts": counts}
    view.result(told | {"best": best.number if best else None, "interrupted": director.stopping})
    director.records.store.compact()
    return 0 if best and not director.stopping else 1


def new_director(
    spec: Spec, info: SweepInfo, store: Store, source: TrialSource, owner: Owner, runner: Runner, view: View
) -> Director:
    """Make a director whose events the view and the trackers are told of."""
    tracking = Tracking(spec.track, store.folder, info, view.say)

    def watch(event: Event) -> None:
        if event.kind == "halt":
            with suppress(StorageError):
                owner.stop()
        view.event(event)
        tracking.event(event)

    return Director(spec, info, store, source, owner.lease.owner, runner, watch)


@contextmanager
def study_file(folder: Folder) -> Iterator[Path]:
    """Give a local path for the Optuna study: in the sweep's folder, or elsewhere when that is not on a disk."""
    local = folder.local(STUDY)
    if local is not None:
        yield local
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / STUDY
        try:
            yield path
        finally:
            if path.exists():
                folder.write(STUDY, path.read_bytes())
