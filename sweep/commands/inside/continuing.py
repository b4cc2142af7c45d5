"""Training a trial of a sweep on, as a new trial: `sweep continue`.

The new trials are a sweep inside the sweep's folder (``continued/``), run by the same runners with the same records.
Its spec lists a configuration for each: that of the trial, with ``model.init`` and a budget of its own. Its plan, a
list of trials and seeds which stands in its ``sweep.json``, only grows. So the sweep's own ranking, study and rungs
know nothing of trials that had more time.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ganlib.config import Ancestor, TrialConfig
from ganlib.errors import RequestError
from sweep.commands.before import as_begun
from sweep.commands.inside.planned import run_plan
from sweep.commands.lineage.ancestors import write
from sweep.commands.lineage.found import INIT, Found
from sweep.commands.lineage.reading import of_sweep
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.records.status import Status
from sweep.records.sweep_info import PlannedRun, SweepInfo
from sweep.results.continued import Continued, as_dicts, read_continued, sentences
from sweep.runners.base import Options, check_address
from sweep.runners.stopping import explained
from sweep.search.left import ended_and_measured
from sweep.spec.given import document
from sweep.spec.sections import SEARCHABLE, key_of
from sweep.spec.specification import Spec, parse
from sweep.storage import layout
from sweep.storage.called import called
from sweep.storage.folder import Folder
from sweep.storage.layout import INFO, SPEC
from sweep.storage.lease import Owner
from sweep.terminal.views import View, view_for

Point = Mapping[str, Any]
KIMG = "train.kimg"


class Trials:
    """The trials of a sweep that are trained on, as planned so far.

    Attributes:
        plan: Whose configuration each has, and its seed.
        points: What each has of the keys that differ.
        ancestors: What each begins with, by its ``model.init``.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.plan: list[PlannedRun] = []
        self.points: list[Point] = []
        self.ancestors: dict[str, Ancestor] = {}
        if folder.exists(INFO):
            info = SweepInfo.read(folder, ("plan",))
            self.plan, self.ancestors = list(info.plan or ()), dict(info.ancestors)
            # The spec is written first: what it lists beyond the plan was cut off, and is asked for again.
            configs = parse(folder.read(SPEC).decode(), f"{folder}/{SPEC}").configs
            self.points = list(configs[: len(self.plan)])

    @property
    def left(self) -> int:
        """How many have not ended."""
        store = Store(self.folder)
        return len(self.plan) - ended_and_measured(store.rows("trials"), store.rows("results"))

    def add(self, sweep: Sweep, found: Found, kimg: float) -> int | None:
        """Plan to train weights on for ``kimg``; returns the number of the trial that has done so, if there is one."""
        point = self._point(sweep, found, kimg)
        if point in self.points:
            return self.points.index(point)
        digest = hashlib.sha256(f"continue {found.ancestor.weights} {kimg:g}".encode()).digest()
        self.ancestors |= write(self.folder, {point[INIT]: found})
        self.points.append(point)
        trial = found.ancestor.trial
        assert trial is not None
        self.plan.append(PlannedRun(trial, int.from_bytes(digest[:4], "big") % 2**31))
        return None

    def _point(self, sweep: Sweep, found: Found, kimg: float) -> dict[str, Any]:
        """List the values of the keys that the sweep searched, as the trial had them, with weights and budget."""
        spec = parse(sweep.spec_text(), f"{sweep.folder}/{SPEC}")
        row = sweep.store.trial(found.ancestor.trial or 0) or {}
        config = TrialConfig.model_validate_json(row["config"]).model_dump(mode="json")
        values = {}
        for path in dict.fromkeys(key_of(path) for path in spec.space):
            section, name = path.split(".")
            values[path] = config[section][name]
        return values | {INIT: self._label(found.ancestor), KIMG: float(kimg)}

    def _label(self, ancestor: Ancestor) -> str:
        """Name weights by where they are from; others that the trial had at another time have a digest behind it."""
        label, known = ancestor.source, self.ancestors.get(ancestor.source)
        return label if known in (None, ancestor) else f"{label}@{ancestor.weights[:8]}"


