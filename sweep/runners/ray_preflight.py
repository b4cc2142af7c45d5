"""Try out, on the nodes of a cluster, what has to work before the first trial starts."""

import json
import time
from collections.abc import Callable
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganlib.errors import RequestError, WorkError
from sweep import __version__
from sweep.formatting import duration
from sweep.runners.ray_cluster import fitting_nodes, lost, with_room

TOLD_SECONDS = (5.0, 60.0)
"""After so long it is said that the cluster is waited for, and from then on as often."""
POLL_SECONDS = 1.0


def preflight(
    config: dict[str, Any],
    data_hash: str,
    folder: str,
    owner: str,
    gpu: float,
    cpu: float,
    threads: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Run `sweep.worker.preflight.preflight` on the nodes that have room for a trial now; one of them is enough.

    Returns:
        What the first node says, with the notes of all, and of nodes that were left out.

    Raises:
        RequestError: what the user can mend.
        WorkError: if a node lacks a package, or has another version of this one.
    """
    arguments = (json.dumps(config), data_hash, folder, owner, gpu, threads)
    tasks = []
    nodes, busy = _room(gpu, cpu, say)
    for node in nodes:
        here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        # A process that has used a GPU keeps memory there, some hundred megabytes for its context alone, until it ends.
        # One that has not is left to trials, which then need not load torch again.
        calls = 1 if gpu else 0
        remote = ray.remote(
            num_cpus=cpu, num_gpus=gpu, max_calls=calls, max_retries=0, scheduling_strategy=here
        )
        tasks.append(remote(_preflight).remote(*arguments))
    outcomes = [_outcome(task, node) for task, node in zip(tasks, nodes, strict=True)]
    worked = [outcome for outcome in outcomes if "device" in outcome]
    if not worked:
        return preflight(
            config, data_hash, folder, owner, gpu, cpu, threads, say
        )  # all of them have gone meanwhile
    notes = dict.fromkeys(note for outcome in outcomes for note in outcome["notes"])
    left_out = [f"{host} is busy: it was not tried out" for host in busy]
    return worked[0] | {"notes": [*notes, *left_out]}


def _room(gpu: float, cpu: float, say: Callable[[str], None]) -> tuple[list[dict[str, Any]], list[str]]:
    """Wait for a node that has room; returns those that have, and the hosts of the others."""
    begun, tell = time.monotonic(), TOLD_SECONDS[0]
    while True:
        able = fitting_nodes(gpu, cpu)
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
    """Give what a node said, or raise the error that it stands for; of a node that is gone there is only a note."""
    host = str(node["NodeManagerHostname"])
    try:
        outcome: dict[str, Any] = ray.get(task)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        if isinstance(cause, ImportError):
            raise WorkError(_missing(host, f"{type(cause).__name__}: {cause}")) from None
        if lost(node["NodeID"]):
            return {"notes": [f"{host} has gone: it was left out"]}
        raise WorkError(f"a worker on {host} could not prepare for the trials: {cause}") from None
    if "missing" in outcome:
        raise WorkError(_missing(host, outcome["missing"]))
    if "request" in outcome:
        raise RequestError(outcome["request"])
    if outcome["sweep"] != __version__:
        raise WorkError(
            f"{host} has sweep {outcome['sweep']}, this machine {__version__}: install the same version on all nodes"
        )
    return outcome


def _missing(host: str, what: str) -> str:
    return f"a worker on {host} cannot import what it needs ({what}): install the same packages on all nodes"


def _preflight(
    config: str, data_hash: str, folder: str, owner: str, gpu: float, threads: int
) -> dict[str, Any]:
    try:
        from sweep import __version__ as version

        if version != __version__:
            return {"sweep": version}
        from sweep.worker.preflight import preflight

        return preflight(json.loads(config), data_hash, folder, owner, gpu, threads)
    except ImportError as error:
        return {"missing": f"{type(error).__name__}: {error}"}
    except RequestError as error:
        return {"request": str(error)}
