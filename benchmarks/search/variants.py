"""Rungs that were tried and are no part of the product: other values to compare, and a guard on variety."""

import math
from dataclasses import dataclass, replace

from sweep.driver.rungs import Rungs
from sweep.records.snapshots import Seen, best
from sweep.records.trial_state import Trial
from sweep.search import samplers


@dataclass(frozen=True)
class Trick:
    """What a variant does otherwise.

    Attributes:
        best: Whether a rung compares the best value so far instead of the one there.
        variety: The share of the real pictures' variety below which a trial ends at a rung; 0 for none.
        until: Up to how far the variety is looked at, in kimg.
    """

    best: bool = False
    variety: float = 0.0
    until: float = math.inf


class Tried(Rungs):
    """The rungs of a running sweep with a variant."""

    trick: Trick = Trick()

    def stops(self, trial: Trial, seen: Seen) -> bool:
        """Enter a healthy evaluation as the variant has it."""
        if self._asha is None:
            return False
        met = any(
            rung <= seen.kimg and trial.number not in there for rung, there in self._asha.contents.items()
        )
        if met and seen.kimg <= self.trick.until and self._alike(trial):
            return True
        if self.trick.best and (lowest := best(trial.seen)):
            seen = replace(lowest, kimg=seen.kimg)
        return super().stops(trial, seen)

    def _alike(self, trial: Trial) -> bool:
        """Say whether the pictures vary too little; the trial then enters no rung, as a collapsed one."""
        row = trial.last_row
        return (row["vendi"] - 1) / max(row["real_vendi"] - 1, 1e-9) < self.trick.variety


class TrickyTPE:
    """Lets TPE draw conditional keys in another way while it is entered."""

    def __init__(self, how: str | None) -> None:
        self.how = how

    def __enter__(self) -> None:
        self._old, samplers.HOW = samplers.HOW, self.how or samplers.HOW

    def __exit__(self, *error: object) -> None:
        samplers.HOW = self._old
