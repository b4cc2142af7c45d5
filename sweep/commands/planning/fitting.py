"""Fit a spec into a time: measure what it costs here, and change its trials and rungs so that it uses the time."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ganlib.errors import RequestError
from sweep import durations
from sweep.commands.planning.budget import Fit, Proposal, balanced
from sweep.commands.planning.findings import plan_of
from sweep.commands.planning.plan import said
from sweep.commands.planning.sharing import settled
from sweep.commands.timed import LEAST, at_most
from sweep.formatting import amount
from sweep.spec.specification import Spec, parse

ENDS = ("train.epochs", "train.kimg", "train.decay_from", "train.instance_noise")
"""With these it matters for a trial's training where it ends."""
BEYOND = 2.0
"""The best trials may train so many times as far as one comes in all the time by what was measured, which may have been
on a busy machine."""

LONGER, MORE = 1.3, 40
"""By this factor, and so many times at most, a time that is too short is made longer until it would do."""


@dataclass(frozen=True)
class Fitted:
    """A spec that fits a time.

    Attributes:
        spec: With trials and rungs changed, ``search.time``, and a number for ``resources.gpu``.
        overrides: What was changed, as ``--set`` takes it.
        proposal: What is foretold of it.
    """

    spec: Spec
    overrides: tuple[str, ...]
    proposal: Proposal


def fitted(
    spec: Spec, seconds: float, local: bool, say: Callable[[str], None], began: float | None = None
) -> Fitted:
    """Fit a spec into a time on this machine, which is measured for about a quarter of a minute.

    Args:
        spec: The sweep; its pictures need not be prepared.
        seconds: How long it may take, from ``began`` on.
        local: Whether trials run one after another.
        say: Told what it comes to.
        began: When the time began, by `time.monotonic`; None for now.

    Raises:
        RequestError: if the time is too short, or the run would be refused.
        WorkError: if a few steps cannot be timed.
    """
    began = time.monotonic() if began is None else began
    whole = durations.text(seconds)
    if seconds < LEAST:
        raise RequestError(f"{whole} is too short for any sweep: give at least {durations.text(LEAST)}")
    say(f"measuring what fits into {whole} on this machine ...")
    spec = settled(spec, say=say)
    plan, images = plan_of(spec, local)
    left = seconds - (time.monotonic() - began)
    best = balanced(Fit(spec, images, plan.costs, left))
    if best is None:
        enough = _enough(seconds, lambda more: Fit(spec, images, plan.costs, more - (seconds - left)))
        raise RequestError(
            f"{whole} is too short for this sweep here: even a few short trials take longer. Give it {enough}, "
            "smaller pictures (data.size) or a smaller network (model.width); 'sweep plan' shows what trials cost"
        )
    text = durations.text(max(left, 1.0))
    on = open_end(spec, images, max(best.kimg, BEYOND * left / min(plan.costs.per_kimg)))
    overrides = (
        *(change for change in best.overrides if not change.startswith("search.trials=")),
        *(() if spec.search.sampler == "grid" else (f"search.trials={at_most(best.trials)}",)),
        *on,
        f"search.time={text}",
    )
    rest = f"; the best train on while there is time, and then there are fewer ({' '.join(on)})" if on else ""
    say(f"{best.what}: about {best.trials} of up to {amount(best.kimg)} kimg, {said(best.wall)}{rest}")
    return Fitted(parse(spec.to_yaml(), overrides=overrides), overrides, best)


def _enough(seconds: float, fit: Callable[[float], Fit]) -> str:
    """Say which time would do, in whole minutes, where so many seconds do not."""
    for _ in range(MORE):
        seconds = 60 * math.ceil(LONGER * seconds / 60)
        if balanced(fit(seconds)) is not None:
            return f"more time (--time {durations.text(seconds)} would do)"
    return "more time"


def open_end(spec: Spec, images: int, kimg: float) -> tuple[str, ...]:
    """Let the best trials of a spec train for as long as there is time; nothing where that cannot be.

    It must not matter for the training of a trial where it ends, as it does where rates fall until then. Trials that a
    rung stops have to wait for it, whatever the spec says of them, since which are the best changes on the way.

    Args:
        spec: The sweep.
        images: How many pictures there are.
        kimg: Further than a trial comes that trains for all the time.
    """
    if spec.asha is None:
        return ()
    given = [(path, value) for one in (spec.plain, spec.space, *spec.configs) for path, value in one.items()]
    if any(isinstance(value, Mapping) or (value and path in ENDS) for path, value in given):
        return ()
    furthest = kimg if spec.asha.unit == "kimg" else kimg * 1000 / images
    waiting = () if spec.asha.promotes else ("asha.variant=promote",)
    return (f"asha.max={float(f'{furthest:.2g}'):g}", *waiting)
