"""How many trials run at once on some machines, counted as Ray counts.

Ray counts in units of 1/10,000 of a CPU or GPU, rounded. A trial's CPUs are any of one node; a part of a GPU is of one
GPU, and more than one are whole ones. So two GPUs hold two trials of 0.6, not three, and one CPU five of 0.2.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sweep.spec.sections import ResourcesConfig

UNITS = 10_000
CONTEXT = 600 * 2**20
"""Bytes that a process holds on a GPU beside what torch hands out: CUDA's context and the libraries' own."""


def units(amount: float) -> int:
    """Convert an amount of CPUs or GPUs to Ray's units; what is asked for is never nothing."""
    return max(1, round(amount * UNITS)) if amount > 0 else 0


def alone(gpu: float) -> float:
    """Count the GPUs of a trial beside which no other runs: a part of one becomes the whole."""
    return 1.0 if gpu else 0.0


def of_process(gpu: float, packed: bool) -> float:
    """Count the GPUs of the process of a trial, which has the whole of one where it is ``packed`` with others."""
    return alone(gpu) if packed else gpu


ON_CPU = 2
"""Trials that are packed on a CPU without Ray, where the spec does not say how many run at once."""


def packed_here(resources: ResourcesConfig, on_gpu: bool) -> int:
    """Count the trials that are trained side by side without Ray: one, or as many as are packed."""
    if not resources.packed(resources.gpus if on_gpu else 0.0):
        return 1
    room = int(1 / resources.gpus + 1e-9) if on_gpu else resources.max_concurrent or ON_CPU
    return max(1, min(room, resources.max_concurrent or room))


@dataclass(frozen=True)
class Demand:
    """What one trial takes.

    Attributes:
        cpu: In units.
        gpu: In units; at most a whole one, or several whole ones.
    """

    cpu: int
    gpu: int

    @classmethod
    def of(cls, cpu: float, gpu: float, share: float = 1.0) -> "Demand":
        """Multiply a spec's resources by ``share``; a part of a GPU becomes at most a whole one."""
        return cls(units(cpu * share), units(min(gpu * share, 1.0)))


@dataclass(frozen=True)
class Node:
    """What a machine has, or has left.

    Attributes:
        cpu: In units.
        gpus: What is left of each GPU, in units.
    """

    cpu: int
    gpus: tuple[int, ...] = ()

    @classmethod
    def having(cls, cpu: float, gpu: float) -> "Node":
        """Make a node of a whole machine."""
        return cls(units(cpu), (UNITS,) * int(gpu))

    def holds(self, demand: Demand) -> int:
        """Count the trials of this kind that fit, wherever they are put."""
        counts = []
        if demand.gpu > UNITS:
            counts.append(self.gpus.count(UNITS) // (demand.gpu // UNITS))
        elif demand.gpu:
            counts.append(sum(left // demand.gpu for left in self.gpus))
        if demand.cpu:
            counts.append(self.cpu // demand.cpu)
        return max(0, min(counts, default=0))


@dataclass(frozen=True)
class Placed:
    """A trial that runs.

    Attributes:
        node: The name of its machine.
        gpus: The names of its GPUs there.
        demand: What it takes.
    """

    node: str
    gpus: tuple[Hashable, ...]
    demand: Demand


def left(nodes: Mapping[str, Node], placed: Iterable[Placed]) -> dict[str, Node]:
    """Subtract from each node the trials that run there."""
    cpu: Counter[str] = Counter()
    gpu: dict[str, Counter[Hashable]] = {name: Counter() for name in nodes}
    for trial in placed:
        if trial.node in nodes:
            cpu[trial.node] += trial.demand.cpu
            for index in trial.gpus:
                gpu[trial.node][index] += min(trial.demand.gpu, UNITS)
    remaining = {}
    for name, node in nodes.items():
        used = list(gpu[name].values())[: len(node.gpus)]
        free = (0,) * (len(node.gpus) - len(used))
        gpus = tuple(whole - taken for whole, taken in zip(node.gpus, (*used, *free), strict=True))
        remaining[name] = Node(node.cpu - cpu[name], gpus)
    return remaining


def fits(
    nodes: Mapping[str, Node], placed: Iterable[Placed], coming: Sequence[Demand], demand: Demand
) -> bool:
    """Say whether one more trial would start at once.

    Args:
        nodes: All machines.
        placed: The trials that run.
        coming: What those take of which it is not known yet where they will run.
        demand: What the new one takes.
    """
    if any(other != demand for other in coming):
        return False  # alike, any places will do; otherwise it depends on which: wait until they have said so
    return sum(node.holds(demand) for node in left(nodes, placed).values()) > len(coming)


def largest_share(nodes: Iterable[Node], cpu: float, gpu: float) -> float:
    """Compute how many times its resources one trial could get on some node.

    A part of a GPU becomes at most a whole; a trial that has whole ones has all of their memory already.
    """
    shares = [1.0]
    for node in nodes:
        if node.holds(Demand.of(cpu, gpu)):
            of_gpu = [max(1.0, 1 / gpu)] if gpu else []
            shares.append(min(node.cpu / UNITS / cpu, *of_gpu, float("inf")))
    return max(shares)


def spread(nodes: Iterable[Node], cpu: float, gpu: float, at_once: int | None) -> float:
    """Compute the part of a GPU that a trial may have, so that few trials use all GPUs rather than fill the first.

    Ray fills one GPU before it takes the next. A trial that has more of a GPU shares it with fewer others.

    Args:
        nodes: All machines.
        cpu: Of a trial.
        gpu: The part of a GPU that a trial needs, below 1.
        at_once: How many trials run at once, at most; None for as many as there is room for.

    Returns:
        The largest 1/k, not below ``gpu``, at which so many trials find room at once; else ``gpu``.
    """
    nodes = list(nodes)
    if at_once is None or not 0 < gpu < 1:
        return gpu
    wanted = min(at_once, sum(node.holds(Demand.of(cpu, gpu)) for node in nodes))
    for sharers in range(1, int(1 / gpu + 1e-9) + 1):
        if sum(node.holds(Demand.of(cpu, 1 / sharers)) for node in nodes) >= wanted:
            return max(1 / sharers, gpu)
    return gpu
