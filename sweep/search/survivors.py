"""Estimate how many trials get past each rung."""

import math
from collections.abc import Sequence


def expected_survivors(
    trials: int, rungs: Sequence[float], reduction: float, promote: bool = False
) -> list[tuple[float, float]]:
    """Estimate how many trials go on past each rung when they arrive in an order unrelated to their quality.

    The first trial always goes on. A trial that comes after m others meets a cutoff at position h = (m - 1) / reduction
    of their sorted values; the trial's own rank among the m + 1 is uniform, so that it passes with probability
    (h + 1) / (m + 1).

    Args:
        trials: How many trials start.
        rungs: Where trials are compared, in kimg.
        reduction: The share that goes on is 1/``reduction``, as in `sweep.search.asha.Asha`.
        promote: Whether trials are promoted: then at least the whole 1/``reduction`` go on, one in any case, and a
            few that were overtaken after they had gone on.

    Returns:
        (kimg of the rung, expected number that goes on) for each rung.
    """
    expected: list[tuple[float, float]] = []
    arriving = float(trials)
    for rung in rungs:
        whole = max(min(arriving, 1.0), math.floor(arriving / reduction + 1e-9))
        arriving = whole if promote else _passing(arriving, reduction)
        expected.append((rung, arriving))
    return expected


def _passing(arriving: float, reduction: float) -> float:
    """Estimate how many of the arriving trials pass one rung; linear between whole numbers."""
    passed = min(arriving, 1.0)
    for before in range(1, math.ceil(arriving)):
        share = min(1.0, arriving - before)
        passed += share * ((before - 1) / reduction + 1) / (before + 1)
    return passed
