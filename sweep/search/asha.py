"""Asynchronous successive halving, the variant that stops trials (Li et al. 2020, https://arxiv.org/abs/1810.05934).

A pure piece of code: what stands in the rungs goes in, a verdict comes out. On finite values, and as long as
no report crosses two rungs at once, it decides as Ray's ``AsyncHyperBandScheduler`` with one bracket does.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ganlib.clock import reached, same_time
from ganlib.errors import WorkError


@dataclass(frozen=True)
class Decision:
    """What `Asha.record` says.

    Attributes:
        stop: Whether the trial ends here.
        rung: Index of the highest rung the trial has reached, the one that decides; None below the first.
        rung_kimg: Where that rung is.
        cutoff: The largest value that goes on there; None for the first trial, which always does.
        entries: (rung index, value) of the rungs that the trial entered with this report.
    """

    stop: bool = False
    rung: int | None = None
    rung_kimg: float | None = None
    cutoff: float | None = None
    entries: list[tuple[int, float]] = field(default_factory=list)


class Asha:
    """The rungs of one sweep, and who has reached them with which value. Smaller is better.

    Args:
        rungs: Where trials are compared, in kimg, rising.
        reduction: At each rung a trial goes on only if it is as good as the best 1/``reduction`` before it.

    Raises:
        ValueError: if the rungs do not rise or the reduction is not above 1.
    """

    def __init__(self, rungs: Sequence[float], reduction: float) -> None:
        self.rungs = tuple(float(rung) for rung in rungs)
        self.reduction = float(reduction)
        if any(low >= high for low, high in zip(self.rungs, self.rungs[1:], strict=False)):
            raise ValueError(f"rungs must rise, got {list(self.rungs)}")
        if not self.reduction > 1:
            raise ValueError(f"reduction must be above 1, got {reduction}")
        # Each rung is a mapping from trial to value; its order is the order of arrival.
        self._contents: list[dict[int, float]] = [{} for _ in self.rungs]

    @property
    def contents(self) -> Mapping[float, Mapping[int, float]]:
        """By rung (kimg): the value of each trial that has reached it, in order of arrival. A copy."""
        return {rung: dict(held) for rung, held in zip(self.rungs, self._contents, strict=True)}

    def record(self, trial: int, kimg: float, value: float) -> Decision:
        """Enter a trial's value into every rung it has reached and not yet entered, and judge it.

        The highest rung reached decides: a report that crosses several rungs at once (a grace shorter than
        the interval between evaluations) is entered in each, and compared with those that came as far. The
        judgement depends only on who was there before the trial, so that asking again, for example after a
        crash between the record and the stop, gives the same answer.

        Args:
            trial: Its number.
            kimg: How far it has trained.
            value: Its metric there; finite.

        Raises:
            ValueError: if the value is not finite: NaN would never be stopped, -inf would stop all others.
        """
        if not math.isfinite(value):
            raise ValueError(
                f"only finite values can be compared, got {value} of trial {trial} at {kimg} kimg"
            )
        met = [index for index, rung in enumerate(self.rungs) if reached(kimg, rung)]
        entries = [(index, value) for index in met if trial not in self._contents[index]]
        for index, entered in entries:
            self._contents[index][trial] = entered
        if not met:
            return Decision()
        rung = met[-1]
        cutoff = self._cutoff(rung, trial)
        stop = cutoff is not None and self._contents[rung][trial] > cutoff
        return Decision(stop, rung, self.rungs[rung], cutoff, entries)

    def load(self, entries: Iterable[tuple[float, int, float]]) -> None:
        """Put back what was recorded.

        Args:
            entries: (kimg of the rung, trial, value) in the order in which they were recorded.

        Raises:
            WorkError: if an entry belongs to no rung, is not finite or contradicts another.
        """
        for kimg, trial, value in entries:
            near = [i for i, rung in enumerate(self.rungs) if same_time(rung, kimg)]
            if not near or not math.isfinite(value) or self._contents[near[0]].get(trial, value) != value:
                rungs = ", ".join(f"{rung:g}" for rung in self.rungs) or "none"
                raise WorkError(
                    f"the recorded rungs do not fit the sweep: trial {trial} has {value} at {kimg} kimg, "
                    f"and the rungs are at {rungs} kimg"
                )
            self._contents[near[0]][trial] = value

    def _cutoff(self, rung: int, trial: int) -> float | None:
        before: list[float] = []
        for other, value in self._contents[rung].items():
            if other == trial:
                break
            before.append(value)
        if not before:
            return None
        # Negated and as a percentile, as Ray does it: the same rounding, so the same verdict on a tie. The
        # clip keeps the interpolation between two huge values from overflowing.
        rewards = np.clip(-np.asarray(before, dtype=np.float64), -1e300, 1e300)
        return -float(np.percentile(rewards, (1 - 1 / self.reduction) * 100))


def expected_survivors(trials: int, rungs: Sequence[float], reduction: float) -> list[tuple[float, float]]:
    """How many trials go on past each rung when their order of arrival has nothing to do with their quality.

    The first always goes on. One that finds m others meets a cutoff at position h = (m - 1) / reduction of
    their sorted values; its own rank among the m + 1 is uniform, so that it passes with probability
    (h + 1) / (m + 1).

    Args:
        trials: How many start.
        rungs: In kimg.
        reduction: As in `Asha`.

    Returns:
        (kimg of the rung, expected number that goes on) for each rung.
    """
    expected: list[tuple[float, float]] = []
    arriving = float(trials)
    for rung in rungs:
        arriving = _passing(arriving, reduction)
        expected.append((rung, arriving))
    return expected


def _passing(arriving: float, reduction: float) -> float:
    """The expected number that passes one rung; between whole numbers, linear."""
    passed = min(arriving, 1.0)
    for before in range(1, math.ceil(arriving)):
        share = min(1.0, arriving - before)
        passed += share * ((before - 1) / reduction + 1) / (before + 1)
    return passed
