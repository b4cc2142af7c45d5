"""Choose the faster way of each product of a convolution, by a timing that is kept in the cache.

What is faster depends on the processor, the number of threads, the sizes and the number format, and differs between the
three products of one layer (`ganlib.models.products`). So each size is timed once, when a training step first meets it,
in a second or so. What came out lies in ``convolutions/`` of the cache, one file for each kind of processor, torch and
number of threads, and holds for all trials there from then on: one that is resumed computes as before, to the last bit.
Where nothing can be kept, the library's way is taken.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import Tensor

from ganlib.cores import processor
from ganlib.data.cache import cache_dir
from ganlib.disk import write_whole
from ganlib.errors import RequestError
from ganlib.heap import keep_memory
from ganlib.models import products
from ganlib.models.products import Size, Ways

logger = logging.getLogger(__name__)

FOLDER = "convolutions"
"""Where timings lie, in the cache."""
LEAST_WORK = 4_000_000
"""Multiplications and additions below which a product is the library's: Python costs more than there is to gain."""
MOST_PICTURES = 64
"""More pictures are timed as so many: each of them takes as long."""
MARGIN = 1.1
"""How many times as long the library must take, so that one timing does not choose what another one would not."""
TURNS, SECONDS = (3, 50), 0.3
"""Fewest and most turns of a timing, and how long it goes on between them."""
MOST_SECONDS = 3.0
"""Seconds after which not even the fewest turns are taken."""
OTHER = 4 << 20
"""Numbers that are added to before each call: in a step too, other tensors have been in the processor's caches."""


_known: dict[tuple[str | None, int, Size], Ways] = {}


def ways_of(size: Size) -> Ways:
    """Tell the faster way of each product of a size on this machine, with the threads that torch has now."""
    if size.work < LEAST_WORK:
        return Ways()
    size = size._replace(pictures=min(MOST_PICTURES, 1 << (size.pictures - 1).bit_length()))
    key = os.environ.get("SWEEP_CACHE"), torch.get_num_threads(), size
    if key not in _known:
        _known[key] = _remembered(size, _machine(key[1]))
    return _known[key]


@cache
def _machine(threads: int) -> dict[str, str | int]:
    """Say on what a timing was made, and for what it holds."""
    capability = torch.backends.cpu.get_cpu_capability()
    return {
        "processor": processor(),
        "capability": capability,
        "torch": torch.__version__,
        "threads": threads,
    }


def _name(size: Size) -> str:
    """Name a size in the file of timings."""
    dtype = str(size.dtype).removeprefix("torch.")
    return f"{size.pictures} x {size.few} to {size.many} at {size.rows}x{size.cols}, {dtype}"


def _remembered(size: Size, machine: dict[str, str | int]) -> Ways:
    """Look up the ways of a size, or time them and keep the timing."""
    digest = hashlib.sha256(json.dumps(machine, sort_keys=True).encode()).hexdigest()[:16]
    name = _name(size)
    try:
        path = cache_dir() / FOLDER / f"{digest}.json"
        ways = _chosen(_read(path).get(name))
        if ways is None:
            path.parent.mkdir(exist_ok=True)
            with FileLock(f"{path}.lock"):  # who times is alone, and who waits takes what was found
                ways = _chosen(_read(path).get(name)) or _chosen(_keep(path, machine, name, timed(size)))
    except (OSError, NotImplementedError, RequestError) as error:  # a network disk may know no locks
        logger.warning("cannot keep timings (%s): convolutions are the library's", error)
        ways = None
    return ways or Ways()


def _keep(
    path: Path, machine: dict[str, str | int], name: str, seconds: dict[str, list[float]]
) -> dict[str, list[float]]:
    """Add a timing to those that are kept."""
    write_whole(path, json.dumps({**machine, "seconds": _read(path) | {name: seconds}}, indent=1).encode())
    return seconds


def _read(path: Path) -> dict[str, Any]:
    """Read the timings that were kept, library and matrix in seconds by size and product; none of a damaged file."""
    try:
        seconds = json.loads(path.read_bytes())["seconds"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return {}
    return seconds if isinstance(seconds, dict) else {}


def _chosen(seconds: Any) -> Ways | None:  # noqa: ANN401 - what a file holds
    """Choose by the seconds of both ways of each product; None where they are not that."""
    try:
        return Ways(
            *(library > MARGIN * matrix for library, matrix in (seconds[key] for key in Ways._fields))
        )
    except (TypeError, ValueError, KeyError):
        return None


def timed(size: Size) -> dict[str, list[float]]:
    """Time both ways of each product, in turn, in seconds."""
    keep_memory()  # as a trial's process does; or the kernel's clearing of pages would be timed

    def ones(*shape: int) -> Tensor:
        return torch.ones(shape, dtype=size.dtype, device="cpu").to(memory_format=torch.channels_last)

    large = ones(size.pictures, size.few, 2 * size.rows, 2 * size.cols)
    small = ones(size.pictures, size.many, size.rows, size.cols)
    weight = ones(size.many, size.few, 4, 4)
    calls: dict[str, Callable[[bool], Tensor]] = {
        "down": partial(products.down, large, weight),
        "up": partial(products.up, small, weight),
        "weigh": partial(products.weigh, large, small),
    }
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        return {name: _race([partial(call, False), partial(call, True)]) for name, call in calls.items()}


def _race(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Let calls take turns; the fewest seconds of each, which other programs on the machine disturb least."""
    for call in calls:
        call()
    best = [float("inf")] * len(calls)
    other = torch.zeros(OTHER)
    started = time.perf_counter()
    for turn in range(1, TURNS[1] + 1):
        for number, call in enumerate(calls):
            other.add_(1)
            before = time.perf_counter()
            call()
            best[number] = min(best[number], time.perf_counter() - before)
        spent = time.perf_counter() - started
        if (turn >= TURNS[0] and spent > SECONDS) or spent > MOST_SECONDS:
            break
    return best
