"""What replays of a search say: medians and shares with intervals by bootstrap over replays."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.search.replay import Spent

RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def plain(self) -> list[float | None]:
        """Give the figure and its interval as JSON has it, None for what is not finite."""
        return [round(one, 4) if math.isfinite(one) else None for one in (self.value, self.low, self.high)]


def bootstrap(
    samples: Sequence[Sequence[float]], figure: Callable[..., float], resamples: int = RESAMPLES
) -> Interval:
    """Compute a figure of several lists of replays, each resampled by itself.

    Args:
        samples: One value a replay; several lists are independent of each other.
        figure: Computes the figure from an array for each list.
        resamples: How often.
    """
    draw, arrays = np.random.default_rng(0), [np.asarray(one, dtype=float) for one in samples]
    found = [figure(*(one[draw.integers(0, len(one), len(one))] for one in arrays)) for _ in range(resamples)]
    low, high = _quantile(found, 0.025), _quantile(found, 0.975)
    return Interval(figure(*arrays), low, high)


def _quantile(values: Sequence[float], share: float) -> float:
    return float(sorted(values)[min(int(share * len(values)), len(values) - 1)])


def median(values: np.ndarray) -> float:
    """Compute a median of which infinite values are a part."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def ratio(first: np.ndarray, second: np.ndarray) -> float:
    """Divide the medians of two lists; 0 where the second is infinite."""
    return median(first) / median(second)


@dataclass(frozen=True)
class Figures:
    """What is said of one way to search.

    Attributes:
        reached: Training until the target, in kimg, of each replay; infinite where it was not reached.
        best: The best result after the budget, of each replay.
        lost: Winners that were wrongly stopped within the budget, of each replay.
        trials: Trials with a result within the budget, of each replay.
    """

    reached: list[float]
    best: list[float]
    lost: list[float]
    trials: list[float]

    @classmethod
    def of(cls, replays: Sequence[Spent], target: float, budget: float) -> "Figures":
        """Measure replays."""
        return cls(
            [one.to_reach(target) for one in replays],
            [one.best(budget) for one in replays],
            [float(one.lost_winners(budget)) for one in replays],
            [float(len({trial for kimg, trial, _ in one.found if kimg <= budget})) for one in replays],
        )

    def plain(self, baseline: "Figures | None" = None, limit: float = math.inf) -> dict[str, object]:
        """Give the figures with intervals.

        Args:
            baseline: What is said how many times less training than it was needed.
            limit: What a baseline that never reached the target counts as, in kimg.
        """

        def mean(values: np.ndarray) -> float:
            return float(np.mean(values))

        told: dict[str, object] = {
            "replays": len(self.best),
            "kimg_to_reach": bootstrap([self.reached], median).plain(),
            "share_that_reached": round(float(np.mean(np.isfinite(self.reached))), 3),
            "best_at_budget": bootstrap([self.best], median).plain(),
            "lost_winners": bootstrap([self.lost], mean).plain(),
            "trials_at_budget": round(mean(np.array(self.trials)), 1),
        }
        if baseline is not None:
            told["times_less"] = bootstrap([np.minimum(baseline.reached, limit), self.reached], ratio).plain()
        return told
