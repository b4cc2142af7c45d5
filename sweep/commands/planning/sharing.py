"""Settle which part of a GPU a trial gets, where the spec leaves that to the machine."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from ganlib.errors import RequestError, WorkError
from sweep import formatting
from sweep.commands import foreknown
from sweep.commands.inputs import Pictures, look
from sweep.commands.planning.findings import first_configurations
from sweep.formatting import count
from sweep.runners.capacity import CONTEXT, UNITS
from sweep.spec.specification import Spec

MOST = 8
"""Trials that share a GPU at most: more only wait for each other."""
USABLE = 0.9
"""Share of the memory that trials may fill."""


def settled(
    spec: Spec,
    address: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    timed: bool = True,
) -> Spec:
    """Put a number where the spec says ``resources: {gpu: auto}``; other specs stay as they are.

    Args:
        spec: The sweep.
        address: Of a cluster that is to run it.
        say: Told what it comes to.
        timed: Whether to measure; a whole GPU is taken otherwise.

    Raises:
        RequestError: where pictures or weights are not there, or trials are to run on other machines than this one.
        WorkError: if a few steps do not fit into the GPU.
    """
    if spec.resources.gpu != "auto":
        return spec
    if address is not None:
        raise RequestError(
            "resources.gpu: auto is measured on this machine, and the trials run on those of --address: give a number, "
            "such as 0.25; 'sweep plan' says it on a machine with such a GPU"
        )
    gpu, why = _measured(spec, timed)
    say(f"resources.gpu is auto: {gpu:g}, {why}")
    return with_gpu(spec, gpu)


def with_gpu(spec: Spec, gpu: float) -> Spec:
    """Give each trial of a spec so much of a GPU."""
    return replace(spec, resources=spec.resources.model_copy(update={"gpu": gpu}))


def _measured(spec: Spec, timed: bool) -> tuple[float, str]:
    import torch

    from sweep.commands.planning.costs import measure
    from sweep.worker.faults import NO_KERNELS

    if not torch.cuda.is_available():
        return 0.0, "because there is no GPU here"
    if not timed:
        return 1.0, "because nothing is measured"
    known, wrong = look(spec)
    if wrong:
        raise RequestError("\n".join(wrong))
    alone = with_gpu(spec, 1.0)
    first = first_configurations(spec)
    if not first:
        foreknown.check(spec)  # says why there is none
    try:
        costs = measure(alone, first, 1)
    except WorkError as error:
        if NO_KERNELS in str(error):
            return 0.0, f"because the PyTorch that is installed computes nothing on the GPU here ({error})"
        raise WorkError(f"{error}; --set resources.gpu=0 trains on the processor") from None
    return share(costs.memory, costs.memory_there, resident_bytes(spec, known, costs.memory_there))


def share(memory: int, there: int, pictures: int = 0) -> tuple[float, str]:
    """Compute the part of a GPU for a trial, and say why.

    Args:
        memory: Bytes that a trial takes.
        there: Bytes of the GPU.
        pictures: Bytes of the pictures that lie there.
    """
    fits = max(1, min(MOST, room(memory, there, pictures)))
    of = f"a trial takes {formatting.size(memory)} of {formatting.size(there)}"
    of += f", and all pictures {formatting.size(pictures)}" if pictures else ""
    return UNITS // fits / UNITS, f"so that {count(fits, 'trial')} can share one: {of}"


def room(memory: int, there: int, pictures: int) -> int:
    """Count the trials of one process that fit into a GPU, whose context and pictures they share."""
    return max(0, int((there * USABLE - CONTEXT - pictures) / memory))


def resident_bytes(spec: Spec, known: Mapping[str, Pictures], there: int) -> int:
    """Count the bytes of pictures that a process keeps on a GPU; see `ganlib.steps.resident`.

    Args:
        spec: The sweep.
        known: Its pictures, by the sections that name them.
        there: Bytes of the GPU.
    """
    from ganlib.steps.resident import GPU_SHARE

    channels = {"data": spec.data.channels, "photos": 3}
    sets = {name: (found.count or 0) * spec.data.size**2 * channels[name] for name, found in known.items()}
    held = 0
    for size in [*sets.values(), *([sets["data"]] if spec.trains_on_edges and "data" in sets else [])]:
        held += size if size <= GPU_SHARE * (there - held) else 0
    return held
