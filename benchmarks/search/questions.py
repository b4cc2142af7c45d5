"""The questions that are put to replays, each a list of ways to search one world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks.search.curves import Table, World
from benchmarks.search.peers import person, stock_ray
from benchmarks.search.replay import WORKERS, Enough, Spent, replay, with_search
from benchmarks.search.synthetic import Synthetic
from benchmarks.search.variants import Trick, drawing
from sweep.spec.specification import Spec, parse

ROOT = Path(__file__).parents[2]
TABLE_SPEC = Path(__file__).with_name("table.yaml")
FULL = 9.0
"""Kimg of a trial that is trained to its end."""
RANDOM_TRIALS = 64
"""Trials of the random search whose best is to be reached."""
FEW_TRIALS = 16
"""The same for a sweep of a few trials, on two cores."""
MOST = 100_000
USUAL: Mapping[str, Any] = {"grace": 2, "reduction": 3, "variant": "stop"}
NUMBERS = """
name: numbers
data: {source: avatars, count: 3000, size: 32}
train:
  lr_g: {type: float, low: 1e-4, high: 3e-2, log: true}
  lr_d: {type: float, low: 1e-4, high: 3e-2, log: true}
  r1_gamma: {type: float, low: 0.03, high: 30, log: true}
  smoothing: {type: float, low: 0.8, high: 1.0}
  kimg: 9
evaluate: {every: 1, unit: kimg, n_fake: 96, n_first: 48}
"""

Way = Callable[[World, int, Enough], Spent]


@dataclass(frozen=True)
class Swept:
    """A way to search with this sweep.

    Attributes:
        sampler: The sampler.
        asha: The section ``asha``, in kimg; None without.
        trick: A variant of the rungs that is no part of the product.
        blocks: How TPE draws conditional keys.
        workers: Trials at a time.
    """

    sampler: str = "tpe"
    asha: Mapping[str, Any] | None = field(default_factory=lambda: USUAL)
    trick: Trick | None = None
    blocks: str = "group"
    workers: int = WORKERS

    def __call__(self, world: World, seed: int, enough: Enough) -> Spent:
        """Search."""
        search = {"sampler": self.sampler, "trials": min(world.size, MOST)}
        spec = with_search(world.spec, search, self.asha)
        with drawing(self.blocks):
            return replay(world, spec, seed, enough, self.trick, self.workers)


def ray(world: World, seed: int, enough: Enough) -> Spent:
    """Search with Ray as it comes."""
    return stock_ray(world, seed, min(world.size, MOST), enough)


def grid(world: World, seed: int, enough: Enough) -> Spent:
    """Train a person's grid."""
    return person(world, seed)


@dataclass(frozen=True)
class Question:
    """Ways to search one world, the first of which is the baseline.

    Attributes:
        world: Makes what is searched.
        ways: By name.
        replays: The share of the replays that are asked for.
        reach: Whether searches go on until they reach what random search found; else they end at the budget.
        trials: Trials of the random search, all to their end, whose best is to be reached.
    """

    world: Callable[[], World]
    ways: Mapping[str, Way]
    replays: float = 1.0
    reach: bool = True
    trials: int = RANDOM_TRIALS

    @property
    def whole(self) -> float:
        """Say how much that random search trains, in kimg."""
        return self.trials * FULL

    @property
    def budget(self) -> float:
        """Say at how many kimg searches are compared: a third of that."""
        return self.whole / 3

    @property
    def limit(self) -> float:
        """Say at how many kimg a search ends that has not found it."""
        return 1.5 * self.whole


def _spec(path: Path, *overrides: str) -> Spec:
    return parse(path.read_text(), overrides=overrides)


def _synthetic(spec: Callable[[], Spec], **of: float) -> Synthetic:
    return Synthetic(spec(), **of)


def _compare() -> Spec:
    """Read the space of compare.yaml, on the clock of the made-up curves."""
    clock = (
        "train.kimg=9",
        "evaluate.every=1",
        "evaluate.unit=kimg",
        "evaluate.n_fake=96",
        "evaluate.n_first=48",
    )
    return _spec(ROOT / "searchspaces" / "compare.yaml", "asha=null", *clock)


