"""Read what fresh seeds say of the best configurations: mean, spread, interval, and whether two can be told apart.

The seeds of a GAN differ widely, and the best of many trials was also lucky. `sweep.commands.inside.confirm` trains the
best configurations again; its records lie in ``confirm/`` of the sweep's folder and are read here. The value of a run
is what ranks trials too: its result. The value from the sweep itself is not counted, because it was chosen for being
good; it is shown beside the mean.
"""

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from ganlib.errors import WorkError
from ganlib.names import METRICS
from sweep import formatting
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.records.snapshots import finite
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.results.confirming.budgets import budget_of, uncounted
from sweep.results.confirming.contenders import OPEN, Contest
from sweep.results.confirming.repeats import FEWEST, LEVEL, MOST, Comparison, Repeats, Run
from sweep.results.leaderboard import Leaderboard
from sweep.storage import layout
from sweep.storage.folder import MissingFileError


@dataclass(frozen=True)
class Confirmation:
    """The best configurations of a sweep, trained again; the best mean first, those that lost runs last."""

    metric: str
    repeats: Sequence[Repeats]
    twins: Mapping[int, int] = field(default_factory=dict)
    """The trial that stands for the configuration of another one, which is the same."""
    extractor: str = ""
    """What the metric was measured with; empty if that is not on record."""
    budget: float | None = None
    """How far runs that count were trained, in kimg; None if that is not on record."""

    def of(self, trial: int) -> Repeats | None:
        """Find the runs with the configuration of a trial."""
        stands = self.twins.get(trial, trial)
        return next((repeats for repeats in self.repeats if repeats.trial == stands), None)

    @property
    def told_uncounted(self) -> str:
        """Say how many runs are not counted, and why; empty where all are."""
        count = sum(len(repeats.uncounted) for repeats in self.repeats)
        if not count:
            return ""
        runs, kimg = formatting.count(count, "run"), formatting.kimg(self.budget)
        told = f"not counted: {runs} to another budget, because by now it is {kimg} kimg"
        lacking = any(one.uncounted and not (one.values or one.lost or one.pending) for one in self.repeats)
        return f"{told} ('sweep confirm' trains fresh seeds to that)" if lacking else told

    @cached_property
    def able(self) -> Sequence[Repeats]:
        """Those that can win, the best mean first: with values, and without lost runs unless all have lost some."""
        valued = [repeats for repeats in self.repeats if repeats.values]
        return [repeats for repeats in valued if not repeats.lost] or valued

    @cached_property
    def contest(self) -> Contest:
        """The values of those that can win, in the order of `able`."""
        return Contest([repeats.values for repeats in self.able])

    @cached_property
    def chances(self) -> Mapping[int, float]:
        """The probability that each has the best mean, by trial; of those that can win, where two can be compared."""
        if self.comparison is None:
            return {}
        return {one.trial: float(chance) for one, chance in zip(self.able, self.contest.best, strict=True)}

    @cached_property
    def undecided(self) -> list[int]:
        """The trials whose configurations cannot be told from the one with the best mean, that one first."""
        able, better = self.able, self.contest.better
        return [one.trial for one, chance in zip(able, better, strict=True) if chance >= OPEN]

    @cached_property
    def comparison(self) -> Comparison | None:
        """The test of the two best; None where there are not two with at least `FEWEST` values each."""
        places = [place for place, one in enumerate(self.able) if len(one.values) >= FEWEST]
        if len(places) < 2:
            return None
        first, second = places[:2]
        p = 2 * min(self.contest.beats(second, first), 0.5)
        return Comparison(self.able[first].trial, self.able[second].trial, p)


def read_confirmation(sweep: Sweep) -> Confirmation | None:
    """Read what `sweep.commands.inside.confirm` has found of a sweep so far; None without a confirmation.

    Raises:
        WorkError: if its records cannot be read.
    """
    folder = sweep.folder / layout.CONFIRMATION
    try:
        info = SweepInfo.read(folder, ("plan",))
    except MissingFileError:
        return None
    except WorkError as error:
        raise WorkError(f"{error}; delete {folder} to confirm anew") from None
    columns = ["status", "verdict", "best_value", "result", "result_kimg", "broken", "config"]
    rows = {row["trial"]: row for row in Store(folder).rows("trials", columns)}
    runs: dict[int, list[tuple[int, int, Mapping[str, Any]]]] = {}
    for number, run in enumerate(info.plan or ()):
        runs.setdefault(run.trial, []).append((number, run.seed, rows.get(number, {"status": "waiting"})))
    spec = sweep.spec()
    budget = budget_of(spec, sweep.info, info)
    apart = uncounted(spec, rows, budget)
    found = sorted((_repeats(trial, those, apart) for trial, those in runs.items()), key=_order)
    return Confirmation(info.metric, found, _twins(sweep, runs), info.extractor, budget)


def _twins(sweep: Sweep, confirmed: Iterable[int]) -> dict[int, int]:
    """Find the trials with the configuration of one that was confirmed: trial to that one."""
    params = {
        row["trial"]: key_of(json.loads(row["params"] or "{}"))
        for row in sweep.store.rows("trials", ["params"])
    }
    stands = {params[trial]: trial for trial in confirmed if trial in params}
    return {trial: stands[key] for trial, key in params.items() if key in stands}


