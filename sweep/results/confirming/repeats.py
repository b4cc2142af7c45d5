"""The runs of one configuration with fresh seeds: mean, spread, interval, and whether two can be told apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

LEVEL = 0.95
FEWEST = 3
"""Seeds below which an interval says nothing: with two, Student's t reaches 12.7 standard errors to each side."""
NARROW = 0.25
"""How far an interval that is worth having reaches from the mean, as a share of it; seeds are counted for that."""
MOST = 50
TEST = "moderated t-test"
"""Of `sweep.results.confirming.contenders`: variances of few runs are drawn towards that of all."""


@dataclass(frozen=True)
class Run:
    """One run that finished.

    Attributes:
        number: Its number in the confirmation.
        seed: Of its training.
        value: The metric of its result.
        kimg: Where that generator was.
        broken: The wishes of the sweep that its result breaks, in words; empty where there are none.
    """

    number: int
    seed: int
    value: float
    kimg: float
    broken: str = ""


@dataclass(frozen=True)
class Repeats:
    """The runs of one configuration with fresh seeds.

    Attributes:
        trial: The trial of the sweep whose configuration it is.
        runs: Those that finished, in the order of the seeds.
        lost: Why other runs gave no value, such as ``d_saturated``, to how many there are.
        pending: Runs that have not ended.
        uncounted: Those that finished at another budget than the confirmation has by now.
    """

    trial: int
    runs: Sequence[Run]
    lost: Mapping[str, int]
    pending: int
    uncounted: Sequence[Run] = ()

    @property
    def values(self) -> list[float]:
        """The metric of each run's result."""
        return [run.value for run in self.runs]

    @property
    def mean(self) -> float | None:
        """The mean of the values; None while there is none."""
        return math.fsum(self.values) / len(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """The standard deviation between seeds (with n - 1); None below two values."""
        if len(self.values) < 2 or self.mean is None:
            return None
        return math.sqrt(math.fsum((v - self.mean) ** 2 for v in self.values) / (len(self.values) - 1))

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean by Student's t; None where it would say nothing.

        That is below `FEWEST` values, and where it would reach past zero, which no spread of results does.
        """
        n = len(self.values)
        if n < FEWEST or self.mean is None or self.spread is None:
            return None
        half = _half(self.spread, n)
        return (self.mean - half, self.mean + half) if half <= abs(self.mean) else None

    @cached_property
    def lacking(self) -> int:
        """How many more seeds an interval of `NARROW` times the mean to each side would need, by the spread so far."""
        n = len(self.values)
        if self.mean is None or self.spread is None:
            return max(FEWEST - n, 0)
        target = NARROW * abs(self.mean)
        enough = (count for count in range(FEWEST, MOST) if _half(self.spread, count) <= target)
        return max(next(enough, MOST) - n, 0)


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
        """Whether the two can be told apart."""
        return self.p < 1 - LEVEL


def _half(spread: float, n: int) -> float:
    """Compute half the width of the interval of a mean of ``n`` values."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + LEVEL) / 2)) * spread / math.sqrt(n)
