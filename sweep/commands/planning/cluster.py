"""Measure what trials cost on each kind of machine of a cluster."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sweep.commands.planning.costs import Costs, at_once, measure, processes
from sweep.commands.planning.sharing import with_gpu
from sweep.runners import ray_environment
from sweep.runners.capacity import Node, alone
from sweep.spec.specification import Spec, parse


def measure_on(
    address: str,
    spec: Spec,
    samples: Sequence[Mapping[str, Any]],
    trials: int,
    say: Callable[[str], None],
) -> list[Costs]:
    """Measure on one machine of each kind, at the same time; about half a minute.

    Args:
        address: Of the cluster.
        spec: The sweep.
        samples: Parameters of its first trials.
        trials: How many trials there are.
        say: Told what is waited for.

    Returns:
        What trials cost on each kind, with how many run on all of its machines at a time: first where most run.

    Raises:
        RequestError: if the cluster cannot be reached, no machine can run a trial, or one lacks what it needs.
        WorkError: if a step fails.
    """
    ray_environment.prepare()
    from sweep.runners.nodes.each_kind import ask_each, attached, kinds_there

    with attached(address) as with_gpus:
        if spec.resources.gpus and not with_gpus:
            say(
                f"no GPU there: trials run on the CPU (the spec asks for {spec.resources.gpus:g} GPU a trial)"
            )
            spec = with_gpu(spec, 0.0)
        resources = spec.resources
        kinds = kinds_there(resources.gpus, resources.cpu, resources.kinds if resources.gpus else ())
        say(f"measuring on {', '.join(kind.machines[0][1] for kind in kinds)} ...")
        call = partial(_measured, spec.to_yaml(), [dict(params) for params in samples], trials)
        found = ask_each(kinds, call, partial(_takes, spec, trials), say)
    there = [
        replace(costs, machines=len(kind.machines), at_once=costs.at_once * len(kind.machines), has=kind.has)
        for costs, kind in zip(found, kinds, strict=True)
    ]
    return _at_most(resources.max_concurrent, sorted(there, key=lambda costs: -costs.at_once))


def _measured(spec: str, samples: Sequence[Mapping[str, Any]], trials: int, node: Node) -> Costs:
    """Measure on this machine, of which trials have ``node``."""
    return measure(parse(spec), samples, trials, node=node)


def _takes(spec: Spec, trials: int, node: Node) -> tuple[float, float]:
    """Say how many cores and GPUs the processes take that measure on a machine."""
    resources = spec.resources
    there = at_once(spec, resources.gpus > 0, node)
    together = processes(there, trials, len(node.gpus) if resources.gpus else 1)
    return resources.cpu * together, alone(resources.gpus)


def _at_most(most: int | None, found: Sequence[Costs]) -> list[Costs]:
    """Leave as many trials at a time as a spec allows; those on the last machines are left out."""
    chosen, room = [], most or sum(costs.at_once for costs in found)
    for costs in found:
        if room:
            chosen.append(replace(costs, at_once=min(costs.at_once, room)))
            room -= chosen[-1].at_once
    return chosen
