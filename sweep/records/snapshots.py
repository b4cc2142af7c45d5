"""Which moments of a trial are kept, and which of them is its best: the rules, without files.

A trial is measured many times, and its last evaluation is seldom its best. So it keeps the generator of its best
healthy evaluation, whatever becomes of it afterwards. KID does not depend on the number of pictures, so its lowest
value is the best, on however few pictures it was seen. FID falls with that number; its values compare only on equally
many, so the lowest for each number is kept, unless one on fewer pictures, where FID is higher, was as low already.

The value that made a generator the best is too good on average, because it was chosen for being low. When the trial has
ended the generator is therefore measured once more, at the full number of pictures, from latents that played no part in
choosing it: that is the trial's **result** (`sweep.worker.result`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganlib.clock import reached

STEEP = 2.0
"""A trial is still improving if it ends this many standard errors below all that it had before."""
STEEP_SHARE = 0.05
"""The same for a metric without a standard error, as a share of the value."""
LAST_PART = 0.25
"""The part of a trial at whose end it must have improved, to be called still improving."""


@dataclass(frozen=True)
class Seen:
    """A healthy evaluation of a trial.

    Attributes:
        kimg: Where it was.
        value: The searched metric, finite; smaller is better.
        n_fake: Generated pictures.
        se: The standard error of the value; None for a metric without one.
    """

    kimg: float
    value: float
    n_fake: int
    se: float | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any], metric: str) -> "Seen | None":
        """The evaluation in a row of ``metrics``; None where it has no number, or the run was called dead at it."""
        value = row.get(metric)
        if row.get("verdict") is not None or value is None or not math.isfinite(value):
            return None
        se = row.get("kid_se") if metric == "kid" else None
        se = se if se is not None and math.isfinite(se) else None
        return cls(row["kimg"], value, row.get("n_fake") or 0, se)


def best(seen: Iterable[Seen]) -> Seen | None:
    """Return the lowest evaluation, the earliest of equals; None where there is none."""
    return min(seen, key=lambda one: (one.value, one.kimg), default=None)


def candidates(seen: Iterable[Seen], metric: str) -> list[Seen]:
    """Return the evaluations whose generators are kept, by rising number of pictures.

    Args:
        seen: Those of one trial so far.
        metric: ``kid`` or ``fid``.
    """
    seen = list(seen)
    if metric == "kid":
        lowest = best(seen)
        return [lowest] if lowest else []
    kept: list[Seen] = []
    for count in sorted({one.n_fake for one in seen}):
        lowest = best(one for one in seen if one.n_fake == count)
        if lowest and (not kept or lowest.value < kept[-1].value):
            kept.append(lowest)
    return kept


def still_improving(seen: Sequence[Seen], budget: float) -> bool:
    """Say whether a trial that reached its budget was getting better until its end.

    The best of its last quarter must be clearly below everything before; of a metric that depends on the number of
    pictures, evaluations on as many are compared.

    Args:
        seen: Its healthy evaluations.
        budget: Where it ended, in kimg.
    """
    late = [one for one in seen if one.kimg > budget * (1 - LAST_PART)]
    lowest = best(late)
    if lowest is None or not seen or not reached(seen[-1].kimg, budget):
        return False
    early = [one for one in seen if one.kimg <= budget * (1 - LAST_PART)]
    if lowest.se is None:
        early = [one for one in early if one.n_fake == lowest.n_fake]
    before = best(early)
    if before is None:
        return False
    if lowest.se is None or before.se is None:
        return lowest.value < before.value * (1 - STEEP_SHARE)
    return before.value - lowest.value > STEEP * math.hypot(lowest.se, before.se)
