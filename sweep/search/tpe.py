"""TPE whose questions cost the same however many trials there are: it reads arrays in place of trials."""

import math
from bisect import bisect_left, insort
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe import _truncnorm
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.probability_distributions import (
    _BatchedCategoricalDistributions,
    _unique_inverse_2d,
)
from optuna.trial import FrozenTrial, TrialState

from sweep.spec.space import Space

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
GOOD_SHARE, MOST_GOOD = 0.1, 25
"""The share of the ended trials that TPE takes for the good ones, and their highest number: those of `TPESampler`."""

NEGLIGIBLE = -50.0
"""The logarithm of what, added to 1 a hundred thousand times, does not change it in double precision."""
INSIDE = 9.0
"""So many standard deviations from its middle, a normal distribution has no mass in double precision."""
HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)

Values = dict[str, NDArray[np.float64]]
Rank = tuple[float, ...]


def rank(trial: FrozenTrial) -> Rank:
    """Give the sort key by which samplers put ended trials in order, the best first.

    Trials that break a wish stand behind all others, the nearest first, as Optuna's own samplers have it.
    """
    if (missed := sum(miss for miss in trial.constraints.values() if miss > 0)) > 0:
        return (3.0, missed, 0.0)
    if trial.state == TrialState.COMPLETE:
        return (0.0, 0.0, trial.values[0])
    step = trial.last_step
    return (1.0, -float(step), trial.intermediate_values[step]) if step is not None else (2.0, 0.0, 0.0)


class Observed:
    """The trials of a study as arrays: parameters by name, and the ended ones from the best on.

    What it says depends on the trials alone, not on the order in which they ended.
    """

    def __init__(self) -> None:
        self._count = 0
        self._counts = np.zeros(0, dtype=bool)
        self._values: Values = {}
        self._ranked: list[tuple[Rank, int]] = []
        self._ranks: dict[int, Rank] = {}
        self._complete: set[int] = set()

    def note(self, trial: FrozenTrial) -> None:
        """Take in a trial that was just drawn, how it ended, or that it goes on after it had ended."""
        self._make_room(trial.number)
        self._counts[trial.number] = trial.state in (*ENDED, TrialState.RUNNING)
        for name, distribution in trial.distributions.items():
            if name not in self._values:
                self._values[name] = np.full(len(self._counts), math.nan)
            self._values[name][trial.number] = distribution.to_internal_repr(trial.params[name])
        if (old := self._ranks.pop(trial.number, None)) is not None:
            del self._ranked[bisect_left(self._ranked, (old, trial.number))]
        self._complete.discard(trial.number)
        if trial.state == TrialState.COMPLETE:
            self._complete.add(trial.number)
        if trial.state in ENDED:
            self._ranks[trial.number] = rank(trial)
            insort(self._ranked, (self._ranks[trial.number], trial.number))

    @property
    def complete(self) -> int:
        """How many trials have come to their end."""
        return len(self._complete)

    @property
    def ended(self) -> int:
        """How many trials have ended with anything that samplers read."""
        return len(self._ranked)

    def _make_room(self, number: int) -> None:
        self._count = max(self._count, number + 1)
        if (more := self._count - len(self._counts)) > 0:
            more += len(self._counts)
            self._counts = np.append(self._counts, np.zeros(more, dtype=bool))
            for name, values in self._values.items():
                self._values[name] = np.append(values, np.full(more, math.nan))

    def split(self, names: list[str]) -> tuple[Values, Values]:
        """Give the values of some parameters in the good trials, and in all others that have ended or are running.

        Returns:
            The values by parameter as Optuna stores them, in the order of the trials; of trials with all of them.
        """
        good = np.zeros(self._count, dtype=bool)
        most = min(math.ceil(GOOD_SHARE * len(self._ranked)), MOST_GOOD)
        good[[number for _, number in self._ranked[:most]]] = True
        known = self._counts[: self._count].copy()
        columns = {name: self._values[name][: self._count] for name in names if name in self._values}
        if len(columns) < len(names):
            return {name: np.empty(0) for name in names}, {name: np.empty(0) for name in names}
        for values in columns.values():
            known &= ~np.isnan(values)
        below, above = (np.flatnonzero(known & one) for one in (good, ~good))
        return (
            {name: values[below] for name, values in columns.items()},
            {name: values[above] for name, values in columns.items()},
        )


