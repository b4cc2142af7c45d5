"""Training the best configurations of a sweep again, with fresh seeds: `sweep confirm`.

A confirmation is a sweep inside the sweep's folder (``confirm/``), run by the same runners with the same records,
so that it can be interrupted and taken up. Instead of a search it has a plan, a list of configurations and seeds
which stands in its ``sweep.json`` and only grows. Nobody is stopped early. First every configuration gets `START`
seeds; the others go, one by one, where they tell most (`sweep.results.confirming.contenders`).
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ganlib.errors import RequestError
from sweep import formatting
from sweep.commands.before import as_begun
from sweep.commands.inside.growth import Growth, ended
from sweep.commands.inside.planned import Plan, run_plan
from sweep.commands.lineage.ancestors import hand_on
from sweep.driver.recovery import past, recall
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.records.sweep_info import PlannedRun, SweepInfo
from sweep.results import choice
from sweep.results.confirming import confirmation
from sweep.results.confirming.budgets import budget_of, ends, uncounted
from sweep.results.confirming.confirmation import Confirmation
from sweep.results.confirming.repeats import FEWEST
from sweep.results.leaderboard import Leaderboard
from sweep.results.ranking import board_of
from sweep.results.state import state_of
from sweep.results.summary import longest
from sweep.runners.base import Options, check_address
from sweep.runners.stopping import explained
from sweep.search.left import ended_and_measured
from sweep.search.trial_source import PastTrial
from sweep.spec.sections import SearchConfig
from sweep.spec.specification import Spec, parse
from sweep.storage import layout
from sweep.storage.called import called
from sweep.storage.folder import Folder
from sweep.storage.layout import INFO, SPEC
from sweep.storage.lease import Owner
from sweep.terminal.confirmation import show
from sweep.terminal.views import View, view_for

START = 2
"""Seeds of every configuration before it is asked which are worth more."""


def confirm(sweep: Sweep, options: Options, top: int, seeds: int, evenly: bool = False) -> int:
    """Train the ``top`` best configurations with fresh seeds; returns the exit code.

    Runs that are on record are not repeated; what an interrupted confirmation had planned is finished too.

    Args:
        sweep: Whose configurations they are.
        options: How to run.
        top: How many configurations.
        seeds: How many fresh seeds each has on average at most.
        evenly: Whether each has as many, and none fewer because it is clear already.

    Raises:
        RequestError: no trial can be ranked, another process confirms, or something asked for is not there.
        WorkError: the work failed.
    """
    sweep.info.check_columns(sweep.store)
    board = board_of(sweep)
    if not board.ranked:
        raise RequestError(f"there is nothing to confirm: {choice.nobody(sweep, board)}")
    folder, view = sweep.folder / layout.CONFIRMATION, view_for(options.as_json)
    records = {row["trial"]: row for row in sweep.store.rows("trials", ["params", "seed", "kimg"])}
    if words := state_of(sweep, sweep.store.rows).words:
        view.say(f"'{sweep.name}' has not ended (it is {words}): its best may still change")
    owning = Owner(folder, view.say, check_address(options))
    with explained(f"'sweep confirm {called(sweep.folder)}' goes on with it"), owning as owner:
        own = SweepInfo.read(folder, ("plan",)) if folder.exists(INFO) else None
        old = (own.plan if own else None) or ()
        taken = {row["seed"] for row in records.values()}
        params = {number: json.loads(row["params"]) for number, row in records.items()}
        chosen = distinct([entry.trial for entry in board.ranked], params, old)[:top]
        if len(chosen) < top:
            view.say(f"only {formatting.count(len(chosen), 'configuration')} can be confirmed")
        runs, plain = Store(folder), sweep.spec()
        budget = budget_of(plain, sweep.info, own) or longest(records.values())
        apart = uncounted(plain, {row["trial"]: row for row in runs.rows("trials")}, budget)
        plan = extended(old, chosen, seeds if evenly else min(seeds, START), taken, apart)
        growth = Growth(chosen, len(chosen) * seeds, partial(one_more, taken=taken), apart)
        left = len(plan) - ended_and_measured(runs.rows("trials"), runs.rows("results"))
        interrupted = False
        if left or growth.next(plan, ended(_past(folder, sweep.info))):
            spec = parse(sweep.spec_text(), f"{sweep.folder}/{SPEC}")
            if (found := confirmation.read_confirmation(sweep)) and found.told_uncounted:
                view.say(found.told_uncounted)
            if seeds < FEWEST:
                view.say(
                    f"{seeds} seeds of each give means, but no intervals, and tell no two apart: that needs --seeds "
                    f"{FEWEST}"
                )
            view.say(
                f"{_work(left, growth.room(plan))}; to {formatting.kimg(budget)} kimg, none stopped early"
            )
            interrupted = _train(sweep, spec, plan, growth, budget, params, options, owner, view)
    found = confirmation.read_confirmation(sweep)
    _tell(sweep, found, board, view, interrupted)
    return int(interrupted or found is None or not any(repeats.values for repeats in found.repeats))


def distinct(ranked: Sequence[int], params: Mapping[int, Mapping[str, Any]], plan: Plan) -> list[int]:
    """Choose one trial of each configuration, the best first; equal ones are one.

    Args:
        ranked: Trials, the best first.
        params: The searched values of each.
        plan: What was planned before: its trials stand for their configurations.
    """
    planned = {confirmation.key_of(params[run.trial]): run.trial for run in plan}
    chosen: dict[str, int] = {}
    for trial in ranked:
        key = confirmation.key_of(params[trial])
        chosen.setdefault(key, planned.get(key, trial))
    return list(chosen.values())


def extended(
    plan: Plan, trials: Sequence[int], seeds: int, taken: Iterable[int], apart: Collection[int] = ()
) -> Plan:
    """Extend a plan by all that is missing for ``seeds`` seeds of each trial, at its end.

    Seeds come in turns, the first of every configuration before the second of any, so that an early end leaves
    all with as many. They differ from each other and from those of the sweep (``taken``), and do not depend on
    who else is confirmed. Runs ``apart``, by their numbers, went to another budget and count for no trial.
    """
    longer, taken = list(plan), set(taken)
    for turn in range(seeds):
        for trial in trials:
            if sum(run.trial == trial for n, run in enumerate(longer) if n not in apart) <= turn:
                longer.append(one_more(longer, trial, taken))
    return longer


def one_more(plan: Plan, trial: int, taken: Iterable[int]) -> PlannedRun:
    """Plan one more run of a trial's configuration, with a seed that no other has."""
    used, salt = {*taken, *(run.seed for run in plan)}, 0
    turn = sum(run.trial == trial for run in plan)
    while (seed := _seed(trial, turn, salt)) in used:
        salt += 1
    return PlannedRun(trial, seed)