RANDOM = Swept("random", None)
RUNGS: dict[str, Way] = {
    "random, all to the end": RANDOM,
    "stop at 1, 3": Swept("random", {**USUAL, "grace": 1}),
    "stop at 2, 6": Swept("random"),
    "stop at 2, 4, 8, reduction 2": Swept("random", {**USUAL, "reduction": 2}),
    "stop at 3": Swept("random", {**USUAL, "grace": 3}),
    "stop at 3, 6, reduction 2": Swept("random", {**USUAL, "grace": 3, "reduction": 2}),
    "2, 6, tolerance 0.5": Swept("random", {**USUAL, "tolerance": 0.5}),
    "2, 6, tolerance 1": Swept("random", {**USUAL, "tolerance": 1}),
    "2, 6, tolerance 2": Swept("random", {**USUAL, "tolerance": 2}),
    "2, 6, best so far": Swept("random", trick=Trick(best=True)),
    "2, 6, variety 0.2": Swept("random", {**USUAL, "variety": 0.2}),
    "2, 6, patience 3": Swept("random", {**USUAL, "patience": 3}),
    "2, 6, promote": Swept("random", {**USUAL, "variant": "promote"}),
    "2, 6, promote, tolerance 1": Swept("random", {**USUAL, "variant": "promote", "tolerance": 1}),
}
FEWER = {
    name: way
    for name, way in RUNGS.items()
    if name in ("random, all to the end", "stop at 2, 6", "stop at 2, 4, 8, reduction 2") or "2, 6, " in name
    if "0.5" not in name
}
BLOCKS: dict[str, Way] = {
    "random": RANDOM,
    **{f"tpe, {how}": Swept("tpe", None, blocks=how) for how in ("joint", "group", "hierarchy")},
    "random, rungs": Swept("random"),
    **{f"tpe, {how}, rungs": Swept("tpe", blocks=how) for how in ("joint", "group", "hierarchy")},
}
HALVES: Mapping[str, Any] = {**USUAL, "reduction": 2}
SHIPPED: Mapping[str, Any] = {**HALVES, "variant": "promote"}
DEFAULTS: dict[str, Way] = {
    "random, all to the end": RANDOM,
    "2, 6": Swept(),
    "2, 6, patience 3": Swept(asha={**USUAL, "patience": 3}),
    "2, 4, 8, reduction 2": Swept(asha=HALVES),
    "2, 4, 8, reduction 2, patience 2": Swept(asha={**HALVES, "patience": 2}),
    "2, 4, 8, reduction 2, patience 3": Swept(asha={**HALVES, "patience": 3}),
    "2, 4, 8, reduction 2, patience 3, promote": Swept(asha={**SHIPPED, "patience": 3}),
    "1, 2, 4, 8, reduction 2, patience 3": Swept(asha={**HALVES, "grace": 1, "patience": 3}),
    **{f"2, 6, variety {share}": Swept(asha={**USUAL, "variety": share}) for share in (0.1, 0.2, 0.3)},
    "2, 4, 8, reduction 2, promote": Swept(asha=SHIPPED),
    "2, 4, 8, reduction 2, promote, variety 0.2": Swept(asha={**SHIPPED, "variety": 0.2}),
}
FEW: dict[str, Way] = {
    "random, all to the end": RANDOM,
    "tpe, all to the end": Swept("tpe", None, workers=2),
    "tpe, rungs of three": Swept("tpe", workers=2),
    "tpe, rungs of two": Swept("tpe", HALVES, workers=2),
    "tpe, rungs of two, promotion": Swept("tpe", SHIPPED, workers=2),
}
SAMPLERS: dict[str, Way] = {
    **{name: Swept(name, None) for name in ("random", "tpe", "gp", "cmaes")},
    **{f"{name}, rungs": Swept(name) for name in ("random", "tpe", "gp", "cmaes")},
}
QUESTIONS: dict[str, Question] = {
    "peers": Question(
        cache(Table.read),
        {
            "random, all to the end": RANDOM,
            "a person's grid of 35": grid,
            "random, rungs": Swept("random"),
            "Ray Tune: OptunaSearch, ASHAScheduler": ray,
            "before: tpe, joint, rungs": Swept("tpe", blocks="joint"),
            "before: tpe, rungs of three": Swept("tpe"),
            "the shipped studies": Swept("tpe", SHIPPED),
        },
    ),
    "a few trials": Question(cache(Table.read), FEW, trials=FEW_TRIALS),
    "rungs": Question(cache(Table.read), RUNGS, 0.3),
    "rungs with tpe": Question(cache(Table.read), DEFAULTS, 0.5),
    "noisy": Question(partial(_synthetic, partial(_spec, TABLE_SPEC), noise=0.03, crossing=0.2), FEWER, 0.1),
    "crossing": Question(
        partial(_synthetic, partial(_spec, TABLE_SPEC), noise=0.01, crossing=0.6), FEWER, 0.1
    ),
    "collapsing": Question(
        partial(_synthetic, partial(_spec, TABLE_SPEC), crossing=0.2, collapsing=0.4, peaking=0.4), FEWER, 0.1
    ),
    "compare.yaml's samplers": Question(partial(_synthetic, _compare, crossing=0.2), BLOCKS, 0.12),
    "four numbers": Question(
        partial(_synthetic, partial(parse, NUMBERS), crossing=0.2), SAMPLERS, 0.06, reach=False
    ),
    "table's samplers": Question(cache(Table.read), BLOCKS, 0.2),
}
