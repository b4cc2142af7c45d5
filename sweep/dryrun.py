"""``sweep run --dry-run``: what a sweep would do, without training, data or Ray."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ganlib.config import AVATARS
from sweep.asha import expected_survivors
from sweep.search import preview
from sweep.sections import NOT_SEARCHABLE
from sweep.spec import Spec
from sweep.yamltree import inline

SAMPLES = 5


@dataclass(frozen=True)
class Ladder:
    """The rungs in one unit, and how many trials are expected at each.

    Attributes:
        unit: ``epochs`` or ``kimg``.
        budget: How long a trial trains at most.
        rungs: (place, trials that arrive, trials expected to go on), rising.
    """

    unit: str
    budget: float
    rungs: list[tuple[float, float, float]]

    @property
    def share(self) -> float:
        """The expected training of the whole sweep over that of as many full trials."""
        if not self.rungs:
            return 1.0
        trials, done, before = self.rungs[0][1], 0.0, 0.0
        for place, arriving, _ in self.rungs:
            done += arriving * (place - before)
            before = place
        return (done + self.rungs[-1][2] * (self.budget - before)) / (trials * self.budget)


def ladder(spec: Spec, trials: int) -> Ladder | None:
    """The rungs as a trial's clock counts them, or in epochs while the number of pictures is not known.

    Returns:
        None where it takes the number of pictures to compare the rungs with the budget.
    """
    values = [spec.plain, *spec.configs]
    units = {unit for unit in ("kimg", "epochs") for at in values if at.get(f"train.{unit}") is not None}
    units |= {spec.asha.unit} if spec.asha else set()
    if spec.data.count is not None and (isinstance(spec.data.source, str) or AVATARS not in spec.data.source):
        unit, images = "kimg", spec.data.count
    elif len(units) == 1:
        unit, images = units.pop(), 1000  # with 1000 pictures an epoch is one kimg: the number is in either
    else:
        return None
    rungs = spec.rungs(images)
    expected = expected_survivors(trials, rungs, spec.asha.reduction) if spec.asha else []
    arriving = [float(trials), *(number for _, number in expected)]
    steps = [(place, before, after) for (place, after), before in zip(expected, arriving, strict=False)]
    return Ladder(unit, spec.budget(images), steps)


def trials_of(spec: Spec) -> int:
    """How many trials the search has: a grid may have fewer than were asked for."""
    cells = spec.space.grid() if spec.search.sampler == "grid" else None
    return spec.search.trials if cells is None else min(spec.search.trials, len(cells))


def describe(spec: Spec, as_json: bool = False) -> None:
    """Print the resolved spec, what is searched, the rungs, and the first few configurations."""
    print(json.dumps(facts(spec)) if as_json else "\n".join(_lines(spec)))


def facts(spec: Spec) -> dict[str, Any]:
    """The same as plain values."""
    trials = trials_of(spec)
    steps = ladder(spec, trials)
    return {
        "name": spec.name,
        "spec": spec.to_plain(),
        "trials": trials,
        "unit": steps and steps.unit,
        "budget": steps and steps.budget,
        "rungs": steps
        and [
            {"at": at, "arriving": arriving, "going_on": going_on} for at, arriving, going_on in steps.rungs
        ],
        "expected_training": steps and steps.share,
        "samples": preview(spec.space, spec.search, SAMPLES, spec.configs),
    }


def _lines(spec: Spec) -> Iterator[str]:
    trials = trials_of(spec)
    yield "# The spec with every default"
    yield spec.to_yaml()
    given = len(spec.configs)
    if given and given == trials:
        yield f"# {trials} trials, each with a configuration that is given"
    else:
        first = f", after {given} given configurations" if given else ""
        yield f"# Searched by {spec.search.sampler}{first}, {trials} trials, seed {spec.search.seed}"
    width = max((len(path) for path in spec.space), default=0)
    for path, distribution in spec.space.items():
        yield f"{path:{width}}  {inline(distribution.plain())}{_when(distribution.when)}"
    if not spec.space:
        yield "nothing: all trials have the same configuration and differ by their seed"
    yield ""
    yield from _rung_lines(spec, trials)
    samples = preview(spec.space, spec.search, SAMPLES, spec.configs)
    yield f"\n# The first {len(samples)} configurations, while none has ended"
    for number, params in enumerate(samples):
        yield f"{number}: " + ", ".join(f"{path} {_short(value)}" for path, value in params.items())
    yield "\nNothing was trained."


def _rung_lines(spec: Spec, trials: int) -> Iterator[str]:
    steps = ladder(spec, trials)
    if steps is None:
        yield "# Rungs"
        yield "they depend on the number of pictures, which 'sweep data' counts"
        return
    own = any(path in NOT_SEARCHABLE for point in spec.configs for path in point)
    who = "the longest trial" if own else "every trial"
    yield f"# Rungs; {who} ends at {steps.budget:g} {steps.unit}"
    for place, arriving, going_on in steps.rungs:
        yield f"{place:g} {steps.unit}: about {arriving:.0f} trials arrive, {going_on:.0f} go on"
    if steps.rungs:
        yield f"expected training: {steps.share:.0%} of that of {trials} full trials"
    else:
        yield "none: every trial is trained to its end, unless it collapses"


def _when(conditions: Mapping[str, tuple[Any, ...]]) -> str:
    if not conditions:
        return ""
    parts = (f"{path} is {' or '.join(map(inline, values))}" for path, values in conditions.items())
    return f"  when {' and '.join(parts)}"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else inline(value)
