"""What a sweep will cost on this machine: measured, foretold, told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweep import formatting
from sweep.commands.planning.costs import Costs, measure
from sweep.commands.planning.forecast import Forecast, Range, forecast
from sweep.commands.planning.sharing import CONTEXT, USABLE
from sweep.formatting import count
from sweep.runners.capacity import UNITS
from sweep.spec.schedule import Schedule
from sweep.spec.specification import Spec

CHECKPOINTS = 3
"""Checkpoints that a trial has at most while it trains: the two newest, and the newest at which it was healthy."""
RECORDS = 40_000
"""Bytes of records of a trial, in all datasets and the ledger."""


@dataclass(frozen=True)
class Plan:
    """What is foretold of a sweep.

    Attributes:
        trials: How many there are.
        costs: What was measured.
        sweep: All trials, with the early stopping that the spec asks for.
        whole: All trials to their end; None where the spec stops none.
        disk: Bytes at most.
        kinds: Of GPUs that the spec asks for; none where any will do.
    """

    trials: int
    costs: Costs
    sweep: Forecast
    whole: Forecast | None
    disk: int
    kinds: tuple[str, ...] = ()

    @property
    def fits(self) -> int:
        """How many trials fit into the memory of the machine, or of one GPU; 0 where that is not known."""
        costs, there = self.costs, self.costs.memory_there * USABLE
        if costs.device != "cuda":
            return int(there / costs.memory)
        if costs.packs:  # all of them have one context
            return max(0, int((there - CONTEXT) / costs.memory))
        return int(there / (costs.memory + CONTEXT))

    def plain(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return asdict(self) | {"fits": self.fits}


def make(
    spec: Spec, images: int, trials: int, samples: Sequence[Mapping[str, Any]], local: bool = False
) -> Plan:
    """Measure what trials cost here, and foretell the sweep; about a quarter of a minute.

    Args:
        spec: The sweep.
        images: How many pictures there are.
        trials: How many trials.
        samples: Parameters of its first trials.
        local: Whether trials would run one after another.

    Raises:
        RequestError: if the extractor cannot be loaded.
        WorkError: if a step fails, such as by its memory.
    """
    return foretold(spec, spec.schedule(images), trials, measure(spec, samples, trials, local))


def foretold(spec: Spec, at: Schedule, trials: int, costs: Costs) -> Plan:
    """Foretell a sweep whose costs are known."""
    n_fake = spec.evaluate.n_fake
    sweep = forecast(at, n_fake, trials, spec.asha, costs, known=len(spec.configs))
    whole = forecast(at, n_fake, trials, None, costs) if sweep.arriving else None
    disk = _disk(spec, at, trials, costs, sweep)
    return Plan(trials, costs, sweep, whole, disk, spec.resources.kinds)


def _disk(spec: Spec, at: Schedule, trials: int, costs: Costs, found: Forecast) -> int:
    """Bytes at most: grids and snapshots of all trials, checkpoints of those that run or wait, and what is kept."""
    share = found.busy.middle / (trials * found.trial.middle)
    evaluations = trials * share * at.budget / at.interval + trials
    all_keep = spec.keep.finished == "all" or spec.keeps_stopped
    kept = trials if all_keep else min(trials, costs.at_once)
    checkpoints = CHECKPOINTS * min(trials, costs.at_once) + kept
    return int(
        evaluations * costs.grid + trials * (costs.snapshot + RECORDS) + checkpoints * costs.checkpoint
    )


def lines(plan: Plan, images: int) -> Iterator[str]:
    """Tell a plan in sentences."""
    costs, sweep = plan.costs, plan.sweep
    where = {"cpu": "processor", "cuda": "GPU"}[costs.device]
    beside = f", with {costs.measured} side by side" if costs.measured > 1 else ""
    beside += f", with {costs.slots} in turn in one process" if costs.slots > 1 else ""
    yield f"# Cost; a few steps and the parts of an evaluation, timed on this machine's {where}{beside}"
    asked = f" (resources.accelerator asks for {', '.join(plan.kinds)})" if plan.kinds else ""
    yield f"measured on {costs.machine}, and true of such machines alone{asked}"
    slowest, quickest = max(costs.per_kimg), min(costs.per_kimg)
    spread = (
        f" ({_span(quickest, slowest)} over {len(costs.per_kimg)} configurations)"
        if slowest > quickest
        else ""
    )
    mean = sum(costs.per_kimg) / len(costs.per_kimg)
    yield f"training: {formatting.duration(mean)} a kimg{spread}, {1000 / mean:,.0f} pictures/s"
    yield (
        f"evaluations and results: {sweep.evaluating:.0%} of the time; "
        f"{formatting.duration(costs.per_picture * 1000)} for 1,000 pictures"
    )
    yield from _memory(plan)
    yield f"\n# Time; {count(plan.trials, 'trial')}, {costs.at_once} at a time"
    yield f"a trial to its end: {said(sweep.trial)}"
    if plan.whole is None:
        yield f"the sweep: {said(sweep.wall)}; {_devices(plan, sweep)}"
    else:
        yield f"the sweep, stopped early: {said(sweep.wall)}; {_devices(plan, sweep)}"
        yield f"without ASHA: {said(plan.whole.wall)}; {_devices(plan, plan.whole)}"
    yield f"preparing {images:,} pictures and starting are not counted"
    yield f"disk: at most {formatting.size(plan.disk)}"


def _memory(plan: Plan) -> Iterator[str]:
    costs = plan.costs
    of = f" of {formatting.size(costs.memory_there)}" if costs.memory_there else ""
    if costs.device == "cuda":
        yield (
            f"memory of a GPU: {formatting.size(costs.memory)} a trial, and about {formatting.size(CONTEXT)} for "
            f"{'the' if costs.packs else 'its'} process{of}"
        )
        if plan.fits:
            part = UNITS // plan.fits / UNITS  # rounded up, one fewer would fit
            yield f"by memory {count(plan.fits, 'trial')} share a GPU: resources.gpu {part:g}"
        return
    yield f"memory: {formatting.size(costs.memory)} a trial{of}"
    if 0 < plan.fits < costs.at_once:
        yield (
            f"warning: only {count(plan.fits, 'trial')} fit into it at a time: set resources.max_concurrent to "
            f"{max(1, plan.fits)}"
        )


def _devices(plan: Plan, found: Forecast) -> str:
    """Say how long devices are busy."""
    hours = found.busy.middle * plan.costs.takes / 3600
    name = "GPU" if plan.costs.device == "cuda" else "core"
    return f"{hours:.2g} {name} hours" if hours < 10 else f"{hours:,.0f} {name} hours"


def said(seconds: Range) -> str:
    """Write the median of a range of seconds, and the range where it is not narrow."""
    middle, span = formatting.duration(seconds.middle), _span(seconds.low, seconds.high)
    return f"about {middle}" if seconds.high <= 1.1 * seconds.low else f"about {middle} ({span})"


def _span(low: float, high: float) -> str:
    begin, end = formatting.duration(low), formatting.duration(high)
    return begin if begin == end else f"{begin} to {end}"
