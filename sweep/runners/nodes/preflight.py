"""Try out, on the nodes of a cluster, what has to work before the first trial starts."""

import json
import math
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from ganlib.errors import RequestError, WorkError
from sweep.formatting import duration
from sweep.runners.capacity import of_process
from sweep.runners.nodes.ready import forget_begun, has_begun, lacking, once, try_out
from sweep.runners.ray_cluster import fitting_nodes, lost, with_room

TOLD_SECONDS = (5.0, 60.0)
"""After so long it is said that the cluster is waited for, and from then on as often."""
BUSY_SECONDS = 10.0
"""Where one node works, those on which nothing has begun for so long are not waited for any more."""
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
    asked = []
    for node in nodes:
        remote, name = ray.remote(**once(node["NodeID"], cpu, gpu)), secrets.token_hex(16)
        asked.append(_Asked(node, name, remote(try_out).remote(*arguments, None, name)))
    queued = _answered(asked, _needs(gpu, cpu), say, turn)
    turn()
    busy += [one.host for one in queued]
    asked = [one for one in asked if one not in queued]
    nodes, outcomes = [one.node for one in asked], [_outcome(one.task, one.node) for one in asked]
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


@dataclass(frozen=True, eq=False)
class _Asked:
    """A node that is tried out.

    Attributes:
        node: What Ray says of it.
        name: Under which it is told that the task has begun.
        task: Ray's reference.
    """

    node: dict[str, Any]
    name: str
    task: Any

    @property
    def host(self) -> str:
        """The name of its host."""
        return str(self.node["NodeManagerHostname"])


def _answered(
    asked: Sequence[_Asked], needs: str, say: Callable[[str], None], turn: Callable[[], None]
) -> list[_Asked]:
    """Wait for what nodes say; returns those that were given up, where the task has not begun.

    There others hold GPUs in parts, as a rule: the free parts make up what a trial needs, and are not of one GPU.
    """
    begun, tell, worked = time.monotonic(), TOLD_SECONDS[0], math.inf
    queued, given_up = list(asked), list[_Asked]()
    tasks = [one.task for one in asked]
    while waiting := ray.wait(tasks, num_returns=len(tasks), timeout=POLL_SECONDS)[1]:
        turn()
        queued = [one for one in queued if one.task in waiting and not has_begun(one.name)]
        now = time.monotonic()
        done = [one for one in asked if one not in given_up and one.task not in waiting]
        if worked == math.inf and any("device" in _outcome(one.task, one.node) for one in done):
            worked = now
        if queued and now - worked >= BUSY_SECONDS:
            for one in queued:
                ray.cancel(one.task)
            given_up, queued = queued, []
            tasks = [one.task for one in asked if one not in given_up]
        elif queued and now - begun >= tell:
            tell += TOLD_SECONDS[1]
            hosts = ", ".join(sorted(one.host for one in queued))
            say(_waiting(needs, f"others use {hosts}", now - begun))
    for one in asked:
        forget_begun(one.name)
    return given_up


def _needs(gpu: float, cpu: float) -> str:
    return f"{cpu:g} CPU" + (f" and {gpu:g} GPU" if gpu else "")


def _waiting(needs: str, why: str, seconds: float) -> str:
    return f"waiting for room on the cluster: a trial needs {needs}, and {why} ({duration(seconds)} so far)"


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
            hosts = ", ".join(sorted({str(node["NodeManagerHostname"]) for node in able}))
            why = f"others use {hosts}" if hosts else "no node is there that has so much"
            say(_waiting(_needs(gpu, cpu), why, waited))
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
