"""Made-up learning curves with known noise, curves that cross, and runs that collapse."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.search.curves import Cube, Curve, Params
from sweep.spec.distributions import Categorical
from sweep.spec.space import Space
from sweep.spec.specification import Spec

EVALUATIONS = 9
"""Of each trial, one a kimg."""


@dataclass
class Synthetic:
    """A world of curves that fall like a power law to a floor, which depends on how far a configuration is off.

    Attributes:
        spec: What is searched.
        noise: Standard deviation of an evaluation on all pictures, as a share of the error at the first rung (0.1);
            on few pictures it is 1.5 times as large.
        crossing: How much a trial's speed differs from what its end would let expect; with 0 curves never cross.
        seeds: Standard deviation of where equal configurations end.
        peaking: Share of the trials that get worse again after their best.
        collapsing: Share of the trials that lose their variety: KID says so late, the pictures' variety at once.
        size: How many trials there are at most.
    """

    spec: Spec
    noise: float = 0.01
    crossing: float = 0.5
    seeds: float = 0.01
    peaking: float = 0.3
    collapsing: float = 0.1
    size: int = 100_000

    @cached_property
    def landscape(self) -> "Landscape":
        """How far configurations are off."""
        return Landscape(self.spec.space)

    def session(self, seed: int) -> "Made":
        """Begin the answers to a search."""
        return Made(self, seed)


class Landscape:
    """How far a configuration is off: few keys matter much, and where a number is best depends on the choices made.

    Args:
        space: What is searched.
    """

    def __init__(self, space: Space) -> None:
        draw = np.random.default_rng(20)
        self.space, self.cube = space, Cube(space)
        owners = self.cube.owners()
        self.numbers = np.array([not isinstance(space[path], Categorical) for path in owners])
        self.best = draw.uniform(0.25, 0.75, len(owners))
        self.shift = draw.normal(0, 0.5, (len(owners), len(owners)))[:, ~self.numbers]
        self.weight = 3 * 0.6 ** np.cumsum(self.numbers) * self.numbers
        self.choice = draw.exponential(0.1, len(owners)) * ~self.numbers

    def off(self, params: Params) -> float:
        """Say how far off a configuration is; 0 at best, about 1 for a bad one."""
        x = self.cube.vector(params)
        best = np.clip(self.best + self.shift @ x[~self.numbers], 0.1, 0.9)
        active = np.array([path in params for path in self.cube.owners()])
        return float(np.sum(self.weight * active * (x - best) ** 2) + np.sum(self.choice * x))


@dataclass(frozen=True)
class Made:
    """The answers to one search."""

    world: Synthetic
    seed: int

    def place(self, params: Params) -> Params:
        """Train what is proposed."""
        return params

    def curve(self, trial: int, params: Params) -> Curve:
        """Make up the curve of a trial."""
        world, draw = self.world, np.random.default_rng([self.seed, trial])
        kimg = np.arange(1.0, EVALUATIONS + 1)
        floor = 0.03 + 0.3 * world.landscape.off(params) + draw.normal(0, world.seeds)
        speed = 0.7 * math.exp(world.crossing * draw.normal())
        true = floor + 0.3 * kimg**-speed
        if draw.random() < world.peaking:
            true += np.maximum(kimg - draw.uniform(2, 8), 0) * 0.02
        vendi = np.full(EVALUATIONS, 10.0)
        if draw.random() < world.collapsing:
            from_here = int(draw.integers(1, EVALUATIONS))
            vendi[from_here:] = 3.0
            true[from_here:] += 0.02 * np.arange(EVALUATIONS - from_here)
        se = np.full(EVALUATIONS, world.noise)

        def seen(share: float) -> np.ndarray:
            return true + draw.normal(0, share * world.noise, EVALUATIONS)

        return Curve(kimg, seen(1.5), 1.5 * se, seen(1.0), se, seen(1.0), vendi, np.full(EVALUATIONS, 12.0))
