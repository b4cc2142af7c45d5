"""One rung of ASHA: who came there with what, and who of them goes on.

Trials are kept in order, so that a decision takes as long among ten thousand trials as among ten.
"""

from bisect import bisect, insort
from collections.abc import Collection, Sequence
from typing import NamedTuple


class Held(NamedTuple):
    """What a trial had when it came to a rung.

    Attributes:
        value: Its metric.
        se: The standard error of that, or 0.
        alike: Whether its pictures varied too little, so that it ended there and counts for nobody.
    """

    value: float
    se: float = 0.0
    alike: bool = False


class Rule(NamedTuple):
    """How the trials at a rung are compared; see `sweep.search.asha.Asha`."""

    reduction: float
    tolerance: float
    promote: bool


class Rung:
    """The trials that have come to a rung. Smaller is better.

    Attributes:
        held: What each had, in order of arrival.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.held: dict[int, Held] = {}
        # Value, place in order of arrival and number of those that are compared: the best first, of equals the first.
        self._ordered: list[tuple[float, int, int]] = []
        self._judged: dict[int, tuple[bool, float | None]] = {}
        self._largest_error = 0.0

    def add(self, trial: int, held: Held) -> None:
        """Take in a trial that has not been there."""
        place = len(self.held)
        self.held[trial] = held
        if not held.alike:
            one = (held.value, place, trial)
            self._judged[trial] = self._judge(held, bisect(self._ordered, one))
            insort(self._ordered, one)
            self._largest_error = max(self._largest_error, held.se)

    def judged(self, trial: int) -> tuple[bool, float | None]:
        """Say whether a trial is good enough beside those that came before it, and the largest value that is.

        That value is None where too few came before.
        """
        return self._judged[trial]

    def _judge(self, held: Held, ahead: int) -> tuple[bool, float | None]:
        """Judge a trial that has just come, behind so many of the others."""
        if not self._rule.promote:
            cutoff = _percentile(self._ordered, self._rule.reduction)
            return cutoff is None or held.value <= cutoff or self._excused(held, cutoff), cutoff
        leading = _share(len(self._ordered) + 1, self._rule.reduction)
        if ahead < leading:  # it is one of them, and perhaps the last
            last = self._ordered[leading - 2][0] if ahead < leading - 1 else held.value
            return True, last
        cutoff = self._ordered[leading - 1][0] if leading else None
        return self._excused(held, cutoff), cutoff

    def promotable(
        self, waiting: Collection[int], later: Collection[int], least: int, gone: Collection[int] = ()
    ) -> int | None:
        """Find the best trial that waits here and is good enough beside all that have come by now.

        Args:
            waiting: The trials that were stopped.
            later: Those that have come to a later rung.
            least: So many are good enough, however few have come.
            gone: Trials that count as if they had not come.
        """
        there = [one for one in self._ordered if one[2] not in gone] if gone else self._ordered
        leading = max(least, _share(len(there), self._rule.reduction))
        cutoff = there[min(leading, len(there)) - 1][0] if leading and there else None
        for place, (value, _, trial) in enumerate(there):
            if place >= leading and (
                cutoff is None or value - self._rule.tolerance * self._largest_error > cutoff
            ):
                return None
            good = place < leading or self._excused(self.held[trial], cutoff)
            if good and trial in waiting and trial not in later:
                return trial
        return None

    def _excused(self, held: Held, cutoff: float | None) -> bool:
        """Say whether noise may be all that keeps a trial from the cutoff."""
        error = self._rule.tolerance * held.se
        return error > 0 and cutoff is not None and held.value - error <= cutoff


def _share(count: int, reduction: float) -> int:
    """Give the best 1/``reduction`` of so many, in whole trials."""
    return int(count / reduction + 1e-9)


def _percentile(ordered: Sequence[tuple[float, int, int]], reduction: float) -> float | None:
    """Compute the value that the best 1/``reduction`` have at most, between two of them; None of none."""
    if not ordered:
        return None
    # Negated and as a percentile, as Ray does it with numpy.percentile, which takes 50 us for a few numbers: the same
    # rounding, so a tie is decided alike. The clip keeps the interpolation between two huge values from overflowing.
    most = len(ordered) - 1
    place = most * ((1 - 1 / reduction) * 100 / 100)
    below = int(place)
    low, high = (
        min(max(-ordered[most - index][0], -1e300), 1e300) for index in (below, min(below + 1, most))
    )
    share = place - below
    return -(high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share)
