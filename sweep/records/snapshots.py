"""The rules that say which evaluations of a trial are worth a snapshot of its generator, and which one is its best.

A trial is measured many times, and its last evaluation is seldom its best. So a trial keeps the generator of its best
healthy evaluation, even if it collapses afterwards. KID does not depend on the number of pictures, so the lowest KID is
the best, on however few pictures it was measured. FID falls with the number of pictures, so that only values on equally
many pictures compare: the lowest FID for each number is kept, unless one on fewer pictures was as low already. What is
said of KID holds for every metric that does not fall, what is said of FID for every one that does
(`ganlib.names.METRICS`).

The value that made a generator the best is too good on average, because the generator was chosen for that low value.
When the trial has ended the generator is therefore measured once more, at the full number of pictures, from latents
that played no part in the choice. This second value is the trial's **result** (`sweep.worker.result`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganlib.clock import reached
from ganlib.metrics.score import variety
from ganlib.names import METRICS
from ganlib.training.ladder import Ladder, count_at

STEEP = 2.0
"""The number of standard errors by which a trial that is still improving ends below its earlier values."""
STEEP_SHARE = 0.05
"""The share of the value by which a trial that is still improving ends below, for a metric without standard error."""
LAST_PART = 0.25
"""The last part of a trial's budget, in which a trial that is still improving has improved."""

LAST_THIRD = 1 / 3
"""The last part of a trial's training so far, in which one that is worth more of it had its best value."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A healthy evaluation of a trial.

    Attributes:
        kimg: How far the trial had trained.
        value: The searched metric, finite; smaller is better.
        n_fake: Number of generated pictures.
        se: The standard error of the value; None for a metric without one.
        variety: `ganlib.metrics.score.variety` of its pictures, a share of that of real ones; None if not known.
    """

    kimg: float
    value: float
    n_fake: int
    se: float | None = None
    variety: float | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any], metric: str) -> "Seen | None":
        """Read an evaluation from a row of ``metrics``.

        Args:
            row: The row.
            metric: The searched metric, one of `ganlib.names.METRICS`.

        Returns:
            The evaluation; None where its metric is no finite number, or the trial was called dead at it.
        """
        value = finite(row.get(metric))
        if row.get("verdict") is not None or value is None:
            return None
        varied = variety(row.get("vendi"), row.get("real_vendi"))
        return cls(row["kimg"], value, row.get("n_fake") or 0, error_in(row, metric), varied)


def finite(value: float | None) -> float | None:
    """Give a number of the records, or None for one that is missing, infinite or not a number."""
    return value if value is not None and math.isfinite(value) else None


def error_in(row: Mapping[str, Any], metric: str) -> float | None:
    """Look up the standard error of a metric in a row of ``metrics`` or ``results``; None where there is none."""
    name = METRICS[metric].error
    return finite(row.get(name)) if name else None


def best(seen: Iterable[Seen]) -> Seen | None:
    """Find the evaluation with the lowest value, the earliest of equals; None without evaluations."""
    return min(seen, key=lambda one: (one.value, one.kimg), default=None)


def candidates(seen: Iterable[Seen], metric: str) -> list[Seen]:
    """Choose the evaluations of a trial whose generators are kept.

    Args:
        seen: The healthy evaluations of the trial so far.
        metric: The searched metric, one of `ganlib.names.METRICS`.

    Returns:
        The evaluations by rising number of pictures: at most one for KID, at most one for each number for FID.
    """
    seen = list(seen)
    if not METRICS[metric].falls:
        lowest = best(seen)
        return [lowest] if lowest else []
    kept: list[Seen] = []
    for count in sorted({one.n_fake for one in seen}):
        lowest = best(one for one in seen if one.n_fake == count)
        if lowest and (not kept or lowest.value < kept[-1].value):
            kept.append(lowest)
    return kept


def compared(seen: Iterable[Seen], ladder: Ladder, end: float) -> list[Seen]:
    """List the evaluations of a trial that are compared with those of others at rungs.

    Its last one is not among them where there is a ladder: only that one is measured in full.

    Args:
        seen: The healthy evaluations of the trial.
        ladder: That of the sweep.
        end: The trial's budget, in kimg.
    """
    return [one for one in seen if not ladder or not reached(one.kimg, end)]


def fair(one: Seen, metric: str, ladder: Ladder, n_fake: int, rung: float) -> bool:
    """Say whether an evaluation compares with those of others at a rung, for a metric that falls: not on more pictures.

    A trial that came to its end before the budget was made longer may have been measured on more.

    Args:
        one: The evaluation.
        metric: The searched metric, one of `ganlib.names.METRICS`.
        ladder: That of the sweep.
        n_fake: Pictures of a full measurement.
        rung: In kimg.
    """
    return not METRICS[metric].falls or one.n_fake <= count_at(ladder, n_fake, rung)


def peaked(seen: Sequence[Seen], patience: float) -> bool:
    """Say whether a trial has been no better than before for some time, by its own error.

    An evaluation counts as better where it is below the last one that did by more than its standard error.

    Args:
        seen: The healthy evaluations of the trial so far, oldest first.
        patience: The time in kimg from the last better evaluation to the newest one.
    """
    if not seen:
        return False
    last = seen[0]
    for one in seen:
        if one.value < last.value - (one.se or 0.0):
            last = one
    return reached(seen[-1].kimg - last.kimg, patience)


def recent(seen: Sequence[Seen], kimg: float) -> bool:
    """Say whether a trial that has trained for so many kimg had its best value in the last third of them."""
    lowest = best(seen)
    return lowest is not None and lowest.kimg > kimg * (1 - LAST_THIRD)


def still_improving(seen: Sequence[Seen], budget: float) -> bool:
    """Say whether a trial that reached its budget was getting better until its end.

    The best value of the last quarter must be clearly below all values before. For a metric that depends on the number
    of pictures, only evaluations on equally many pictures are compared.

    Args:
        seen: The healthy evaluations of the trial, oldest first.
        budget: The budget of the trial, in kimg.
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
