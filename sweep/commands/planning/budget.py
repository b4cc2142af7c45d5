"""Find trials and rungs that fit a given time."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sweep.commands.planning.costs import Costs
from sweep.commands.planning.forecast import Range, forecast
from sweep.commands.planning.plan import said
from sweep.formatting import amount
from sweep.spec.problems import SpecError
from sweep.spec.specification import Spec, parse

FEW = 8
"""So many trials are tried at least, before trials are made shorter."""
STEP, STEPS = 1.15, 30
"""Trials are made longer or shorter by this factor, so many times at most."""
SOME, PLAYS = 2000, 40
"""A sweep is played with about so many trials together, and so often at most."""


@dataclass(frozen=True)
class Proposal:
    """A change to a spec that fits the time.

    Attributes:
        what: What is changed, in words.
        overrides: As ``--set`` takes them.
        trials: How many there are then.
        kimg: How long a trial trains at most then.
        wall: How long the sweep takes then.
    """

    what: str
    overrides: tuple[str, ...]
    trials: int
    kimg: float
    wall: Range


class Fit:
    """What fits a time.

    Args:
        spec: The sweep.
        images: How many pictures there are.
        costs: What trials cost.
        limit: Seconds; nine plays of ten and more end within it.
        others: What trials cost on machines of other kinds, where they run as well.
    """

    def __init__(
        self, spec: Spec, images: int, costs: Costs, limit: float, others: Sequence[Costs] = ()
    ) -> None:
        self.spec, self._images, self._costs, self._limit = spec, images, costs, limit
        self._others = others
        self.grid = spec.search.sampler == "grid"
        self._text = spec.to_yaml()

    @cached_property
    def most(self) -> int:
        """So many trials fit as they are; of a grid, which has as many as it has, 1."""
        return 1 if self.grid else _largest(lambda trials: self._fits(self.spec, trials), 10_000)

    def as_many(self) -> Proposal | None:
        """Propose as many trials as fit; None where not one does."""
        if self.grid or not self.most:
            return None
        return self._proposal("as many trials as fit", (f"search.trials={self.most}",), self.spec, self.most)

    def stretched(self, trials: int) -> Proposal | None:
        """Propose so many trials, as long as fit, or as short as is needed; None where no length does."""

        def fits(steps: int) -> bool:
            made = self._scaled(steps)
            return made is not None and self._fits(made[0], trials)

        longer = self._fits(self.spec, trials)
        steps = (
            _largest(fits, STEPS) if longer else next((-down for down in range(1, STEPS) if fits(-down)), 0)
        )
        made = self._scaled(steps) if steps else None
        if made is None:
            return None
        asked = (f"search.trials={trials}",) if trials != self.spec.search.trials else ()
        return self._proposal(f"{'longer' if longer else 'shorter'} trials", asked + made[1], made[0], trials)

    def _scaled(self, steps: int) -> tuple[Spec, tuple[str, ...]] | None:
        overrides = _scaled(self.spec, self._images, STEP**steps)
        try:
            return parse(self._text, overrides=overrides), overrides
        except SpecError:
            return None

    def _fits(self, spec: Spec, trials: int) -> bool:
        return self._wall(spec, trials).high <= self._limit

    def _wall(self, spec: Spec, trials: int) -> Range:
        plays = max(5, min(PLAYS, SOME // trials))
        at = spec.schedule(self._images)
        known, n_fake = len(spec.configs), spec.evaluate.n_fake
        return forecast(at, n_fake, trials, spec.asha, self._costs, plays, known, self._others).wall

    def _proposal(self, what: str, overrides: tuple[str, ...], spec: Spec, trials: int) -> Proposal:
        budget = spec.schedule(self._images).budget
        return Proposal(what, overrides, trials, budget, self._wall(spec, trials))


def proposals(fit: Fit) -> Iterator[Proposal]:
    """Propose as many trials as fit; or, where few do, shorter ones, and where many do, longer ones."""
    if (many := fit.as_many()) is not None:
        yield many
    planned = fit.spec.search.trials
    trials = planned if fit.most >= planned else min(planned, FEW)
    if not fit.grid and trials != fit.most and (other := fit.stretched(trials)) is not None:
        yield other


def balanced(fit: Fit) -> Proposal | None:
    """Propose what uses the time best; None where nothing fits.

    Where there is more than the sweep needs, it goes into more trials and longer ones alike; where there is less, into
    fewer trials, and below a few into shorter ones.
    """
    planned = fit.spec.search.trials
    if fit.grid or fit.most < min(planned, FEW):
        return fit.stretched(planned if fit.grid else min(planned, FEW))
    if fit.most <= planned:
        return fit.as_many()
    return fit.stretched(round(planned * math.sqrt(fit.most / planned))) or fit.as_many()


def _scaled(spec: Spec, images: int, factor: float) -> tuple[str, ...]:
    """Give the times of a spec that all stretch alike: the budget, the rungs, the interval of evaluations."""

    def times(value: float) -> str:
        return f"{float(f'{value * factor:.2g}'):g}"

    found = [f"evaluate.every={times(spec.evaluate.every)}"]
    if spec.asha is not None:
        budget = spec.schedule(images).budget
        longest = budget if spec.asha.unit == "kimg" else budget * 1000 / images
        found += [f"asha.grace={times(spec.asha.grace)}", f"asha.max={times(longest)}"]
        found += [f"asha.patience={times(spec.asha.patience)}"] if spec.asha.patience else []
    for unit in ("kimg", "epochs"):
        value = spec.plain.get(f"train.{unit}")
        if isinstance(value, int | float):
            found.append(f"train.{unit}={times(value)}")
    return tuple(found)


def _largest(fits: Callable[[int], bool], most: int) -> int:
    """Find the largest number up to ``most`` that fits, where all smaller ones do; 0 if not even 1 does."""
    low, high = 0, 1
    while high <= most and fits(high):
        low, high = high, high * 2
    high = min(high, most + 1)
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def told(found: list[Proposal], text: str) -> Iterator[str]:
    """Tell proposals in sentences."""
    yield f"\n# Within {text}"
    for one in found:
        options = " ".join(f"--set {override}" for override in one.overrides)
        yield f"{one.what}: {one.trials} of {amount(one.kimg)} kimg, {said(one.wall)}: {options}"
    if not found:
        yield "not even a few short trials fit"
