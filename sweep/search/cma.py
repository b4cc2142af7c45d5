"""CMA-ES as a function of the trials, whose questions cost the same however many trials there are."""

import copy
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from sweep.search.tpe import ENDED, rank
from sweep.spec.distributions import Float, Int
from sweep.spec.space import Space

if TYPE_CHECKING:
    from cmaes import CMA


@dataclass
class Replay:
    """An optimizer of CMA-ES that has been told of the first trials of a study.

    Attributes:
        optimizer: The optimizer; None before the first question.
        played: The number of populations that the optimizer has been told of.
    """

    optimizer: "CMA | None" = None
    played: int = 0


class CmaSampler(BaseSampler):
    """CMA-ES (Hansen 2016, https://arxiv.org/abs/1604.00772) over the numbers that are active in every trial.

    The optimizer is replayed from the ended trials, in the order of their numbers, one population after another. CMA-ES
    needs only ranks, so trials are ranked as TPE ranks them: complete ones by value, then pruned ones, the furthest
    first, then those that break a wish (Optuna's own takes no notice of wishes). Other parameters are drawn uniformly.

    Args:
        space: What is searched.
        search_seed: The seed of the search, with which every trial replays the optimizer.
        seed: The seed of this trial's draws.
        replay: The optimizer as questions before have left it.
    """

    def __init__(self, space: Space, search_seed: int, seed: int, replay: Replay) -> None:
        self._numbers = {
            path: distribution
            for path, distribution in space.items()
            if isinstance(distribution, Float | Int) and not distribution.when
        }
        self._search_seed = search_seed
        self._seed = seed
        self._replay = replay
        self._others = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Give the distributions of the numbers that are active in every trial, which are drawn together."""
        return {path: distribution.optuna() for path, distribution in self._numbers.items()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw one point of the current population."""
        if not self._numbers:
            return {}
        past = [one for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        ended = [one for one in past if one.state in ENDED]
        running = min((one.number for one in past if not one.state.is_finished()), default=trial.number)
        if self._replay.optimizer is None:
            self._replay.optimizer = self._begin()
        population = self._replay.optimizer.population_size
        # What ended before the first that still runs stays as it is: its populations are played once.
        settled = bisect_left(ended, running, key=lambda one: one.number) // population
        self._play(self._replay.optimizer, ended[self._replay.played * population : settled * population])
        self._replay.played = settled
        optimizer = copy.deepcopy(self._replay.optimizer)
        self._play(optimizer, ended[settled * population :])
        optimizer.reseed_rng(self._seed)
        point = optimizer.ask()
        return {
            path: _from_unit(distribution, x)
            for (path, distribution), x in zip(self._numbers.items(), point, strict=True)
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # noqa: ANN401 - whatever the distribution holds
        """Draw a value uniformly."""
        return self._others.sample_independent(study, trial, param_name, param_distribution)

    def _begin(self) -> "CMA":
        from cmaes import CMA  # here: it imports scipy.stats, which takes as long as all the rest

        size = len(self._numbers)
        return CMA(
            mean=np.full(size, 0.5),
            sigma=1 / 6,
            bounds=np.tile([0.0, 1.0], (size, 1)),
            seed=self._search_seed,
            n_max_resampling=10 * size,
        )

    def _play(self, optimizer: "CMA", ended: Sequence[FrozenTrial]) -> None:
        """Tell an optimizer of trials by number, one whole population after another."""
        population = optimizer.population_size
        for start in range(0, len(ended) - population + 1, population):
            ranked = sorted(ended[start : start + population], key=rank)
            optimizer.tell([(self._to_unit(one.params), float(place)) for place, one in enumerate(ranked)])

    def _to_unit(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        return np.array(
            [_to_unit(distribution, params[path]) for path, distribution in self._numbers.items()]
        )


def _ends(distribution: Float | Int) -> tuple[float, float]:
    """Find the interval that is mapped to [0, 1], in which each whole number or step has a cell of its own."""
    half = distribution.step / 2 if distribution.step and not distribution.log else 0.0
    if isinstance(distribution, Int) and distribution.log:
        return math.log(distribution.low - 0.5), math.log(distribution.high + 0.5)
    if distribution.log:
        return math.log(distribution.low), math.log(distribution.high)
    return distribution.low - half, distribution.high + half


def _to_unit(distribution: Float | Int, value: float) -> float:
    low, high = _ends(distribution)
    return ((math.log(value) if distribution.log else value) - low) / (high - low) if high > low else 0.5


def _from_unit(distribution: Float | Int, x: float) -> float | int:
    low, high = _ends(distribution)
    value = low + float(x) * (high - low)
    value = math.exp(value) if distribution.log else value
    if distribution.step and not distribution.log:
        last = round((distribution.high - distribution.low) / distribution.step)
        cell = min(max(round((value - distribution.low) / distribution.step), 0), last)
        value = distribution.low + cell * distribution.step
    value = min(max(value, distribution.low), distribution.high)
    return round(value) if isinstance(distribution, Int) else value
