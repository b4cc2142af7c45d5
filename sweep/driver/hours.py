"""The time that a sweep has: whether a trial can still begin, whether it should, and when those that run must end."""

import math
import time
from bisect import insort
from collections.abc import Callable, Sequence


class Hours:
    """The time that is left, against what trials take.

    Args:
        left: Gives the seconds that are left.
        now: Gives seconds, of which only differences mean anything.
    """

    def __init__(
        self, left: Callable[[], float] = lambda: math.inf, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._left, self._now, self._whole = left, now, 0.0
        self._begun: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._intervals: dict[int, float] = {}
        self._ended: dict[int, float] = {}
        # In order: they are asked for at each report, and there are as many as trials.
        self._first: list[float] = []
        self._results: list[float] = []

    def limit(self, left: Callable[[], float], whole: float = 0.0) -> None:
        """Have ``left`` say from now on how many seconds are left, of ``whole`` in all (0: that is not known)."""
        self._left, self._whole = left, whole

    def begin(self, trial: int) -> None:
        """Note that a trial begins."""
        self._begun[trial] = self._last[trial] = self._now()

    def evaluated(self, trial: int) -> None:
        """Note an evaluation of a trial; the first tells how long one takes to have anything to show."""
        now = self._now()
        self._intervals[trial] = now - self._last.get(trial, now)
        self._last[trial] = now
        if (begun := self._begun.pop(trial, None)) is not None:
            insort(self._first, now - begun)

    def end(self, trial: int) -> None:
        """Note that a trial has ended, and its result is measured now."""
        self._ended[trial] = self._now()

    def measured(self, trial: int) -> None:
        """Note that the result of a trial is there."""
        if (ended := self._ended.pop(trial, None)) is not None:
            insort(self._results, self._now() - ended)

    def enough(self) -> bool:
        """Tell whether a trial that begins now comes to an evaluation and a result, as far as others show it."""
        return self._left() > _median(self._first) + _median(self._results)

    def late(self, begun: int, planned: int) -> bool:
        """Tell whether less than half of the time is left, and it will be over before all trials have begun.

        Args:
            begun: How many have begun.
            planned: How many there are at most.
        """
        left, whole = self._left(), self._whole
        return left < whole / 2 and begun * whole < planned * (whole - left)

    def over(self, trial: int) -> bool:
        """Tell whether a trial has to end at this evaluation, so that its result is measured in time.

        What it trains after its last evaluation is lost, so it ends at the evaluation that is the nearest to that time.
        """
        return self._left() - _median(self._results) <= self._intervals.get(trial, 0.0) / 2


def _median(ordered: Sequence[float]) -> float:
    """Give the median of numbers that are in order; 0 of none."""
    if not ordered:
        return 0.0
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2