def _seed(trial: int, turn: int, salt: int) -> int:
    digest = hashlib.sha256(f"confirm {trial} {turn} {salt}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 2**31


def _repeated(spec: Spec, budget: float, runs: int) -> Spec:
    """Drop early stopping from a sweep's spec; where only that said when a trial ends, the budget says it."""
    plain = dict(spec.plain)
    if not ends(spec.to_plain()):
        plain["train.kimg"] = budget
    search = spec.search.model_copy(update={"trials": runs, "time": None})
    return replace(spec, asha=None, plain=plain, search=search, track=())


def _past(folder: Folder, info: SweepInfo) -> list[PastTrial]:
    """Read the runs on record of a confirmation of a sweep."""
    search = SearchConfig.model_validate({"metric": info.metric, "subject_to": dict(info.subject_to)})
    return past(recall(Store(folder), search), SweepInfo.read(folder))


def _work(left: int, room: int) -> str:
    """Say what there is to do."""
    words = [formatting.count(left, "run") + " to do"] if left else []
    if room:
        words.append(f"up to {formatting.count(room, 'run')} more where they tell most")
    return ", ".join(words)


def _train(
    sweep: Sweep,
    spec: Spec,
    plan: Plan,
    growth: Growth,
    budget: float,
    params: Mapping[int, dict[str, Any]],
    options: Options,
    owner: Owner,
    view: View,
) -> bool:
    """Do what is left of the plan, and what it grows by; returns whether it was interrupted."""
    info = sweep.info
    most = len(plan) + growth.room(plan)
    spec = _repeated(spec, budget, most)
    hand_on(sweep.folder, owner.folder, info.ancestors)
    # Measured as the trials of the sweep were, on the way and at the end.
    same = {name: getattr(info, name) for name in ("ladder", "ancestors", "floor", "baseline")}
    facts = same | {"budget": budget, "trials": most}

    def params_of(run: PlannedRun, number: int) -> Mapping[str, Any]:
        return params[run.trial]

    def grow(plan: Plan, told: Sequence[PastTrial]) -> PlannedRun | None:
        return growth.next(plan, ended(told))

    begun = as_begun(spec, info)
    return run_plan(info, begun, plan, params_of, facts, options, owner, view, "sweep confirm", grow)


def _tell(
    sweep: Sweep, found: Confirmation | None, board: Leaderboard, view: View, interrupted: bool
) -> None:
    """Tell the outcome: a table and a sentence for people, one line for programs."""
    if interrupted:
        view.say(f"interrupted; go on with 'sweep confirm {called(sweep.folder)}'")
    won = choice.winner(sweep, board, found)
    outcome = confirmation.as_dict(found, board) | {"winner": won} if found else None
    values = {"name": sweep.name, "interrupted": interrupted, "confirmation": outcome}
    wins = choice.told_winner(board, found, won)
    view.result(values, partial(show, found, board, wins) if found else None)
