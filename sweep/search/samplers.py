"""Optuna samplers that are pure functions of (seed, trial number, history), so that a search can be resumed.

A fresh sampler draws each trial. The state that Optuna's own samplers carry from one trial to the next outside of the
trials themselves (a random generator, the pickled optimizer of CMA-ES, the visited grid cells) would be lost with the
process, or be code in a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler
from optuna.trial import FrozenTrial

from sweep.search.auto import suits_gp
from sweep.search.cma import CmaSampler, Replay
from sweep.search.draws import PROPOSALS
from sweep.search.tpe import ArrayTPESampler, Observed
from sweep.spec.sections import SearchConfig
from sweep.spec.space import Space


@dataclass
class Kept:
    """What is kept from one question to the next: all of it follows from the trials, and spares reading them anew."""

    observed: Observed = field(default_factory=Observed)
    replay: Replay = field(default_factory=Replay)


def sampler_for(
    search: SearchConfig,
    space: Space,
    number: int,
    kept: Kept,
    grid: Sequence[Mapping[str, Any]],
    points: Sequence[Mapping[str, Any]] = (),
    attempt: int = 0,
) -> BaseSampler:
    """Make the sampler of one trial.

    Args:
        search: The kind of sampler and the seed of the search.
        space: What is searched.
        number: The 0-based number of the trial.
        kept: What the questions before have left.
        grid: For the sampler ``grid``: the parameters of each trial, as Optuna stores them.
        points: The parameters of the first trials, as Optuna stores them; a key that a point leaves out is drawn at
            random.
        attempt: How often its configuration was drawn before, and not taken.
    """
    entropy = [search.seed, number, *([attempt] if attempt else [])]
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    if number < len(points):
        return FixedSampler(points[number], RandomSampler(seed=seed))
    if search.sampler == "grid":
        return FixedSampler(grid[number])
    if search.sampler == "random" or attempt >= PROPOSALS:
        return RandomSampler(seed=seed)
    if search.sampler == "gp" or (
        search.sampler == "auto" and suits_gp(space, number, kept.observed.complete)
    ):
        return GPSampler(seed=seed, warn_independent_sampling=False)
    if search.sampler == "cmaes":
        return CmaSampler(space, search.seed, seed, kept.replay)
    return ArrayTPESampler(seed, kept.observed, space)


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