class Estimator(_ParzenEstimator):
    """The density of some trials as Optuna estimates it, in a fraction of the time where they are many.

    Optuna computes a logarithm and an exponential for each candidate and each trial. Most of what is added up depends
    on the trial alone, and where trials are many, nearly all are too far from a candidate to add anything.
    """

    def log_pdf(self, samples_dict: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Give the logarithm of the density at some candidates, shape ``(candidates,)``."""
        mixture = self._mixture_distribution
        of_trials = np.log(mixture.weights)
        table = np.zeros((len(next(iter(samples_dict.values()))), len(of_trials)))
        # One for all: memory that is new to the process takes longer than what is computed there.
        far = np.empty_like(table)
        for name, known in zip(self._search_space, mixture.distributions, strict=True):
            values = samples_dict[name]
            if isinstance(known, _BatchedCategoricalDistributions):
                few, of_candidate = np.log(np.ascontiguousarray(known.weights.T)), values.astype(np.int64)
            elif known.step != 0.0:
                few, of_candidate = _steps(values, known)
            else:
                low, high = known.adapted_low, known.adapted_high
                at = np.log(values) if known.is_log else values
                np.subtract(at[:, None], known.mu, out=far)
                far *= math.sqrt(0.5) / known.sigma
                far *= far
                table -= far
                table[(at < low) | (at > high)] = -math.inf
                mass = _log_mass_inside(low, high, known.mu, known.sigma)
                of_trials -= mass + np.log(known.sigma) + HALF_LOG_2_PI
                continue
            # (With "raise" numpy would take them elsewhere first, and copy.)
            table += few.take(of_candidate, axis=0, out=far, mode="clip")
        table += of_trials
        return _log_sums(table)


def _log_sums(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up each row of a table of logarithms, of shape ``(rows, columns)``, which is overwritten.

    An exponential that underflows takes several times as long as another.
    """
    most = table.max(axis=1)
    most[np.isneginf(most)] = 0.0
    table -= most[:, None]
    flat = table.ravel()
    near = np.flatnonzero(flat > NEGLIGIBLE)
    sums = np.bincount(near // table.shape[1], weights=np.exp(flat[near]), minlength=len(table))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(sums) + most)


def _steps(values: NDArray[np.float64], known: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # noqa: ANN401 - Optuna's, not public
    """Give the logarithm of the mass of each trial's truncated normal distribution in the steps of the candidates.

    Returns:
        The table, of shape ``(steps, trials)``, and which of its rows belongs to each candidate.
    """
    few, of_candidate = np.unique(values, return_inverse=True)
    edges = [few + side * known.step / 2 for side in (-1, 1)]
    left, right = (np.log(edge)[:, None] if known.is_log else edge[:, None] for edge in edges)
    mu, sigma, of_trial = _unique_inverse_2d(known.mu, known.sigma)
    mass = _log_mass(left, right, mu, sigma) - _log_mass(known.adapted_low, known.adapted_high, mu, sigma)
    return np.asarray(mass[:, of_trial]), of_candidate


def _log_mass(
    low: Any,  # noqa: ANN401 - numbers or arrays
    high: Any,  # noqa: ANN401
    mu: NDArray[np.float64],
    sigma: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give the logarithm of the mass of normal distributions between two bounds."""
    return np.asarray(_truncnorm._log_gauss_mass((low - mu) / sigma, (high - mu) / sigma))


def _log_mass_inside(
    low: float, high: float, mu: NDArray[np.float64], sigma: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Do the same for bounds between which most distributions lie whole."""
    mass = np.zeros(len(mu))
    cut = np.flatnonzero(np.minimum(mu - low, high - mu) < INSIDE * sigma)
    mass[cut] = _log_mass(low, high, mu[cut], sigma[cut])
    return mass


class ArrayTPESampler(TPESampler):
    """The multivariate TPE of Optuna with `Observed` for its memory, which draws what Optuna's own would.

    `TPESampler` makes lists of all trials anew for each question, which takes 0.2 s at 10,000 of them. Trials that
    still run count as bad ones, as with its option ``constant_liar``: neighbours in time are not to be neighbours in
    the space. Keys that are active under the same condition are drawn together, from the trials that have them, as
    with its option ``group``; docs/search.md compares that with other ways.

    Args:
        seed: The seed of this trial's draws.
        observed: The trials so far.
        space: What is searched.
    """

    def __init__(self, seed: int, observed: Observed, space: Space) -> None:
        super().__init__(
            seed=seed, multivariate=True, constant_liar=False
        )  # `observed` holds the running ones
        self._observed, self._space = observed, space
        self._parzen_estimator_cls = Estimator

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Give the distributions that are drawn before any is asked for: all that leave a choice."""
        known = ((name, one.optuna()) for name, one in sorted(self._space.items()))
        return {name: distribution for name, distribution in known if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw the keys of each condition together; those that turn out not to be active are not asked for."""
        blocks: dict[tuple[int, str], dict[str, BaseDistribution]] = {}
        for name, distribution in search_space.items():
            condition = sorted(self._space[name].when.items())
            blocks.setdefault((len(condition), repr(condition)), {})[name] = distribution
        return {
            name: value
            for _, block in sorted(blocks.items())
            for name, value in self._sample_relative(study, trial, block).items()
        }

    def _sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw nothing while too few have ended, as Optuna's own does, which counts all trials for it."""
        few = not search_space or self._observed.ended < self._n_startup_trials
        return {} if few else self._sample(study, trial, search_space)

    def _sample(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        below, above = (
            self._parzen_estimator_cls(values, search_space, self._parzen_estimator_parameters)
            for values in self._observed.split(list(search_space))
        )
        drawn = below.sample(self._rng.rng, self._n_ei_candidates)
        chosen = self._compare(drawn, self._compute_acquisition_func(drawn, below, above))
        return {
            name: distribution.to_external_repr(chosen[name]) for name, distribution in search_space.items()
        }
