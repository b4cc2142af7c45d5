"""Find trials and rungs that fit a given time."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ganlib.errors import RequestError
from sweep.commands.planning.costs import Costs
from sweep.commands.planning.forecast import Range, forecast
from sweep.commands.planning.plan import said
from sweep.formatting import amount
from sweep.spec.problems import SpecError
from sweep.spec.specification import Spec, parse

UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0}
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


def seconds(text: str) -> float:
    """Read a length of time such as ``2h``, ``90m``, ``1h30m`` or ``1d``.

    Raises:
        RequestError: if it is none.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)", text)
    total = sum(float(number) * UNITS[unit] for number, unit in parts)
    rest = re.sub(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)", "", text).strip()
    if not parts or rest or not total:
        raise RequestError(f"--budget: '{text}' is no length of time; write 2h, 90m or 1h30m")
    return total


def proposals(spec: Spec, images: int, costs: Costs, limit: float) -> Iterator[Proposal]:
    """Propose as many trials as fit; or, where few do, shorter ones, and where many do, longer ones.

    Args:
        spec: The sweep.
        images: How many pictures there are.
        costs: What trials cost.
        limit: Seconds; nine plays of ten and more end within it.
    """
    grid = spec.search.sampler == "grid"
    most = 1 if grid else _largest(lambda trials: _wall(spec, images, trials, costs).high <= limit, 10_000)
    if not grid and most >= 1:
        yield _proposal("as many trials as fit", (f"search.trials={most}",), spec, images, most, costs)
    trials = spec.search.trials if most >= spec.search.trials else min(spec.search.trials, FEW)
    if grid or trials == most:
        return
    text = spec.to_yaml()

    def scaled(steps: int) -> tuple[Spec, tuple[str, ...]] | None:
        overrides = _scaled(spec, images, STEP**steps)
        try:
            return parse(text, overrides=overrides), overrides
        except SpecError:
            return None

    def fits(steps: int) -> bool:
        made = scaled(steps)
        return made is not None and _wall(made[0], images, trials, costs).high <= limit

    longer = most >= spec.search.trials
    steps = _largest(fits, STEPS) if longer else next((-down for down in range(1, STEPS) if fits(-down)), 0)
    made = scaled(steps) if steps else None
    if made is None:
        return
    overrides = ((f"search.trials={trials}",) if trials != spec.search.trials else ()) + made[1]
    kind = "longer" if longer else "shorter"
    yield _proposal(f"{kind} trials", overrides, made[0], images, trials, costs)


def _proposal(
    what: str, overrides: tuple[str, ...], spec: Spec, images: int, trials: int, costs: Costs
) -> Proposal:
    wall = _wall(spec, images, trials, costs)
    return Proposal(what, overrides, trials, spec.schedule(images).budget, wall)


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


def _wall(spec: Spec, images: int, trials: int, costs: Costs) -> Range:
    plays = max(5, min(PLAYS, SOME // trials))
    return forecast(spec.schedule(images), spec.evaluate.n_fake, trials, spec.asha, costs, plays).wall


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
