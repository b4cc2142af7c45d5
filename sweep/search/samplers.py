"""Optuna samplers that are pure functions of (seed, trial number, history), so that a search can be resumed.

A fresh sampler draws each trial. The state that Optuna's own samplers carry from one trial to the next outside of the
trials themselves (a random generator, the pickled optimizer of CMA-ES, the visited grid cells) would be lost with the
process, or be code in a file.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from sweep.search.tpe import ArrayTPESampler, Observed, rank
from sweep.spec.distributions import Float, Int
from sweep.spec.sections import SearchConfig
from sweep.spec.space import Space


def sampler_for(
    search: SearchConfig,
    space: Space,
    number: int,
    observed: Observed,
    grid: Sequence[Mapping[str, Any]],
    points: Sequence[Mapping[str, Any]] = (),
) -> BaseSampler:
    """Make the sampler of one trial.

    Args:
        search: The kind of sampler and the seed of the search.
        space: What is searched.
        number: The 0-based number of the trial.
        observed: The trials so far, for the sampler ``tpe``.
        grid: For the sampler ``grid``: the parameters of each trial, as Optuna stores them.
        points: The parameters of the first trials, as Optuna stores them; a key that a point leaves out is drawn at
            random.
    """
    seed = int(np.random.SeedSequence([search.seed, number]).generate_state(1)[0])
    if number < len(points):
        return FixedSampler(points[number], RandomSampler(seed=seed))
    if search.sampler == "grid":
        return FixedSampler(grid[number])
    if search.sampler == "random":
        return RandomSampler(seed=seed)
    if search.sampler == "gp":
        return GPSampler(seed=seed, warn_independent_sampling=False)
    if search.sampler == "cmaes":
        return CmaSampler(space, search.seed, seed)
    return ArrayTPESampler(seed, observed)


class FixedSampler(BaseSampler):
    """A sampler of given parameters.

    Args:
        params: The parameters by path, as Optuna stores them.
        others: The sampler of all other parameters; None where there are none.
    """

    def __init__(self, params: Mapping[str, Any], others: BaseSampler | None = None) -> None:
        self._params = dict(params)
        self._others = others

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Name no parameters to be drawn together."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw no parameters together."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # noqa: ANN401 - whatever the distribution holds
        """Give the parameter's value, or draw one with the other sampler."""
        if self._others is not None and param_name not in self._params:
            return self._others.sample_independent(study, trial, param_name, param_distribution)
        return self._params[param_name]


class CmaSampler(BaseSampler):
    """CMA-ES (Hansen 2016, https://arxiv.org/abs/1604.00772) over the numbers that are active in every trial.

    The optimizer is replayed from the ended trials, in the order of their numbers, one population after another. CMA-ES
    needs only ranks, so trials are ranked as TPE ranks them: complete ones by value, then pruned ones, the furthest
    first. Other parameters are drawn uniformly.

    Args:
        space: What is searched.
        search_seed: The seed of the search, with which every trial replays the optimizer.
        seed: The seed of this trial's draws.
    """

    def __init__(self, space: Space, search_seed: int, seed: int) -> None:
        self._numbers = {
            path: distribution
            for path, distribution in space.items()
            if isinstance(distribution, Float | Int) and not distribution.when
        }
        self._search_seed = search_seed
        self._seed = seed
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
        from cmaes import CMA  # here: it imports scipy.stats, which takes as long as all the rest

        size = len(self._numbers)
        optimizer = CMA(
            mean=np.full(size, 0.5),
            sigma=1 / 6,
            bounds=np.tile([0.0, 1.0], (size, 1)),
            seed=self._search_seed,
            n_max_resampling=10 * size,
        )
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        ended = sorted(ended, key=lambda past: past.number)
        population = optimizer.population_size
        for start in range(0, len(ended) - population + 1, population):
            ranked = sorted(ended[start : start + population], key=rank)
            optimizer.tell([(self._to_unit(past.params), float(place)) for place, past in enumerate(ranked)])
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
