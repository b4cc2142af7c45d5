"""Try out, on the nodes of a cluster, what has to work before the first trial starts."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import ray

from ganlib.errors import RequestError, WorkError
from sweep.formatting import duration
from sweep.runners.capacity import of_process
from sweep.runners.nodes.ready import lacking, once, try_out
from sweep.runners.ray_cluster import fitting_nodes, lost, with_room

TOLD_SECONDS = (5.0, 60.0)
"""After so long it is said that the cluster is waited for, and from then on as often."""
POLL_SECONDS = 1.0
REQUEST = 2
"""The exit code of an error that the user can mend."""


def preflight(
    config: dict[str, Any],
    data_hash: str,
    folder: str,
    owner: str,
    gpu: float,
    cpu: float,
    threads: int,
    kinds: Sequence[str],
    say: Callable[[str], None],
    turn: Callable[[], None],
    packed: bool = False,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Run `sweep.worker.ready.preflight.preflight` on the nodes that have room for a trial; one of them is enough.

    ``kinds`` are those of GPUs that trials run on, as in `sweep.runners.ray_cluster.nodes`; ``turn`` is called while
    nodes are waited for. ``packed`` is whether trials that share a GPU share a process.

    Returns:
        What the first node says, with the notes of all, and of those that are busy or were left out; and why nodes
        cannot run trials, by Ray's names for them.

    Raises:
        RequestError: what the user can mend, where no node can run trials.
        WorkError: otherwise, where no node can.
    """
    arguments = (json.dumps(config), data_hash, folder, owner, of_process(gpu, packed), threads)
    nodes, busy = _room(gpu, cpu, kinds, say)
    tasks = []
    for node in nodes:
        remote = ray.remote(**once(node["NodeID"], cpu, gpu))
        tasks.append(remote(try_out).remote(*arguments))
    while ray.wait(tasks, num_returns=len(tasks), timeout=POLL_SECONDS)[1]:
        turn()
    turn()
    outcomes = [_outcome(task, node) for task, node in zip(tasks, nodes, strict=True)]
    worked = [outcome for outcome in outcomes if "device" in outcome]
    unfit = {
        str(node["NodeID"]): f"{node['NodeManagerHostname']}: {outcome['unfit']}"
        for node, outcome in zip(nodes, outcomes, strict=True)
        if "unfit" in outcome
    }
    if unfit and not worked:
        wrong = next(outcome for outcome in outcomes if "unfit" in outcome)
        raise (RequestError if wrong["code"] == REQUEST else WorkError)(next(iter(unfit.values())))
    if not worked:  # all of them have gone meanwhile
        return preflight(config, data_hash, folder, owner, gpu, cpu, threads, kinds, say, turn, packed)
    notes = dict.fromkeys(note for outcome in outcomes for note in outcome.get("notes", ()))
    others = [f"{host} is busy: it is tried out before its first trial" for host in busy]
    others += [f"no trials run on {reason}" for reason in unfit.values()]
    return worked[0] | {"notes": [*notes, *others]}, unfit


def _room(
    gpu: float, cpu: float, kinds: Sequence[str], say: Callable[[str], None]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Wait for a node that has room; returns those that have, and the hosts of the others."""
    begun, tell = time.monotonic(), TOLD_SECONDS[0]
    while True:
        able = fitting_nodes(gpu, cpu, kinds)
        free = with_room(able, gpu, cpu)
        if free:
            names = {node["NodeID"] for node in free}
            return free, [str(one["NodeManagerHostname"]) for one in able if one["NodeID"] not in names]
        waited = time.monotonic() - begun
        if waited >= tell:
            tell += TOLD_SECONDS[1]
            want = f"{cpu:g} CPU" + (f" and {gpu:g} GPU" if gpu else "")
            hosts = ", ".join(sorted({str(node["NodeManagerHostname"]) for node in able}))
            why = f"others use {hosts}" if hosts else "no node is there that has so much"
            say(
                f"waiting for room on the cluster: a trial needs {want}, and {why} ({duration(waited)} so far)"
            )
        time.sleep(POLL_SECONDS)


def _outcome(task: Any, node: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Give what a node said; of a node that is gone there is only a note."""
    host = str(node["NodeManagerHostname"])
    try:
        outcome: dict[str, Any] = ray.get(task)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        if lost(node["NodeID"]):
            return {"notes": [f"{host} has gone: it was left out"]}
        imports = isinstance(cause, ImportError)
        why = lacking(cause) if imports else f"a worker there could not prepare for the trials: {cause}"
        return {"unfit": why, "code": 1}
    return outcome
