"""Ask one machine of each kind in a cluster something, such as how long a step takes there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import ray

from ganlib.errors import RequestError, WorkError
from sweep import __version__
from sweep.formatting import count
from sweep.runners.capacity import UNITS, Node
from sweep.runners.nodes.ready import lacking, once
from sweep.runners.ray_cluster import check_fits, connect, fitting_nodes, kind_of, nodes, with_room

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Kind:
    """Machines of a cluster that are alike.

    Attributes:
        gpus: The kind of their GPUs, as Ray has found or been told it; empty where they have none, or it is not known.
        node: What each has for trials.
        machines: Ray's names for them and their hosts; first those that have room at the moment.
    """

    gpus: str
    node: Node
    machines: tuple[tuple[str, str], ...]

    @property
    def has(self) -> str:
        """What each has for trials, in words."""
        cores = f"{self.node.cpu / UNITS:g} {'core' if self.node.cpu == UNITS else 'cores'}"
        return f"{len(self.node.gpus)} {self.gpus or 'GPU'} and {cores}" if self.node.gpus else cores


@contextmanager
def attached(address: str) -> Iterator[bool]:
    """Attach to a cluster for a while; yields whether it has GPUs.

    Raises:
        RequestError: if the cluster cannot be reached.
    """
    connect(address)
    try:
        yield ray.cluster_resources().get("GPU", 0) > 0
    finally:
        ray.shutdown()


def kinds_there(gpu: float, cpu: float, kinds: Sequence[str] = ()) -> list[Kind]:
    """Sort the machines on which a trial fits by what they are.

    Args:
        gpu: GPUs of a trial.
        cpu: Cores of a trial.
        kinds: Of GPUs, as in `sweep.runners.ray_cluster.nodes`.

    Raises:
        RequestError: if no machine can run a trial.
    """
    check_fits(gpu, cpu, kinds)
    have, able = nodes(kinds), fitting_nodes(gpu, cpu, kinds)
    free = [one["NodeID"] for one in with_room(able, gpu, cpu)]
    found: dict[tuple[str, Node], list[tuple[str, str]]] = {}
    for one in sorted(able, key=lambda one: one["NodeID"] not in free):
        name = one["NodeID"]
        if name in have:  # else it has gone meanwhile
            what = (kind_of(one) if have[name].gpus else "", have[name])
            found.setdefault(what, []).append((name, str(one["NodeManagerHostname"])))
    return [Kind(*what, tuple(machines)) for what, machines in found.items()]


def ask_each(
    kinds: Sequence[Kind],
    call: Callable[[Node], Answer],
    takes: Callable[[Node], tuple[float, float]],
    say: Callable[[str], None],
) -> list[Answer]:
    """Call a function in a process of one machine of each kind, on all of these at the same time.

    Args:
        kinds: Of machines.
        call: Called with what the machine has; importable on all machines.
        takes: Says of what a machine has how many cores and GPUs are kept free for the call.
        say: Told what is waited for.

    Raises:
        RequestError: what the function raises so, or a machine that lacks this software.
        WorkError: if the function fails otherwise, or the machine is lost.
    """
    tasks = []
    for kind in kinds:
        name, host = kind.machines[0]
        cores, gpus = takes(kind.node)
        left = ray._private.state.available_resources_per_node().get(name, {})
        if left.get("CPU", 0.0) < cores or left.get("GPU", 0.0) < gpus:
            say(f"waiting for {count(round(cores), 'core')} of {host}, which others use")
        remote = ray.remote(**once(name, cores, gpus))
        tasks.append(remote(_called).remote(call, kind.node, __version__))
    return [_answer(task, kind.machines[0][1]) for task, kind in zip(tasks, kinds, strict=True)]


def _called(call: Callable[[Node], Answer], node: Node, version: str) -> Answer:
    from sweep import __version__ as here

    if here != version:
        raise RequestError(f"it has sweep {here}, and this machine {version}: install the same on all nodes")
    return call(node)


def _answer(task: Any, host: str) -> Any:  # noqa: ANN401
    """Give what a machine said."""
    try:
        return ray.get(task)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        if isinstance(cause, RequestError):
            raise RequestError(f"{host}: {cause}") from None
        if isinstance(cause, ImportError):
            raise RequestError(f"{host} {lacking(cause)}") from None
        raise WorkError(f"{host}: {str(cause).splitlines()[0]}") from None
