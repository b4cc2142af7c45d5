"""Choose the axis of a metric: its ends, whether it is logarithmic, and its ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sweep.formatting import number
from sweep.report.charts import axis_range

WIDE = 10.0
"""An axis is logarithmic where its highest value is more than this many times its lowest one."""
_DEEPEST = 1000.0
"""A logarithmic axis ends this many times below the median: near the floor KID scatters around 0, and has no end."""
_APART = 2.0
"""A logarithmic axis is cut where the highest value is this many times as far from the lowest as most of them are."""
_MARGIN = 0.04
_LEAST_SIZE, _GREATEST_SIZE = 1e-100, 1e100
"""What is nearer to 0 is drawn as 0, and what is farther from it as what is infinite: no axis overflows."""
_LEAST, _MOST = 3, 5  # ticks


@dataclass(frozen=True)
class Axis:
    """The axis of a metric.

    Attributes:
        low: The value at its lower end.
        high: The value at its upper end.
        log: Whether it is logarithmic.
        ticks: Values between the ends, in order.
        cut: Whether values lie above it, or, where it is logarithmic, below.
    """

    low: float
    high: float
    log: bool
    ticks: Sequence[float]
    cut: bool

    @classmethod
    def of(cls, values: Iterable[float | None], floor: float | None = None) -> "Axis | None":
        """Choose the axis that some values share.

        It is logarithmic where values differ so much that those of a good sweep would lie flat at the bottom, and is
        cut where those of a few runs that blew up would flatten all others.

        Args:
            values: What is drawn; what is None, beyond 1e100 or NaN is not.
            floor: What real pictures score; it is on the axis where it is near.

        Returns:
            The axis; None without such values.
        """
        drawn = [v for v in values if v is not None and abs(v) <= _GREATEST_SIZE]
        finite = sorted(v if abs(v) >= _LEAST_SIZE else 0.0 for v in drawn)
        if not finite:
            return None
        positive = [v for v in finite if v > 0]
        usual = axis_range(finite)
        high = usual[1] if usual else finite[-1]
        # Half of them below 0 are no metric that falls by orders of magnitude.
        if len(positive) > len(finite) / 2 and high > WIDE * positive[0]:
            return cls._logarithmic(finite, positive, floor)
        low = min(finite[0], floor) if floor is not None and 0 <= floor <= finite[0] else finite[0]
        margin = _MARGIN * (high - low) or abs(high) / 10 or 1.0
        low, high = low - margin, high if usual else high + margin
        return cls(low, high, False, _even(low, high), finite[-1] > high)

    @classmethod
    def _logarithmic(cls, finite: Sequence[float], positive: Sequence[float], floor: float | None) -> "Axis":
        low = max(positive[0], positive[len(positive) // 2] / _DEEPEST)
        usual = axis_range([math.log10(v) for v in positive], _APART)
        high = min(10 ** usual[1], finite[-1]) if usual else finite[-1]
        if floor is not None and low / WIDE <= floor < low:
            low = floor
        margin = (high / low) ** _MARGIN
        low, high = low / margin, high * margin
        return cls(low, high, True, _decades(low, high), finite[-1] > high or finite[0] < low)

    def at(self, value: float) -> float:
        """Say where a value stands: 0 at the lower end, 1 at the upper one; what lies beyond, a little outside."""
        if self.log:
            place = math.log(max(value, self.low / 2) / self.low) / math.log(self.high / self.low)
        else:
            place = (value - self.low) / (self.high - self.low)
        return min(max(place, -_MARGIN), 1 + _MARGIN)

    def holds(self, value: float | None) -> bool:
        """Tell whether a value is known and stands between the ends."""
        return value is not None and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{number(self.low, 3)} to {number(self.high, 3)}{', logarithmic' if self.log else ''}"


def round_ticks(high: float) -> list[float]:
    """List ticks of an axis from 0 to a time in kimg, at most five, the last one at or below its end."""
    return [tick for tick in _even(0.0, high) if tick >= 0]


def _even(low: float, high: float) -> list[float]:
    """List round values between two others: steps of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(high - low))
    steps = [digit * scale for scale in (power / 10, power) for digit in (1, 2, 5)]
    for step in steps:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < _MOST:
            # At an end a round value may be beyond it by its rounding; where ends are close, several are one then.
            return sorted({min(max(float(f"{n * step:.12g}"), low), high) for n in range(first, last + 1)})
    raise AssertionError("unreachable: ten steps of a tenth are too many, two of a whole power are few")


def _decades(low: float, high: float) -> list[float]:
    """List round values between two positive ones, for a logarithmic axis: powers of ten, and 2 or 5 times those.

    Where that is too short to have any of these, evenly spaced ones.
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for digits in ((1,), (1, 3), (1, 2, 5)):
        found = [v for p in powers for d in digits if low <= (v := float(f"{d}e{p}")) <= high]
        if len(found) >= _LEAST:
            break
    if not found:
        return _even(low, high)
    step = -(-len(found) // _MOST)
    return found[::step]
