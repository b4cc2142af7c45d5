"""The times of a sweep's trials in kimg, worked out once the number of pictures is known.

A spec counts in epochs, in kimg or in both. Only times in one unit show whether an evaluation falls on a rung, and how
much training a rung can save.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganlib.clock import RELATIVE, kimg_of, reached
from ganlib.training.ladder import ladder
from sweep.formatting import amount

if TYPE_CHECKING:
    from ganlib.config import EvaluateConfig
    from sweep.spec.sections import AshaConfig


@dataclass(frozen=True)
class Schedule:
    """The times at which things happen in the trials of one sweep.

    Attributes:
        images: Number of pictures in the data set; an epoch shows each once.
        budget: How long a trial trains at most, in kimg.
        interval: Time between two evaluations, in kimg.
        rungs: Where ASHA compares trials, in kimg, rising; empty without ASHA, or where the budget ends before the
            first rung.
        ladder: The steps (kimg, pictures): an evaluation up to that kimg generates so many pictures, one after the last
            step the full number; see `ganlib.training.ladder`.
    """

    images: int
    budget: float
    interval: float
    rungs: tuple[float, ...] = ()
    ladder: tuple[tuple[float, int], ...] = ()

    @classmethod
    def of(cls, images: int, end: float, evaluate: "EvaluateConfig", asha: "AshaConfig | None") -> "Schedule":
        """Work out the schedule of a spec's sections.

        Args:
            images: Number of pictures in the data set.
            end: Where the longest trial ends by ``train.epochs`` and ``train.kimg``, in kimg; infinite without both.
            evaluate: How often trials are evaluated, and with how many pictures.
            asha: Where trials are compared; None for nowhere.
        """
        interval = kimg_of(evaluate.every, evaluate.unit, images)
        if asha is None:
            return cls(images, end, interval)
        budget = min(end, kimg_of(asha.max, asha.unit, images) if asha.max else math.inf)
        rungs: list[float] = []
        grace = asha.grace
        while not reached(rung := kimg_of(grace, asha.unit, images), budget):
            rungs.append(rung)
            grace *= asha.reduction
        steps = ladder(rungs, asha.reduction, interval, evaluate.n_first, evaluate.n_fake)
        return cls(images, budget, interval, tuple(rungs), tuple(steps))

    def met(self, rung: float) -> float:
        """Find the evaluation at which a trial meets a rung: the first at or after the rung, or the last of all.

        Args:
            rung: Where the rung is, in kimg.

        Returns:
            Where the evaluation is, in kimg.
        """
        at = math.ceil(rung / self.interval * (1 - RELATIVE)) * self.interval
        return min(at, self.budget)

    @property
    def comparisons(self) -> tuple[float, ...]:
        """Evaluations before the end at which a trial can be stopped, in kimg, rising; each once for all its rungs."""
        places = {self.met(rung) for rung in self.rungs}
        return tuple(sorted(at for at in places if not reached(at, self.budget)))

    def both(self, kimg: float) -> str:
        """Say a time in both units, such as ``60 kimg (20 epochs)``."""
        return f"{amount(kimg)} kimg ({amount(kimg * 1000 / self.images)} epochs)"

    def said_in(self, unit: str, kimg: float) -> str:
        """Say a time in one unit, ``epochs`` or ``kimg``, such as ``20 epochs``."""
        return f"{amount(kimg * 1000 / self.images)} epochs" if unit == "epochs" else f"{amount(kimg)} kimg"
