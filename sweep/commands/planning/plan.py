"""What a sweep will cost, here or on the machines of a cluster: measured, foretold, told."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweep import formatting
from sweep.commands.planning.costs import Costs
from sweep.commands.planning.forecast import Forecast, Range, forecast
from sweep.commands.planning.sharing import MOST, USABLE, room
from sweep.formatting import count
from sweep.runners.capacity import CONTEXT, UNITS
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
        costs: What was measured; on a cluster, on the kind of machine that most trials run on.
        sweep: All trials, with the early stopping that the spec asks for.
        whole: All trials to their end; None where the spec stops none.
        disk: Bytes at most.
        kinds: Of GPUs that the spec asks for; none where any will do.
        others: What was measured on each other kind of machine of a cluster.
    """

    trials: int
    costs: Costs
    sweep: Forecast
    whole: Forecast | None
    disk: int
    kinds: tuple[str, ...] = ()
    others: tuple[Costs, ...] = ()

    @property
    def at_once(self) -> int:
        """How many trials run at a time, on all machines."""
        return sum(costs.at_once for costs in (self.costs, *self.others))

    def plain(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        others = [asdict(costs) | {"fits": fits(costs)} for costs in self.others]
        return asdict(self) | {"fits": fits(self.costs), "others": others, "at_once": self.at_once}


def fits(costs: Costs) -> int:
    """Count the trials that fit into the memory of the machine, or of one GPU; 0 where that is not known."""
    there = costs.memory_there * USABLE
    if costs.device != "cuda":
        return int(there / costs.memory)
    if costs.packs:
        return room(costs.memory, costs.memory_there, costs.pictures)
    return int(there / (costs.memory + CONTEXT + costs.pictures))


def foretold(spec: Spec, at: Schedule, trials: int, costs: Costs, others: Sequence[Costs] = ()) -> Plan:
    """Foretell a sweep whose costs are known: on machines of one kind, or also on ``others``."""
    n_fake = spec.evaluate.n_fake
    sweep = forecast(at, n_fake, trials, spec.asha, costs, known=len(spec.configs), others=others)
    whole = forecast(at, n_fake, trials, None, costs, others=others) if sweep.arriving else None
    together = min(trials, sum(one.at_once for one in (costs, *others)))
    disk = _disk(spec, at, trials, costs, together, sweep)
    return Plan(trials, costs, sweep, whole, disk, spec.resources.kinds, tuple(others))


def _disk(spec: Spec, at: Schedule, trials: int, costs: Costs, together: int, found: Forecast) -> int:
    """Bytes at most: grids and snapshots of all trials, checkpoints of those that run or wait, and what is kept."""
    share = found.busy.middle / (trials * found.trial.middle)
    evaluations = trials * share * at.budget / at.interval + trials
    all_keep = spec.keep.finished == "all" or spec.keeps_stopped
    checkpoints = CHECKPOINTS * together + (trials if all_keep else together)
    return int(
        evaluations * costs.grid + trials * (costs.snapshot + RECORDS) + checkpoints * costs.checkpoint
    )


def lines(plan: Plan, images: int) -> Iterator[str]:
    """Tell a plan in sentences."""
    for costs in (plan.costs, *plan.others):
        yield from _cost(plan, costs)
    sweep = plan.sweep
    yield f"# Time; {count(plan.trials, 'trial')}, {plan.at_once} at a time"
    yield f"a trial to its end: {said(sweep.trial)}"
    if plan.whole is None:
        yield f"the sweep: {said(sweep.wall)}; {_devices(plan, sweep)}"
    else:
        yield f"the sweep, stopped early: {said(sweep.wall)}; {_devices(plan, sweep)}"
        yield f"without ASHA: {said(plan.whole.wall)}; {_devices(plan, plan.whole)}"
    yield f"evaluations and results: {sweep.evaluating:.0%} of the time"
    yield f"preparing {images:,} pictures and starting are not counted"
    yield f"disk: at most {formatting.size(plan.disk)}"


def _cost(plan: Plan, costs: Costs) -> Iterator[str]:
    """Tell what trials cost on one kind of machine."""
    where = {"cpu": "processor", "cuda": "GPU"}[costs.device]
    beside = f", with {costs.measured} side by side" if costs.measured > 1 else ""
    beside += f", with {costs.slots} in turn in one process" if costs.slots > 1 else ""
    timed = "a few steps and the parts of an evaluation, timed on"
    asked = f" (resources.accelerator asks for {', '.join(plan.kinds)})" if plan.kinds else ""
    if costs.has:
        yield f"# Cost on {count(costs.machines, 'machine')} with {costs.has}; {timed} the {where} of one{beside}"
        yield f"measured on {costs.machine}; {count(costs.at_once, 'trial')} at a time{asked}"
    else:
        yield f"# Cost; {timed} this machine's {where}{beside}"
        yield f"measured on {costs.machine}, and true of such machines alone{asked}"
    slowest, quickest = max(costs.per_kimg), min(costs.per_kimg)
    spread = (
        f" ({_span(quickest, slowest)} over {len(costs.per_kimg)} configurations)"
        if slowest > quickest
        else ""
    )
    mean = sum(costs.per_kimg) / len(costs.per_kimg)
    yield f"training: {formatting.duration(mean)} a kimg{spread}, {1000 / mean:,.0f} pictures/s"
    yield f"evaluations: {formatting.duration(costs.per_picture * 1000)} for 1,000 pictures"
    yield from _memory(costs)
    yield ""


def _memory(costs: Costs) -> Iterator[str]:
    of = f" of {formatting.size(costs.memory_there)}" if costs.memory_there else ""
    if costs.device == "cuda":
        pictures = f" and {formatting.size(costs.pictures)} for all pictures" if costs.pictures else ""
        yield (
            f"memory of a GPU: {formatting.size(costs.memory)} a trial, and about {formatting.size(CONTEXT)} for "
            f"{'the' if costs.packs else 'its'} process{pictures}{of}"
        )
        if fit := fits(costs):
            part = UNITS // min(fit, MOST) / UNITS  # rounded up, one fewer would fit
            more = f"; more than {MOST} only wait for each other" if fit > MOST else ""
            yield f"by memory {count(fit, 'trial')} can share a GPU{more}: resources.gpu {part:g}"
        return
    yield f"memory: {formatting.size(costs.memory)} a trial{of}"
    if 0 < (fit := fits(costs)) < costs.at_once // costs.machines:
        yield (
            f"warning: only {count(fit, 'trial')} fit into it at a time: set resources.max_concurrent to "
            f"{fit * costs.machines}"
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
