"""Choose the faster way of each product of a convolution, by a timing that is kept.

What is faster depends on the processor, the number of threads, the sizes and the number format, and differs between
the three products of one layer (`ganlib.models.products`). So each size is timed once, when a training step first
meets it, in a second or so. What came out lies in ``convolutions/`` of the cache, a file for each size, kind of
processor, torch and number of threads. It holds for all that is trained there from then on: a trial that is resumed
computes as before, to the last bit. Where nothing can be kept, the library's way is taken.

A sweep has a `Shelf` of its own beside the cache (`share`): machines of one kind choose alike in it, whichever of them
timed first, so that a trial computes the same on each of them.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Protocol

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
LEAST_WORK = 10_000_000
"""Multiplications and additions below which a product is the library's: Python costs more than there is to gain."""
MOST_PICTURES = 64
"""More pictures are timed as so many: each of them takes as long."""
MARGIN = 1.2
"""How many times as long the library must take, so that one timing does not choose what another one would not.

Repeated six times on a busy machine, of fifteen products one lay across it (1.00 to 1.25), gains were above 1.3 and the
others below 1.1.
"""
TURNS, SECONDS = (5, 100), 0.4
"""Fewest and most turns of a timing, and how long it goes on between them."""
MOST_SECONDS = 4.0
"""Seconds after which not even the fewest turns are taken."""
OTHER = 4 << 20
"""Numbers that are added to before each call: in a step too, other tensors have been in the processor's caches."""


class Shelf(Protocol):
    """A place where timings are kept, each under a name."""

    def read(self, name: str) -> bytes | None:
        """Read what is kept under a name; None where nothing is."""

    def keep(self, name: str, data: bytes) -> bytes:
        """Keep data under a name, unless something is there; returns what is there then."""


_shared: Shelf | None = None
_known: dict[tuple[str | None, int, Size], Ways] = {}


def share(shelf: Shelf | None) -> None:
    """Choose as all do that have the same shelf, from now on and in this process."""
    global _shared
    if shelf != _shared:
        _shared = shelf
        _known.clear()


def ways_of(size: Size) -> Ways:
    """Tell the faster way of each product of a size on this machine, with the threads that torch has now."""
    if size.work < LEAST_WORK:
        return Ways()
    size = size._replace(pictures=min(MOST_PICTURES, 1 << (size.pictures - 1).bit_length()))
    key = os.environ.get("SWEEP_CACHE"), torch.get_num_threads(), size
    if key not in _known:
        _known[key] = _looked_up(size, _machine(key[1]))
    return _known[key]


@cache
def _machine(threads: int) -> dict[str, str | int]:
    """Say on what a timing was made, and for what it holds."""
    capability = torch.backends.cpu.get_cpu_capability()
    version = str(torch.__version__)
    return {"processor": processor(), "capability": capability, "torch": version, "threads": threads}


def _looked_up(size: Size, machine: Mapping[str, str | int]) -> Ways:
    """Look up the ways of a size, or time them and keep the timing."""
    digest = hashlib.sha256(json.dumps(machine, sort_keys=True).encode()).hexdigest()[:16]
    dtype = str(size.dtype).removeprefix("torch.")
    name = f"{digest}-{size.pictures}x{size.few}x{size.many}x{size.rows}x{size.cols}-{dtype}.json"
    if _shared is not None and (ways := _chosen(_shared.read(name))):
        return ways

    def made() -> bytes:
        return json.dumps({**machine, "seconds": timed(size)}, indent=1).encode()

    try:
        found = _cached(name, made)
    except (OSError, NotImplementedError, RequestError) as error:  # a network disk may know no locks
        if _shared is None:
            logger.warning("cannot keep timings (%s): convolutions are the library's", error)
            return Ways()
        found = made()
    kept = found if _shared is None else _shared.keep(name, found)
    return _chosen(kept) or _chosen(found) or Ways()


def _cached(name: str, made: Callable[[], bytes]) -> bytes:
    """Read a timing in the cache; make it where there is none, or a damaged one."""
    path = cache_dir() / FOLDER / name
    found = _whole(path)
    if found is None:
        path.parent.mkdir(exist_ok=True)
        with FileLock(path.with_name("lock")):  # who times is alone, and who waits takes what was found
            found = _whole(path)
            if found is None:
                found = made()
                write_whole(path, found)
    return found


def _whole(path: Path) -> bytes | None:
    """Read a file with a timing; None where there is none, or a damaged one."""
    found = path.read_bytes() if path.exists() else None
    return None if _chosen(found) is None else found


def _chosen(data: bytes | None) -> Ways | None:
    """Choose by a timing, as `timed` gives it; None where data are none."""
    try:
        products_timed = json.loads(data or b"")["seconds"]
        return Ways(*(ratio > MARGIN for _, _, ratio in (products_timed[name] for name in Ways._fields)))
    except (ValueError, TypeError, KeyError):
        return None


def timed(size: Size) -> dict[str, tuple[float, float, float]]:
    """Time each product: the library's seconds, a matrix product's, and how many times as long the former take."""
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
        return {name: _race(partial(call, False), partial(call, True)) for name, call in calls.items()}


def _race(library: Callable[[], object], matrix: Callable[[], object]) -> tuple[float, float, float]:
    """Let two calls take turns; the medians of their seconds, and of the turns' ratios.

    Whatever else the machine does lasts for longer than a turn and disturbs both, so that ratios of turns vary least.
    """
    other = torch.zeros(OTHER)

    def seconds(call: Callable[[], object]) -> float:
        other.add_(1)
        before = time.perf_counter()
        call()
        return time.perf_counter() - before

    turns = [(seconds(library), seconds(matrix))]  # for warming up
    started = time.perf_counter()
    while (spent := time.perf_counter() - started) < MOST_SECONDS:
        if len(turns) > TURNS[1] or (len(turns) > TURNS[0] and spent > SECONDS):
            break
        turns.append((seconds(library), seconds(matrix)))
    theirs, ours = zip(*(turns[1:]), strict=True)
    return median(theirs), median(ours), median(one / each for one, each in turns[1:])
