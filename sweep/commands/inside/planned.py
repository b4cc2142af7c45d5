"""Run what is planned in a sweep inside a sweep: of a confirmation, or of trials that are trained on.

Instead of a search there is a plan, a list of runs and seeds, which stands in its ``sweep.json`` and only grows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ganlib.errors import RequestError
from sweep.commands.before import facts_of, same_pictures
from sweep.commands.run import new_director, preflight, train
from sweep.driver.recovery import past, recall, restore
from sweep.records.datasets import Store
from sweep.records.journal import bring_up
from sweep.records.sweep_info import PlannedRun, SweepInfo
from sweep.runners.base import Options, runner_for
from sweep.search.trial_source import Asked, PastTrial
from sweep.spec.specification import Spec
from sweep.storage.layout import SPEC
from sweep.storage.lease import Owner
from sweep.terminal.views import View

Plan = Sequence[PlannedRun]
"""A run's number is its place in the plan."""


class Grows(Protocol):
    """A rule by which a plan grows while it is done."""

    def __call__(self, plan: Plan, told: Sequence[PastTrial]) -> PlannedRun | None:
        """Choose the run that is added now, knowing which runs have ended; None while there is none."""


class Planned:
    """In the place of an Optuna study: hands out the runs of a plan from some run on.

    Args:
        plan: The runs.
        params_of: Gives the values of a run's active keys, by its number.
        told: The runs that were handed out before, as they stand.
        grow: Adds a run when all have been handed out; None for a plan that is what it is.
        write: Writes down a longer plan, before its last run is handed out.
    """

    def __init__(
        self,
        plan: Plan,
        params_of: Callable[[PlannedRun, int], Mapping[str, Any]],
        told: Sequence[PastTrial] = (),
        grow: Grows | None = None,
        write: Callable[[Plan], None] = lambda plan: None,
    ) -> None:
        self._plan, self._params_of, self._next = list(plan), params_of, len(told)
        self._told = {past.number: past for past in told}
        self._grow, self._write = grow, write

    @property
    def spent(self) -> str:
        """Say nothing: a plan has an end."""
        return ""

    def ask(self) -> Asked | None:
        """Give the next run; None when all have been handed out.

        Raises:
            StorageError: If a longer plan cannot be written.
        """
        if self._next >= len(self._plan):
            added = self._grow(self._plan, list(self._told.values())) if self._grow else None
            if added is None:
                return None
            self._write([*self._plan, added])
            self._plan.append(added)
        number, self._next = self._next, self._next + 1
        run = self._plan[number]
        return Asked(number, dict(self._params_of(run, number)), run.seed)

    def reopen(self, number: int) -> None:
        """Do nothing: nobody is stopped in a plan."""

    def tell(self, past: PastTrial) -> None:
        """Remember how a run ended."""
        self._told[past.number] = past

    def follow(self, past: PastTrial) -> None:
        """Ignore how a run stands."""

    def flush(self) -> None:
        """Do nothing: nothing waits."""


def run_plan(
    info: SweepInfo,
    spec: Spec,
    plan: Plan,
    params_of: Callable[[PlannedRun, int], Mapping[str, Any]],
    facts: Mapping[str, Any],
    options: Options,
    owner: Owner,
    view: View,
    command: str,
    grow: Grows | None = None,
) -> bool:
    """Do what is left of a plan, in the folder of its owner; returns whether it was interrupted.

    Args:
        info: Of the sweep that it is inside of: pictures and measurements must be those of that sweep.
        spec: Of the runs.
        plan: All runs, those on record too.
        params_of: Gives the values of a run's active keys, by its number.
        facts: What stands in its ``sweep.json`` beside the plan, of what `facts_of` does not know, or knows otherwise.
        options: How to run.
        owner: Of its folder.
        view: Where to say what.
        command: Goes on with it.
        grow: Adds runs to the plan while it is done; None for a plan that is what it is.

    Raises:
        RequestError: the pictures have changed, or the metric's weights.
        WorkError: the work failed.
    """
    images = same_pictures(spec, info, view.say)
    most = facts.get("trials", len(plan))
    with runner_for(spec, options, view, most) as runner:
        tried = preflight(runner, spec, images, owner, view)
        if tried["extractor_digest"] != info.extractor_digest:
            raise RequestError(
                f"the weights of {tried['extractor']} are not those that the sweep was measured with; "
                "its numbers could not be compared"
            )
        own = replace(
            facts_of(spec, images, tried, runner.name), plan=tuple(plan), **{"trials": most, **facts}
        )
        owner.folder.write(SPEC, spec.to_yaml().encode())
        own.write(owner.folder)
        store = Store(owner.held, spec.space.kinds())
        bring_up(store)
        store.begin()
        known = recall(store, spec.search)

        def write(longer: Plan) -> None:
            replace(own, plan=tuple(longer)).write(owner.folder)

        source = Planned(plan, params_of, past(known, own), grow, write)
        director = new_director(spec, own, store, source, owner, runner, view)
        restore(director, known)
        train(director, runner, owner, view, command)
        return director.stopping