def label(confirmed: Confirmation | None, trial: int, beside: str | None = None) -> str:
    """Say how sure one can be of a trial's configuration: ``one seed``, or what the fresh seeds gave.

    That is mean, interval, lost runs, and the probability that it is the best of those that were confirmed; where none
    gave a value, how many were lost. The metric is named where it stands beside values of another (``beside``).
    """
    repeats = confirmed.of(trial) if confirmed else None
    if repeats is None or (repeats.mean is None and not repeats.lost):
        return "one seed"
    lost = "".join(f", {count} {reason}" for reason, count in repeats.lost.items())
    if repeats.mean is None:
        return f"no result of {formatting.count(sum(repeats.lost.values()), 'fresh seed')}{lost}"
    other = confirmed is not None and beside not in (None, confirmed.metric)
    told = f"{METRICS[confirmed.metric].name(confirmed.extractor)} " if confirmed and other else ""
    told += f"mean {formatting.number(repeats.mean)} of {formatting.count(len(repeats.values), 'fresh seed')}"
    if repeats.interval:
        told += f", 95 % interval {formatting.number(repeats.interval[0])} to {formatting.number(repeats.interval[1])}"
    else:
        told += f" (no interval yet: {more_seeds(repeats)})"
    told += lost
    if short := sum(bool(run.broken) for run in repeats.runs):
        told += f", {formatting.count(short, 'result')} of these breaking a wish"
    chance = confirmed.chances.get(repeats.trial) if confirmed else None
    return told if chance is None else f"{told}, the best with {formatting.percent(chance)}"


def told_apart(confirmed: Confirmation) -> str:
    """Say in a sentence whether the winner can be told from the runner-up."""
    comparison = confirmed.comparison
    if comparison is None:
        return f"two configurations with {FEWEST} seeds each are needed to compare them (--top, --seeds)"
    pair = f"trial {comparison.winner} {{}} trial {comparison.runner_up} ({comparison.test}, p = {comparison.p:.2g})"
    if comparison.distinct:
        return pair.format("is better than")
    return pair.format("cannot be told from") + ": more seeds may tell (--seeds)"


def as_dict(found: Confirmation, board: Leaderboard) -> dict[str, Any]:
    """Give a confirmation as plain values."""
    values = {entry.trial: entry.measure(found.metric)[0] for entry in board.ranked}
    comparison = found.comparison
    return {
        "metric": found.metric,
        "label": board.label if found.metric == board.metric else board.column(found.metric),
        "level": LEVEL,
        "budget": found.budget,
        "configurations": [
            {
                "trial": repeats.trial,
                "in_the_sweep": values.get(repeats.trial),
                **{name: getattr(repeats, name) for name in ("mean", "spread", "interval", "lacking")},
                **{name: getattr(repeats, name) for name in ("values", "lost", "pending")},
                "uncounted": [run.value for run in repeats.uncounted],
                "best": found.chances.get(repeats.trial),
                "seeds": [run.seed for run in repeats.runs],
            }
            for repeats in found.repeats
        ],
        "comparison": asdict(comparison) | {"distinct": comparison.distinct} if comparison else None,
        "verdict": told_apart(found),
    }


def key_of(params: Mapping[str, Any]) -> str:
    """Make a text that is equal for equal configurations: None counts as absent, and 1 as 1.0."""
    return json.dumps(
        {path: _plain(value) for path, value in params.items() if value is not None}, sort_keys=True
    )


def _plain(value: object) -> object:
    """Make equal numbers one, also in lists and schedules."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _repeats(
    trial: int, runs: Sequence[tuple[int, int, Mapping[str, Any]]], apart: Collection[int]
) -> Repeats:
    """Gather the runs of a configuration; those ``apart`` are not counted."""
    done, uncounted, pending = list[Run](), list[Run](), 0
    lost: Counter[str] = Counter()
    for number, seed, row in runs:
        status, value = row["status"], finite(row.get("result"))
        if status == Status.FINISHED and value is not None:
            run = Run(number, seed, value, row["result_kimg"], row["broken"] or "")
            (uncounted if number in apart else done).append(run)
        elif status == Status.FINISHED and row["best_value"] is not None and row["result_kimg"] is None:
            pending += 1  # it has yet to be measured
        elif status in (Status.FINISHED, Status.COLLAPSED, Status.FAILED):
            lost["without a number" if status == Status.FINISHED else row["verdict"] or status] += 1
        else:
            pending += 1
    return Repeats(trial, done, dict(lost), pending, uncounted)


def more_seeds(repeats: Repeats) -> str:
    """Say how many more seeds would make an interval worth having."""
    lacking = max(repeats.lacking, 1)
    about = f"more than {lacking}" if lacking + len(repeats.values) >= MOST else f"{lacking}"
    return f"needs {about} more seed{'' if about == '1' else 's'}"


def _order(repeats: Repeats) -> tuple[bool, float, int]:
    """Order configurations: one that dies for some seeds stands behind those that never did."""
    return bool(repeats.lost), math.inf if repeats.mean is None else repeats.mean, repeats.trial