def train_on(sweep: Sweep, options: Options, trial: int | None, kimg: float | None) -> int:
    """Train a trial on as a new trial; returns the exit code.

    Args:
        sweep: Whose trial it is.
        options: How to run.
        trial: Which; None for the winner.
        kimg: For how many thousand pictures; None to go on with what was interrupted.

    Raises:
        RequestError: there is no such trial, its generator is not kept, or another process trains it on.
        WorkError: the work failed.
    """
    sweep.info.check_columns(sweep.store)
    folder, view = sweep.folder / layout.CONTINUED, view_for(options.as_json)
    interrupted, ended = False, {one.number for one in read_continued(sweep) if Status(one.status).ended}
    owning = Owner(folder, view.say, check_address(options))
    with explained(f"'sweep continue {called(sweep.folder)}' goes on with it"), owning as owner:
        trials = Trials(folder)
        if kimg is not None:
            found = of_sweep(sweep, trial, sweep.name if trial is None else f"{sweep.name}/{trial}")
            before = trials.add(sweep, found, kimg)
            if found.discriminator is None:
                view.say(
                    f"note: the discriminator of {found.ancestor.where} is not kept, so that it begins fresh"
                )
            if before is not None and not trials.left:
                view.say(
                    f"{found.ancestor.where} has been trained on for {kimg:g} kimg; train that on with 'sweep continue "
                    f"{called(folder)} --trial {before} --kimg +KIMG', or give another --kimg"
                )
        elif not trials.plan:
            raise RequestError(
                f"no trial of '{sweep.name}' is being trained on; say for how long with --kimg +KIMG"
            )
        if trials.left:
            interrupted = _train(sweep, trials, options, owner, view)
    made = read_continued(sweep)
    _tell(sweep, made, view, interrupted)
    new = [one.value for one in made if one.number not in ended]
    return int(interrupted or (bool(new) and all(value is None for value in new)))


def spec_of(spec: Spec, points: Sequence[Point]) -> Spec:
    """Make the spec of trials that are trained on: a list of configurations, nobody stopped early.

    Args:
        spec: Of the sweep that they come from.
        points: The values of its searched keys, of ``model.init`` and of ``train.kimg``, for each trial.
    """
    plain = spec.to_plain()
    for section in SEARCHABLE:
        paths = {key_of(path) for path in spec.space}
        plain[section] = {
            key: value for key, value in plain[section].items() if f"{section}.{key}" not in paths
        }
    plain["train"] |= {"epochs": None, "kimg": None}
    plain["search"] |= {"sampler": "random", "trials": len(points), "time": None}
    plain |= {"asha": None, "configs": [dict(point) for point in points]}
    plain.pop("track", None)
    return parse(document(plain), SPEC)


def _train(sweep: Sweep, trials: Trials, options: Options, owner: Owner, view: View) -> bool:
    """Do what is left of the plan; returns whether it was interrupted."""
    spec = spec_of(as_begun(parse(sweep.spec_text(), f"{sweep.folder}/{SPEC}"), sweep.info), trials.points)
    facts = {"ancestors": trials.ancestors}
    again = "sweep continue"

    def params_of(run: PlannedRun, number: int) -> Point:
        return spec.configs[number]

    return run_plan(sweep.info, spec, trials.plan, params_of, facts, options, owner, view, again)


def _tell(sweep: Sweep, found: Sequence[Continued], view: View, interrupted: bool) -> None:
    """Tell what came of it: sentences for people, one line for programs."""
    place = called(sweep.folder / layout.CONTINUED)
    for line in sentences(sweep, found):
        view.say(line)
    if interrupted:
        view.say(f"interrupted; go on with 'sweep continue {called(sweep.folder)}'")
    elif found:
        view.say(f"as files: 'sweep best {place} --export DIR'; all of it: 'sweep show {place}'")
    view.result({"name": sweep.name, "interrupted": interrupted, "continued": as_dicts(found)})
