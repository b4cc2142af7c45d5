"""Searches that were tried and are no part of the product: other values at rungs, other ways to draw keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from sweep.driver.rungs import Rungs
from sweep.records.snapshots import Seen, best
from sweep.records.trial_state import Trial
from sweep.search import samplers
from sweep.search.tpe import ArrayTPESampler
from sweep.spec.distributions import Categorical, Distribution, stored

Distributions = dict[str, BaseDistribution]


@dataclass(frozen=True)
class Trick:
    """What a variant does otherwise.

    Attributes:
        best: Whether a rung compares the best value so far instead of the one there.
    """

    best: bool = False


class Tried(Rungs):
    """The rungs of a running sweep with a variant."""

    trick: Trick = Trick()

    def _enter(self, trial: Trial, seen: Seen) -> bool:
        if self.trick.best and (lowest := best(trial.seen)):
            seen = replace(lowest, kimg=seen.kimg, variety=seen.variety)
        return super()._enter(trial, seen)


class Joint(ArrayTPESampler):
    """TPE that draws together what all trials have, and each conditional key by itself."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Distributions:
        """Give the distributions of keys without conditions."""
        every = super().infer_relative_search_space(study, trial)
        return {name: one for name, one in every.items() if not self._space[name].when}


class Hierarchy(ArrayTPESampler):
    """TPE that draws the keys that others depend on first, and then all that is active with them together."""

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Distributions
    ) -> dict[str, Any]:
        """Draw parameters."""
        deciders = {path for one in self._space.values() for path in one.when}
        drawn: dict[str, Any] = {}
        for path in filter(deciders.__contains__, self._space):
            if path in search_space and path in self._active(drawn):
                drawn |= self._sample_relative(study, trial, {path: search_space[path]})
        rest = (set(self._active(drawn)) - deciders) & search_space.keys()
        return drawn | self._sample_relative(
            study, trial, {path: search_space[path] for path in sorted(rest)}
        )

    def _active(self, drawn: dict[str, Any]) -> dict[str, Any]:
        """Find the keys that are active with the values drawn so far."""

        def pick(path: str, one: Distribution) -> Any:
            if isinstance(one, Categorical):
                return next(
                    (known for known in one.choices if stored(known) == drawn.get(path)), one.choices[0]
                )
            return drawn.get(path)

        return self._space.walk(pick)


BLOCKS = {"joint": Joint, "group": ArrayTPESampler, "hierarchy": Hierarchy}


@contextmanager
def drawing(how: str) -> Iterator[None]:
    """Let TPE draw conditional keys in one of the ways of `BLOCKS`."""
    shipped, samplers.ArrayTPESampler = samplers.ArrayTPESampler, BLOCKS[how]
    try:
        yield
    finally:
        samplers.ArrayTPESampler = shipped
