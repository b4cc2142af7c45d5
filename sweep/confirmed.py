"""What fresh seeds say of a sweep's best configurations: mean, spread, interval, and whether two can be told apart.

The seeds of a GAN differ widely, and the best of many trials was also lucky. `sweep.confirm` trains the best
configurations again; its records lie in ``confirm/`` of the sweep's folder and are read here. The value of a run
is what ranks trials too: the best evaluation. The value from the sweep itself is not counted, because it was
chosen for being good.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from ganlib.errors import WorkError
from sweep import tables, text
from sweep.rank import Leaderboard, finite
from sweep.storage import MissingFileError
from sweep.store import Store
from sweep.sweeps import INFO, Sweep

FOLDER = "confirm"
LEVEL = 0.95
TEST = "Welch's t-test"


@dataclass(frozen=True)
class Repeats:
    """The runs of one configuration with fresh seeds.

    Attributes:
        trial: The trial of the sweep whose configuration it is.
        values: The metric of each run that finished, in the order of the seeds.
        seeds: Of these runs.
        lost: Why other runs gave no value, such as ``d_saturated``, to how many there are.
        pending: Runs that have not ended.
    """

    trial: int
    values: Sequence[float]
    seeds: Sequence[int]
    lost: Mapping[str, int]
    pending: int

    @property
    def mean(self) -> float | None:
        """Of the values; None while there is none."""
        return math.fsum(self.values) / len(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """The standard deviation between seeds (with n - 1); None below two values."""
        if len(self.values) < 2 or self.mean is None:
            return None
        return math.sqrt(math.fsum((v - self.mean) ** 2 for v in self.values) / (len(self.values) - 1))

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean by Student's t; None below two values."""
        if self.mean is None or self.spread is None:
            return None
        from scipy.special import stdtrit

        n = len(self.values)
        half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * self.spread / math.sqrt(n)
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Comparison:
    """Whether the best configuration can be told from the second.

    Attributes:
        p: Two-sided; how often chance alone would part two equal configurations as far.
    """

    winner: int
    runner_up: int
    p: float
    test: str = TEST

    @property
    def distinct(self) -> bool:
        """Whether they can be told apart."""
        return self.p < 1 - LEVEL


@dataclass(frozen=True)
class Confirmation:
    """The best configurations of a sweep, trained again; the best mean first, those that lost runs last."""

    metric: str
    repeats: Sequence[Repeats]

    def of(self, trial: int) -> Repeats | None:
        """The runs with the configuration of a trial."""
        return next((repeats for repeats in self.repeats if repeats.trial == trial), None)

    @cached_property
    def comparison(self) -> Comparison | None:
        """Of the two best; None where there are not two with at least two values each."""
        able = [repeats for repeats in self.repeats if len(repeats.values) > 1]
        if len(able) < 2:
            return None
        p = welch(able[0].values, able[1].values)
        return None if p is None else Comparison(able[0].trial, able[1].trial, p)


