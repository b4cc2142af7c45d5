"""Judge the times of a sweep before it starts: refuse what cannot be meant, note what is probably not meant."""

import math
from collections.abc import Iterator
from typing import Any

from ganlib.clock import kimg_of, reached
from ganlib.errors import RequestError
from sweep.formatting import amount
from sweep.spec.distributions import Categorical, Distribution
from sweep.spec.schedule import Schedule
from sweep.spec.specification import Spec

SHORT_KIMG = 40
"""Below so many thousand pictures shown, generators have hardly more than blobs to show (at 32 px)."""
SHORT_TRANSLATION_KIMG = 3
"""Below so many, translators have hardly begun to draw (at 64 px)."""
MANY_EPOCHS = 500
"""From so many repetitions on, a discriminator knows the pictures by heart."""


def check(spec: Spec, images: int) -> None:
    """Refuse rungs that come before the first evaluation, in whichever units they are.

    Raises:
        RequestError: saying both times in both units.
    """
    if spec.asha is None:
        return
    at = spec.schedule(images)
    grace = kimg_of(spec.asha.grace, spec.asha.unit, images)
    if not reached(grace, at.interval):
        raise RequestError(
            f"asha.grace is {at.both(grace)}, but the first evaluation comes at {at.both(at.interval)} "
            "(evaluate.every): trials can only be compared where they are evaluated. Raise asha.grace to at least "
            f"{at.said_in(spec.asha.unit, at.interval)}, or lower evaluate.every to at most "
            f"{at.said_in(spec.evaluate.unit, grace)}"
        )


def notes(spec: Spec, images: int) -> list[str]:
    """Note what is allowed and probably not meant, a sentence each, with the key to change."""
    return [*_of_asha(spec, images), *_of_budget(spec, images), *_never(spec, spec.schedule(images))]


def budget_key(spec: Spec, images: int) -> tuple[str, str]:
    """Find the key that says when trials end, and its unit."""
    ends: list[tuple[float, str, str]] = []
    if spec.asha and spec.asha.max:
        kimg = kimg_of(spec.asha.max, spec.asha.unit, images)
        ends.append((kimg, "asha.max", spec.asha.unit))
    for unit, factor in (("epochs", images / 1000), ("kimg", 1.0)):
        values = [{**spec.plain, **point}.get(f"train.{unit}") for point in spec.configs or [{}]]
        given = [value for value in values if value is not None]
        ends += [(max(given) * factor, f"train.{unit}", unit)] if given else []
    return min(ends)[1:]


def _of_asha(spec: Spec, images: int) -> Iterator[str]:
    at = spec.schedule(images)
    if spec.asha is None or at.comparisons:
        return
    key, _ = budget_key(spec, images)
    if at.rungs:
        why = (
            f"the first evaluation at or after the rung at {at.both(at.rungs[0])} is the last one, at "
            f"{at.both(at.budget)}; lower asha.grace or evaluate.every ({at.both(at.interval)})"
        )
    else:
        grace = kimg_of(spec.asha.grace, spec.asha.unit, images)
        why = (
            f"asha.grace, {at.both(grace)}, is not before the end, {at.both(at.budget)} ({key}); lower asha.grace, "
            f"raise {key}, or leave out asha"
        )
    yield f"nobody is compared and stopped early, so that asha saves nothing: {why}"


def _of_budget(spec: Spec, images: int) -> Iterator[str]:
    at = spec.schedule(images)
    key, unit = budget_key(spec, images)
    epochs = at.budget * 1000 / images
    if not reached(epochs, 1):
        yield (
            f"short: {at.both(at.budget)} is not even one look at each of the {images:,} pictures; raise {key} to at "
            f"least {at.said_in(unit, images / 1000)}"
        )
    elif at.budget < (least := SHORT_TRANSLATION_KIMG if spec.photos else SHORT_KIMG):
        little = "hardly a change of the photographs" if spec.photos else "little more than blobs"
        yield (
            f"short: {at.both(at.budget)} gives {little}; for {least} kimg of {images:,} pictures "
            f"raise {key} to {at.said_in(unit, least)}"
        )
    elif epochs > MANY_EPOCHS and spec.search.time is None:
        yield (
            f"long: {at.both(at.budget)} shows each of the {images:,} pictures {amount(epochs)} times, which a "
            f"discriminator learns by heart; lower {key}, or add pictures"
        )
    if not reached(at.budget, at.interval):
        yield (
            f"evaluate.every, {at.both(at.interval)}, is longer than training, {at.both(at.budget)}: trials are "
            "evaluated once, at their end; lower evaluate.every"
        )


def _never(spec: Spec, at: Schedule) -> Iterator[str]:
    """Keys whose time comes after the end of training, in every trial."""
    end = f"after the end, {at.both(at.budget)}"
    late = [float(place) for place in _least(spec, "train.milestones", _first) or ()]
    if late and min(late) * at.images / 1000 >= at.budget:
        first = at.both(min(late) * at.images / 1000)
        yield f"train.milestones begin at {first}, {end}: the learning rates stay as they are; lower them"
    batch = _least(spec, "train.batch_size")
    warmup, steps = spec.collapse.warmup_steps, math.ceil(at.budget * 1000 / batch)
    if spec.collapse.enabled and warmup >= steps:
        yield (
            f"collapse.warmup_steps is {warmup:,}, and a trial has {steps:,} steps: no run is ever called collapsed; "
            "lower it"
        )
    grow = _least(spec, "train.grow_kimg", lambda value: value or math.inf)
    if grow:
        fade = _least(spec, "train.fade_kimg", lambda value: grow if value is None else value)
        grown = (math.log2(spec.data.size) - 2) * (grow + (grow if fade is None else fade))
        if grown >= at.budget:
            yield (
                f"networks that grow have their full size from {at.both(grown)} on, {end}: lower train.grow_kimg"
            )
        elif at.comparisons and at.comparisons[0] < grown:
            yield (
                f"trials are compared at {at.both(at.comparisons[0])}, before networks that grow have their full size "
                f"at {at.both(grown)}: raise asha.grace, or lower train.grow_kimg"
            )
    if _searched_or(spec, "train.ada_target") and (ada := _least(spec, "train.ada_kimg")) > at.budget:
        yield (
            f"train.ada_kimg, {at.both(ada)}, is {end}: adaptive augmentation reaches at most "
            f"{at.budget / ada:.0%}; lower it"
        )


def _values(spec: Spec, path: str) -> list[Any]:
    """List the values that a key may have, or the ends of its range."""
    distribution: Distribution | None = spec.space.get(path)
    given = [point[path] for point in spec.configs if path in point]
    if distribution is None:
        return [*given, spec.plain[path]]
    if isinstance(distribution, Categorical):
        return [*given, *distribution.choices]
    return [*given, distribution.low, distribution.high]


def _least(spec: Spec, path: str, order: Any = None) -> Any:  # noqa: ANN401 - whatever the field holds
    return min(_values(spec, path), key=order)


def _searched_or(spec: Spec, path: str) -> bool:
    return any(_values(spec, path))


def _first(places: Any) -> float:  # noqa: ANN401 - a list of numbers
    return min(places, default=math.inf)
