"""Asynchronous successive halving, the variant that stops trials (Li et al. 2020, https://arxiv.org/abs/1810.05934).

`Asha` has no side effects: a trial's value goes in, a decision comes out. On finite values, and as long as no report
crosses two rungs at once, `Asha` decides as Ray's ``AsyncHyperBandScheduler`` with one bracket does.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ganlib.clock import reached, same_time
from ganlib.errors import WorkError


@dataclass(frozen=True)
class Decision:
    """The decision of `Asha.record` on one trial.

    Attributes:
        stop: Whether the trial ends here.
        rung: 0-based index of the highest rung that the trial has reached, which decides; None below the first.
        rung_kimg: Where that rung is, in kimg.
        cutoff: The largest value that goes on at that rung; None for the first trial there, which always goes on.
        entries: (rung index, value) of the rungs that the trial entered with this report.
    """

    stop: bool = False
    rung: int | None = None
    rung_kimg: float | None = None
    cutoff: float | None = None
    entries: list[tuple[int, float]] = field(default_factory=list)


class Asha:
    """The rungs of one sweep, with the trials that have reached them and their values. Smaller is better.

    Args:
        rungs: Where trials are compared, in kimg, rising.
        reduction: At each rung a trial goes on only if it is as good as the best 1/``reduction`` of those before it.

    Raises:
        ValueError: If the rungs do not rise or the reduction is not above 1.
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
        """Copy of the rungs: by kimg, the value of each trial that has reached the rung, in order of arrival."""
        return {rung: dict(held) for rung, held in zip(self.rungs, self._contents, strict=True)}

    def enter(self, trial: int, kimg: float, value: float) -> Decision:
        """Enter a trial's value into every rung that the trial has newly reached, and decide whether it goes on.

        The highest rung reached decides: a report that crosses several rungs at once (a grace shorter than the interval
        between evaluations) is entered in each, and compared with the trials that came as far. The decision depends
        only on the trials that were there before, so that a second call, for example after a crash between the record
        and the stop, decides as the first did.

        Args:
            trial: The number of the trial.
            kimg: How far the trial has trained.
            value: The trial's metric there; finite.

        Raises:
            ValueError: If the value is not finite: NaN would never be stopped, -inf would stop all others.
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
        """Put recorded entries back into the rungs.

        Args:
            entries: (kimg of the rung, trial, value) in the order in which they were recorded.

        Raises:
            WorkError: If an entry belongs to no rung, is not finite or contradicts another.
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
        # Negated and as a percentile, as Ray does it: the same rounding, so a tie is decided alike. The
        # clip keeps the interpolation between two huge values from overflowing.
        rewards = np.clip(-np.asarray(before, dtype=np.float64), -1e300, 1e300)
        return -float(np.percentile(rewards, (1 - 1 / self.reduction) * 100))


def expected_survivors(trials: int, rungs: Sequence[float], reduction: float) -> list[tuple[float, float]]:
    """Estimate how many trials go on past each rung when they arrive in an order unrelated to their quality.

    The first trial always goes on. A trial that comes after m others meets a cutoff at position h = (m - 1) / reduction
    of their sorted values; the trial's own rank among the m + 1 is uniform, so that it passes with probability
    (h + 1) / (m + 1).

    Args:
        trials: How many trials start.
        rungs: Where trials are compared, in kimg.
        reduction: The share that goes on is 1/``reduction``, as in `Asha`.

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
    """Estimate how many of the arriving trials pass one rung; linear between whole numbers."""
    passed = min(arriving, 1.0)
    for before in range(1, math.ceil(arriving)):
        share = min(1.0, arriving - before)
        passed += share * ((before - 1) / reduction + 1) / (before + 1)
    return passed