def confirmation(sweep: Sweep) -> Confirmation | None:
    """What `sweep.confirm` has found of a sweep so far; None before it was asked.

    Raises:
        WorkError: if its records cannot be read.
    """
    folder = sweep.folder / FOLDER
    try:
        info = json.loads(folder.read(INFO))
        plan = [(int(planned["trial"]), int(planned["seed"])) for planned in info["plan"]]
        metric = str(info["metric"])
    except MissingFileError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise WorkError(f"'{folder}/{INFO}' is broken ({error}); delete {folder} to confirm anew") from None
    table = Store(folder).table("trials", ["status", "verdict", "best_value"])
    rows = {row["trial"]: row for row in table.to_pylist()}
    runs: dict[int, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, (trial, seed) in enumerate(plan):
        runs.setdefault(trial, []).append((seed, rows.get(number, {"status": "waiting"})))
    found = [_repeats(trial, those) for trial, those in runs.items()]
    return Confirmation(metric, sorted(found, key=_order))


def label(confirmed: Confirmation | None, trial: int) -> str:
    """How sure one can be of a trial's configuration: ``one seed``, or what the fresh seeds gave."""
    repeats = confirmed.of(trial) if confirmed else None
    if repeats is None or repeats.mean is None:
        return "one seed"
    told = f"mean {text.number(repeats.mean)} of {text.count(len(repeats.values), 'fresh seed')}"
    if repeats.interval:
        told += f", 95 % interval {text.number(repeats.interval[0])} to {text.number(repeats.interval[1])}"
    return told + "".join(f", {count} {reason}" for reason, count in repeats.lost.items())


def verdict(confirmed: Confirmation) -> str:
    """Whether the winner can be told from the runner-up, in a sentence."""
    comparison = confirmed.comparison
    if comparison is None:
        return "two configurations with two seeds each are needed to compare them (--top, --seeds)"
    pair = f"trial {comparison.winner} {{}} trial {comparison.runner_up} ({comparison.test}, p = {comparison.p:.2g})"
    if comparison.distinct:
        return pair.format("is better than")
    return pair.format("cannot be told from") + ": more seeds may tell (--seeds)"


def show(found: Confirmation, board: Leaderboard) -> None:
    """Print the table of a confirmation, and the verdict."""
    entries = {entry.trial: entry for entry in board.ranked}
    names = list(board.ranked[0].params) if board.ranked else []
    columns = [
        tables.Column("trial", right=True),
        tables.Column(f"mean {board.column(found.metric)}", right=True),
        tables.Column("spread", right=True),
        tables.Column("95 % interval", right=True),
        tables.Column("seeds", right=True),
        tables.Column("lost"),
        tables.Column("in the sweep", right=True),
        *(tables.Column(short, right=True, droppable=True) for short in text.short_names(names)),
    ]
    rows = []
    for repeats in found.repeats:
        entry = entries.get(repeats.trial)
        interval = " to ".join(map(text.number, repeats.interval)) if repeats.interval else text.MISSING
        lost = ", ".join(f"{count} {reason}" for reason, count in repeats.lost.items()) or text.MISSING
        seeds = str(len(repeats.values)) + (f" (+{repeats.pending})" if repeats.pending else "")
        numbers = [text.number(repeats.mean), text.number(repeats.spread), interval, seeds, lost]
        params = entry.params if entry else {}
        old = text.number(entry.value if entry else None)
        rows.append([str(repeats.trial), *numbers, old, *(text.value(params.get(name)) for name in names)])
    tables.show(columns, rows)
    print(verdict(found))


def as_dict(found: Confirmation, board: Leaderboard) -> dict[str, Any]:
    """A confirmation as plain values."""
    values = {entry.trial: entry.value for entry in board.ranked}
    comparison = found.comparison
    return {
        "metric": found.metric,
        "label": board.label,
        "level": LEVEL,
        "configurations": [
            {
                "trial": repeats.trial,
                "in_the_sweep": values.get(repeats.trial),
                **{name: getattr(repeats, name) for name in ("mean", "spread", "interval")},
                **{name: getattr(repeats, name) for name in ("values", "seeds", "lost", "pending")},
            }
            for repeats in found.repeats
        ],
        "comparison": asdict(comparison) | {"distinct": comparison.distinct} if comparison else None,
        "verdict": verdict(found),
    }


def welch(first: Sequence[float], second: Sequence[float]) -> float | None:
    """The two-sided p of Welch's t-test (Welch 1947), as ``scipy.stats.ttest_ind(..., equal_var=False)``.

    None where neither sample has any spread, or one has fewer than two values.
    """
    from scipy.special import stdtr

    if min(len(first), len(second)) < 2:
        return None
    means, errors = [], []
    for values in (first, second):
        n, mean = len(values), math.fsum(values) / len(values)
        means.append(mean)
        errors.append(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    total = sum(errors)
    if total == 0:
        return None
    freedom = total**2 / (errors[0] ** 2 / (len(first) - 1) + errors[1] ** 2 / (len(second) - 1))
    return 2 * float(stdtr(freedom, -abs(means[0] - means[1]) / math.sqrt(total)))


def _repeats(trial: int, runs: Sequence[tuple[int, Mapping[str, Any]]]) -> Repeats:
    values, seeds, pending = [], [], 0
    lost: Counter[str] = Counter()
    for seed, row in runs:
        status, value = row["status"], finite(row.get("best_value"))
        if status == "finished" and value is not None:
            values.append(value)
            seeds.append(seed)
        elif status in ("finished", "collapsed", "failed"):
            lost["without a number" if status == "finished" else row["verdict"] or status] += 1
        else:
            pending += 1
    return Repeats(trial, values, seeds, dict(lost), pending)


def _order(repeats: Repeats) -> tuple[bool, float, int]:
    """A configuration that dies for some seeds stands behind those that never did."""
    return bool(repeats.lost), math.inf if repeats.mean is None else repeats.mean, repeats.trial
