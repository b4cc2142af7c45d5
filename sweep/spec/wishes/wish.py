"""A wish of a search: a condition on a measure of a trial's result, such as ``coverage >= 0.5``.

One rule for all who ask: `Wish.miss` is at most 0 exactly where the wish is fulfilled, as Optuna has constraints; above
0 it says by how much a trial misses the wish, as a share of the limit, so that misses of different measures can be
added up. `broken` puts into words what `misses` has in numbers.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganlib.registry import did_you_mean
from sweep import formatting
from sweep.spec.wishes.measures import MEASURES

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*(>=|<=|>|<)\s*([-+]?(?:\.\d+|\d[\d_]*(?:\.\d*)?)(?:[eE][-+]?\d+)?)\s*")
LEAST, MOST = 1e-12, 1e6
"""A wish that is broken is missed by at least, and at most, so much."""
UNMEASURED = 1.0
"""By so much a result misses a wish that lacks the measure: as if it had nothing at all of what was wanted."""


@dataclass(frozen=True)
class Wish:
    """A condition on a measure.

    Attributes:
        measure: A name in `MEASURES`.
        text: The condition, such as ``>= 0.5``.
    """

    measure: str
    text: str

    @property
    def sign(self) -> str:
        """The sign of comparison: ``>=``, ``<=``, ``>`` or ``<``."""
        return self.text.partition(" ")[0]

    @property
    def limit(self) -> float:
        """The number that the measure is compared with."""
        return float(self.text.partition(" ")[2])

    @property
    def words(self) -> str:
        """The measure with its condition, such as ``coverage >= 0.5``."""
        return f"{self.measure} {self.text}"

    def miss(self, value: float | None) -> float:
        """Say by how much a value misses the wish, as a share of the limit (of 1 where that is 0).

        Args:
            value: Of the measure; None, or a value that is not finite, where there is none.

        Returns:
            From -`MOST` to 0 where the wish is fulfilled, from `LEAST` to `MOST` where it is not.
        """
        if value is None or not math.isfinite(value):
            return UNMEASURED
        far = min(abs(value - self.limit) / (abs(self.limit) or 1.0), MOST)
        return 0.0 - far if _SIGNS[self.sign](value, self.limit) else max(far, LEAST)

    def told(self, value: float | None) -> str:
        """Say what there is and what was wanted, such as ``coverage 0.31, wanted >= 0.5``."""
        if value is None or not math.isfinite(value):
            return f"{self.measure} not measured, wanted {self.text}"
        return f"{self.measure} {_shown(value, self.limit)}, wanted {self.text}"


def condition(text: str) -> str:
    """Bring a condition into its usual form: ``>=0.5`` becomes ``>= 0.5``.

    Raises:
        ValueError: If it is none.
    """
    found = _CONDITION.fullmatch(text)
    if found is None or not math.isfinite(float(found[2])):
        raise ValueError(f"must be >=, <=, > or < and a number, such as '>= 0.5'; got {text!r}")
    return f"{found[1]} {found[2].replace('_', '')}"


def known_measure(name: str) -> str:
    """Return the name of a measure, checked.

    Raises:
        ValueError: Listing the measures.
    """
    if name not in MEASURES:
        raise ValueError(
            f"unknown measure '{name}'{did_you_mean(name, list(MEASURES))} (there are: {', '.join(MEASURES)})"
        )
    return name


def wishes_of(conditions: Mapping[str, str]) -> tuple[Wish, ...]:
    """Make wishes of conditions by measure.

    Raises:
        ValueError: If a measure or a condition is none.
    """
    return tuple(Wish(known_measure(name), condition(text)) for name, text in conditions.items())


def conditions(given: Mapping[str, str]) -> dict[str, str]:
    """Bring conditions by measure into their usual form.

    Raises:
        ValueError: If a measure or a condition is none.
    """
    return {wish.measure: wish.text for wish in wishes_of(given)}


def misses(wishes: Iterable[Wish], row: Mapping[str, Any]) -> tuple[float, ...]:
    """Say by how much a row of ``results`` misses each wish; see `Wish.miss`."""
    return tuple(wish.miss(row.get(wish.measure)) for wish in wishes)


def missed(found: Iterable[float]) -> float:
    """Add up by how much wishes are missed; 0 where all are fulfilled."""
    return math.fsum(miss for miss in found if miss > 0)


def broken(wishes: Sequence[Wish], row: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which wishes a row of ``results`` breaks, in words."""
    return tuple(
        wish.told(row.get(wish.measure))
        for wish, miss in zip(wishes, misses(wishes, row), strict=True)
        if miss > 0
    )


def in_full(wishes: Iterable[Wish]) -> bool:
    """Tell whether a wish needs measurements in full, of stopped trials too."""
    return any(MEASURES[wish.measure].in_full for wish in wishes)


def _shown(value: float, limit: float) -> str:
    """Write a value with so many digits that it does not look like the limit where it is not."""
    if float(value).is_integer() and 1000 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    written = (formatting.number(value, digits) for digits in (4, 8, 17))
    return next(text for text in written if value == limit or float(text) != limit)
