"""Learning curves for replays: a trial's evaluations, and worlds that answer any configuration with one."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.made_up import Point
from ganlib.training.ladder import stage_at
from sweep.spec.distributions import Categorical
from sweep.spec.schedule import Schedule
from sweep.spec.space import Space
from sweep.spec.specification import Spec, parse

HERE = Path(__file__).parent
Array = NDArray[np.float64]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Curve:
    """The evaluations of one trial that trains to its end, whatever becomes of it.

    Attributes:
        kimg: How far the trial had trained at each.
        few: KID on the pictures of the first rung.
        few_se: Its standard error.
        full: KID on all pictures.
        full_se: Its standard error.
        result: KID of the same generators on other latents.
        vendi: Variety of the pictures.
        real_vendi: Variety of as many real pictures.
        dead: Index of the evaluation at which the collapse rule gives its verdict; None for a healthy trial.
    """

    kimg: Array
    few: Array
    few_se: Array
    full: Array
    full_se: Array
    result: Array
    vendi: Array
    real_vendi: Array
    dead: int | None = None

    def points(self, schedule: Schedule) -> list[Point]:
        """Give the evaluations as they are measured under a schedule, up to the verdict."""
        points, before, n_full = (
            [],
            0.0,
            max(count for _, count in schedule.ladder) + 1 if schedule.ladder else 1,
        )
        for index, kimg in enumerate(self.kimg):
            last = index == len(self.kimg) - 1
            few = schedule.ladder and stage_at(schedule.ladder, n_full, before, last).number == 0
            kid, se = (self.few, self.few_se) if few else (self.full, self.full_se)
            points.append(
                Point(
                    float(kimg), float(kid[index]), float(se[index]), float(self.result[index]),
                    n_fake=schedule.ladder[0][1] if few else 96,
                    vendi=float(self.vendi[index]), real_vendi=float(self.real_vendi[index]),
                    verdict="low_diversity" if index == self.dead else None,
                )
            )  # fmt: skip
            if index == self.dead:
                break
            before = float(kimg)
        return points

    @property
    def would_be(self) -> float:
        """The result of the trial if nobody stops it: that of its best evaluation while it lives."""
        alive = self.full[: self.dead]
        return float(self.result[int(np.argmin(alive))]) if len(alive) else math.inf


class Session(Protocol):
    """The answers to one search."""

    def place(self, params: Params) -> Params:
        """Say which configuration is trained in the place of a proposed one; it is the search's from now on."""

    def curve(self, trial: int, params: Params) -> Curve:
        """Give the curve of a trial with a placed configuration."""


class World(Protocol):
    """Something that can answer searches.

    Attributes:
        spec: What is searched.
        size: How many trials there are at most.
    """

    spec: Spec
    size: int

    def session(self, seed: int) -> Session:
        """Begin the answers to a search."""


# ---- configurations as points of a cube ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Cube:
    """The configurations of a space as vectors: numbers in [0, 1], a column for each choice, 0.5 where inactive."""

    space: Space

    def vector(self, params: Params) -> Array:
        """Convert a configuration."""
        return np.array([x for path in self.space for x in self._columns(path, params)])

    def owners(self) -> list[str]:
        """Name the key of each column."""
        empty: Params = {}
        return [path for path in self.space for _ in self._columns(path, empty)]

    def _columns(self, path: str, params: Params) -> list[float]:
        one = self.space[path]
        if isinstance(one, Categorical):
            if path not in params:
                return [0.5 / len(one.choices)] * len(one.choices)
            return [0.5 * float(choice == params[path]) for choice in one.choices]
        if path not in params or one.low == one.high:
            return [0.5]
        scale = math.log if one.log else float
        low, high = scale(one.low), scale(one.high)
        return [(scale(params[path]) - low) / (high - low)]


# ---- the table: real curves ----------------------------------------------------------------------------------------


@dataclass
class Table:
    """Real curves. A proposal is answered by the nearest configuration of the table that was not asked for yet.

    So every curve is one that was measured, with its noise; a proposal is moved, sometimes far, which hides part of
    what a sampler has learnt.
    """

    spec: Spec
    params: list[dict[str, Any]]
    curves: list[Curve]

    @classmethod
    def read(cls, path: Path = HERE / "table.parquet", spec: Path = HERE / "table.yaml") -> "Table":
        """Read the table and its spec."""
        import pyarrow.parquet as pq

        rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in pq.read_table(path).to_pylist():
            rows[row["trial"]].append(row)
        kept = [found for found in rows.values() if found[0]["all_kid"] is not None]
        return cls(
            parse(spec.read_text()),
            [json.loads(found[0]["params"]) for found in kept],
            list(map(_curve, kept)),
        )

    @property
    def size(self) -> int:
        """How many trials there are at most."""
        return len(self.curves)

    def __post_init__(self) -> None:
        self.cube = Cube(self.spec.space)
        self.vectors = np.array([self.cube.vector(one) for one in self.params])

    def session(self, seed: int) -> "Pool":
        """Begin the answers to a search."""
        return Pool(self)


@dataclass
class Pool:
    """The configurations of a table that were not asked for yet."""

    table: Table
    rows: dict[str, int] = field(default_factory=dict)

    def place(self, params: Params) -> Params:
        """Find the nearest configuration that is left."""
        away = ((self.table.vectors - self.table.cube.vector(params)) ** 2).sum(1)
        away[list(self.rows.values())] = math.inf
        row = int(np.argmin(away))
        found = self.table.params[row]
        self.rows[json.dumps(found, sort_keys=True)] = row
        return found

    def curve(self, trial: int, params: Params) -> Curve:
        """Give the measured curve."""
        return self.table.curves[self.rows[json.dumps(dict(params), sort_keys=True)]]


def _curve(rows: Sequence[Mapping[str, Any]]) -> Curve:
    whole = [row for row in rows if row["all_kid"] is not None]
    dead = next((index for index, row in enumerate(whole) if row["verdict"]), None)
    if dead is None and len(whole) < len(rows):
        dead = len(whole) - 1  # its pictures were no longer finite at the next evaluation

    def column(name: str) -> Array:
        return np.array([row[name] for row in whole], dtype=np.float64)

    return Curve(
        column("kimg"), column("few_kid"), column("few_kid_se"), column("all_kid"), column("all_kid_se"),
        column("result_kid"), column("all_vendi"), column("all_real_vendi"), dead,
    )  # fmt: skip
