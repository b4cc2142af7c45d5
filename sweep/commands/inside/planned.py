"""Run what is planned in a sweep inside a sweep: of a confirmation, or of trials that are trained on.

Instead of a search there is a plan, a list of runs and seeds, which stands in its ``sweep.json`` and only grows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ganlib.errors import RequestError
from sweep.commands.before import facts_of, same_pictures
from sweep.commands.run import new_director, preflight, train
from sweep.driver.recovery import recall, restore
from sweep.records.datasets import Store
from sweep.records.sweep_info import PlannedRun, SweepInfo
from sweep.runners.base import Options, runner_for
from sweep.search.trial_source import Asked, PastTrial
from sweep.spec.specification import Spec
from sweep.storage.layout import SPEC
from sweep.storage.lease import Owner
from sweep.terminal.views import View

Plan = Sequence[PlannedRun]
"""A run's number is its place in the plan."""


class Planned:
    """In the place of an Optuna study: hands out the runs of a plan from some run on.

    Args:
        plan: The runs.
        params: The values of each run's active keys.
        first: The number of the first run that is handed out.
    """

    def __init__(self, plan: Plan, params: Sequence[Mapping[str, Any]], first: int) -> None:
        self._plan, self._params, self._next = plan, params, first

    def ask(self) -> Asked | None:
        """Give the next run; None when all have been handed out."""
        if self._next >= len(self._plan):
            return None
        number, self._next = self._next, self._next + 1
        return Asked(number, dict(self._params[number]), self._plan[number].seed)

    def reopen(self, number: int) -> None:
        """Do nothing: nobody is stopped in a plan."""

    def tell(self, past: PastTrial) -> None:
        """Ignore how a run ended: a plan does not learn."""

    def follow(self, past: PastTrial) -> None:
        """Ignore how a run stands."""


def run_plan(
    info: SweepInfo,
    spec: Spec,
    plan: Plan,
    params: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    options: Options,
    owner: Owner,
    view: View,
    command: str,
) -> bool:
    """Do what is left of a plan, in the folder of its owner; returns whether it was interrupted.

    Args:
        info: Of the sweep that it is inside of: pictures and measurements must be those of that sweep.
        spec: Of the runs.
        plan: All runs, those on record too.
        params: The values of each run's active keys.
        facts: What stands in its ``sweep.json`` beside the plan, of what `facts_of` does not know, or knows otherwise.
        options: How to run.
        owner: Of its folder.
        view: Where to say what.
        command: Goes on with it.

    Raises:
        RequestError: the pictures have changed, or the metric's weights.
        WorkError: the work failed.
    """
    images = same_pictures(spec, info, view.say)
    with runner_for(spec, options, view) as runner:
        tried = preflight(runner, spec, images, owner, view)
        if tried["extractor_digest"] != info.extractor_digest:
            raise RequestError(
                f"the weights of {tried['extractor']} are not those that the sweep was measured with; "
                "its numbers could not be compared"
            )
        own = replace(facts_of(spec, images, tried, runner.name), plan=tuple(plan), **facts)
        owner.folder.write(SPEC, spec.to_yaml().encode())
        own.write(owner.folder)
        store = Store(owner.held, spec.space.kinds())
        store.begin()
        known = recall(store, spec.search.metric)
        source = Planned(plan, params, len(known))
        director = new_director(spec, own, store, source, owner, runner, view)
        restore(director, known)
        train(director, runner, owner, view, command)
        return director.stopping
