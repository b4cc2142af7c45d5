"""How many pictures are compared: real ones, and those of a subset. Without torch, for what only plans."""

from ganlib.config import EvaluateConfig

MIN_REAL = 2048
"""Least number of real pictures that are used, where there are so many and the configuration names no number."""
SUBSET_SIZE = 1000
"""Pictures of each set in a subset, where there are enough."""


def count_real(config: EvaluateConfig, available: int) -> int:
    """Count the real pictures of those available that are compared with: what is asked for, or all if there are fewer.

    By default as many are left as the floor needs, if possible.
    """
    if config.n_real is not None:
        return min(config.n_real, available)
    wanted = max(config.n_fake, MIN_REAL)
    return min(wanted, available - config.n_fake if available >= 2 * config.n_fake else available)


def usual_size(n: int, m: int, most: int | None = None) -> int:
    """Count the rows in a subset of sets of n and m: ``most``, but at most half of the smaller set (at least 2).

    Without ``most`` it is `SUBSET_SIZE`. Subsets of a whole set would all be equal, and have no spread to tell the
    error by.
    """
    return min(most or SUBSET_SIZE, max(2, min(n, m) // 2))
