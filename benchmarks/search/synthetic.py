"""Made-up learning curves with known noise, curves that cross, and runs that collapse."""

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.search.curves import Cube, Curve, Params
from sweep.spec.specification import Spec

EVALUATIONS = 12


@dataclass(frozen=True)
class Synthetic:
    """A world of curves that fall like a power law to a floor, which depends on how far a configuration is off.

    Attributes:
        spec: What is searched.
        noise: Standard deviation of an evaluation on all pictures, as a share of the error at the first rung (0.1);
            on few pictures it is 1.5 times as large.
        crossing: How much a trial's speed differs from what its end would let expect; with 0 curves never cross.
        peaking: Share of the trials that get worse again after their best.
        collapsing: Share of the trials that lose their variety: KID says so late, the pictures' variety at once.
        size: How many trials there are at most.
    """

    spec: Spec
    noise: float = 0.01
    crossing: float = 0.5
    peaking: float = 0.3
    collapsing: float = 0.1
    size: int = 100_000

    def session(self, seed: int) -> "Made":
        """Begin the answers to a search."""
        return Made(self, seed)


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
        off = Cube(world.spec.space).vector(params) - 0.4
        floor = 0.05 + 0.4 * float(np.mean(off**2)) + abs(draw.normal(0, 0.01))
        speed = 0.7 * math.exp(world.crossing * draw.normal())
        true = floor + 0.3 * kimg**-speed
        if draw.random() < world.peaking:
            true += np.maximum(kimg - draw.uniform(2, 10), 0) * 0.02
        vendi = np.full(EVALUATIONS, 10.0)
        if draw.random() < world.collapsing:
            from_here = int(draw.integers(1, EVALUATIONS))
            vendi[from_here:] = 3.0
            true[from_here:] += 0.02 * np.arange(EVALUATIONS - from_here)
        se = np.full(EVALUATIONS, world.noise)

        def seen(share: float) -> np.ndarray:
            return true + draw.normal(0, share * world.noise, EVALUATIONS)

        return Curve(kimg, seen(1.5), 1.5 * se, seen(1.0), se, seen(1.0), vendi, np.full(EVALUATIONS, 12.0))
