"""When things happen in a sweep's trials, once the number of pictures is known: all in kimg.

A spec counts in epochs, in kimg or in both. Whether an evaluation falls on a rung, and whether anything is left to be
saved there, can only be said when both are one clock's.
"""

import math
from dataclasses import dataclass

from ganlib.clock import RELATIVE, kimg_of, reached
from ganlib.config import EvaluateConfig
from ganlib.training.ladder import ladder
from sweep.formatting import amount
from sweep.spec.sections import AshaConfig


@dataclass(frozen=True)
class Schedule:
    """When what happens in the trials of a sweep, in kimg.

    Attributes:
        images: Pictures in the set; an epoch shows each once.
        budget: How long a trial trains at most.
        interval: Between two evaluations.
        rungs: Where ASHA compares trials, rising; empty without ASHA, or where the budget ends before the first.
        ladder: How many pictures an evaluation generates up to which kimg, before the full measurements; see
            `ganlib.training.ladder`.
    """

    images: int
    budget: float
    interval: float
    rungs: tuple[float, ...] = ()
    ladder: tuple[tuple[float, int], ...] = ()

    @classmethod
    def of(cls, images: int, end: float, evaluate: EvaluateConfig, asha: AshaConfig | None) -> "Schedule":
        """Work out the schedule of a spec's sections.

        Args:
            images: Pictures in the set.
            end: Where the longest trial ends by its own keys, in kimg; infinite if they do not say.
            evaluate: How often, and with how many pictures.
            asha: Where trials are compared; None for nowhere.
        """
        interval = kimg_of(evaluate.every, evaluate.unit, images)
        if asha is None:
            return cls(images, end, interval)
        budget = min(end, kimg_of(asha.max, asha.unit, images) if asha.max else math.inf)
        rungs: list[float] = []
        grace = asha.grace
        while (rung := kimg_of(grace, asha.unit, images)) < budget:
            rungs.append(rung)
            grace *= asha.reduction
        steps = ladder(rungs, asha.reduction, interval, evaluate.n_first, evaluate.n_fake)
        return cls(images, budget, interval, tuple(rungs), tuple(steps))

    def met(self, rung: float) -> float:
        """Find the evaluation at which a trial meets a rung: the first at or after it, or the last of all."""
        at = math.ceil(rung / self.interval * (1 - RELATIVE)) * self.interval
        return min(at, self.budget)

    @property
    def comparisons(self) -> tuple[float, ...]:
        """The evaluations, before the end, at which a trial can be stopped: two rungs met at one count once."""
        places = {self.met(rung) for rung in self.rungs}
        return tuple(sorted(at for at in places if not reached(at, self.budget)))

    def both(self, kimg: float) -> str:
        """Say a time in both units, such as ``60 kimg (20 epochs)``."""
        return f"{amount(kimg)} kimg ({amount(kimg * 1000 / self.images)} epochs)"

    def said_in(self, unit: str, kimg: float) -> str:
        """Say a time as a key of that unit takes it."""
        return f"{amount(kimg * 1000 / self.images)} epochs" if unit == "epochs" else f"{amount(kimg)} kimg"
