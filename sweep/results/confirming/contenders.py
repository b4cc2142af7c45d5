"""Which of some configurations is the best, how sure that is, and which is worth one more run to find out.

Each has the results of a few runs with fresh seeds. Variances of so few are worth little alone, so that each is drawn
towards that of all, as if `PRIOR` more values had been seen of that (Smyth, 2004,
https://doi.org/10.2202/1544-6115.1027); means are then distributed as Student's t around those of the runs. Smaller is
better.

One more run goes to the leader, then to the second, while they have too few to be compared, and then to the
configuration with the largest ratio of the probability that it is better than the leader (the leader: one half) to its
number of runs, until nobody is with more than `OPEN`. `benchmarks/confirming.py` compares this with as many runs for
each: the truly best is found more often, at no greater cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
PRIOR = 4.0
"""So many values is what all configurations together say of the variance of one."""
OPEN = 0.025
"""Below this probability of being better than the leader, a configuration is told apart from it: 95 %, two-sided."""
DRAWS = 20_000


@dataclass(frozen=True)
class Contest:
    """Some configurations and the results of their runs.

    Attributes:
        samples: The results of each configuration, at least one each.
    """

    samples: Sequence[Sequence[float]]

    @cached_property
    def counts(self) -> Array:
        """The number of results of each, shape ``(n,)``."""
        return np.array([len(values) for values in self.samples], float)

    @cached_property
    def means(self) -> Array:
        """The mean of the results of each, shape ``(n,)``."""
        return np.array([np.mean(values) for values in self.samples])

    @property
    def leader(self) -> int:
        """The place of the best mean."""
        return int(self.means.argmin())

    @cached_property
    def _squares(self) -> Array:
        return np.array([np.sum((np.array(values) - np.mean(values)) ** 2) for values in self.samples])

    @cached_property
    def errors(self) -> Array:
        """The standard error of each mean, shape ``(n,)``; infinite where no configuration has two results."""
        free = self.counts - 1
        if not free.sum():
            return np.full(len(self.samples), np.inf)
        together = self._squares.sum() / free.sum()
        return np.asarray(np.sqrt((PRIOR * together + self._squares) / (PRIOR + free) / self.counts))

    @cached_property
    def freedom(self) -> Array:
        """The degrees of freedom of each variance, shape ``(n,)``."""
        free = self.counts - 1
        return np.minimum(PRIOR + free, max(free.sum(), 1.0))

    @cached_property
    def better(self) -> Array:
        """The probability that each is better than the leader, shape ``(n,)``; one half for the leader itself."""
        return np.array([self.beats(place, self.leader) for place in range(len(self.samples))])

    def beats(self, one: int, other: int) -> float:
        """Compute the probability that one configuration is better than another."""
        from scipy.special import stdtr

        behind = float(self.means[one] - self.means[other])
        error = float(np.hypot(self.errors[one], self.errors[other]))
        if behind == 0 or error == 0:
            return 0.5 if behind == 0 else float(behind < 0)
        return float(stdtr(min(self.freedom[one], self.freedom[other]), -behind / error))

    @cached_property
    def best(self) -> Array:
        """The probability that each is the best of all, shape ``(n,)``; the same at every call."""
        if not np.isfinite(self.errors).all():
            return np.full(len(self.samples), 1 / len(self.samples))
        noise = np.random.default_rng(0).standard_t(self.freedom, (DRAWS, len(self.samples)))
        first = (self.means + self.errors * noise).argmin(axis=1)
        return np.bincount(first, minlength=len(self.samples)) / DRAWS

    @property
    def decided(self) -> bool:
        """Whether every other configuration is told apart from the leader."""
        return bool(np.delete(self.better, self.leader).max(initial=0.0) < OPEN)

    def next(self, waiting: Sequence[int], fewest: int) -> int | None:
        """Choose the configuration that gets one more run; None where none is needed now.

        Args:
            waiting: How many runs of each have not ended.
            fewest: Runs without which leader and second are not compared.
        """
        runs = self.counts + np.array(waiting)
        others = np.arange(len(runs)) != self.leader
        if runs[self.leader] < fewest:
            return self.leader
        if len(runs) > 1 and runs[others].max() < fewest:
            return int(np.argmax(np.where(others, self.better, -1.0)))
        return None if self.decided else int(np.argmax(self.better / runs))
