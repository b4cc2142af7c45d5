"""Trials side by side: on streams of one process, as a pack trains them, against processes that take turns."""

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.gpu.loops import made, rate, settled, wait, ways
from benchmarks.gpu.machine import said
from benchmarks.gpu.parts import Figures, Settings, Skipped
from benchmarks.gpu.pictures import discs
from ganlib.heap import give_back
from ganlib.steps.resident import resident
from sweep.worker.pack import TURN_SECONDS

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

FOR_PACKS = 0.5
"""Share of the time that is kept for trials of one process."""


def measure(settings: Settings, figures: Figures) -> None:
    """Measure one, two, four and eight trials, what is asked for most first."""
    counts = (1, 2) if settings.tiny else (4, 1, 2, 8)
    seconds = 0.2 if settings.tiny else settings.seconds * 0.025
    captures = dict(reversed(ways(settings.device).items()))
    cases = [(count, name) for name in captures for count in counts]
    with figures.judged():
        size, pictures, _ = _sizes(settings)
        discs(pictures, size)  # once for all processes
        # Processes first, because what has touched a card cannot fork.
        for group, work, least in (("processes", _processes, FOR_PACKS), ("one process", _pack, 0.05)):
            for count, name in cases:
                if work is _pack or count in (2, 4):
                    part = partial(work, settings, count, captures[name], seconds)
                    figures.check(group, f"{count} {name}", partial(_in_time, settings, least, part))


def _in_time(settings: Settings, least: float, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do work where at least this share of the part's time is left."""
    if settings.left < least * settings.seconds:
        raise Skipped("no time left")
    return work()


def _sizes(settings: Settings) -> tuple[int, int, int]:
    """Give the side of pictures, how many there are, and how many are in a batch."""
    return (32, 64, 8) if settings.tiny else (64, 4000, 128)


def _steps(settings: Settings, count: int, capture: str) -> list[Any]:
    """Make trials of a DCGAN that differ by their seeds."""
    device = torch.device(settings.device)
    torch.backends.cudnn.benchmark = True
    size, pictures, batch = _sizes(settings)
    stored = resident(discs(pictures, size), device)
    model = {"width": 4 if settings.tiny else 64, "latent_dim": 100}
    train = {"batch_size": batch, "capture": capture}
    return [settled(*made(stored, device, model, train, seed)) for seed in range(count)]


def _pack(settings: Settings, count: int, capture: str, seconds: float) -> dict[str, Any]:
    """Train trials in turn, each on a stream of its own."""
    device = torch.device(settings.device)
    on_card = device.type == "cuda"
    if on_card:
        give_back(device)  # of the pack before
        torch.cuda.reset_peak_memory_stats()
    running = _steps(settings, count, capture)
    streams = [torch.cuda.Stream() if on_card else None for _ in running]
    turn = min(TURN_SECONDS, seconds / 4 / count)

    def train(seconds: float) -> int:
        begin, pictures = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            for one, stream in zip(running, streams, strict=True):
                with torch.cuda.stream(stream) if stream else contextlib.nullcontext():
                    until = time.perf_counter() + turn
                    while time.perf_counter() < until:
                        pictures += next(one)
        wait(device)
        return pictures

    wait(device)
    train(seconds / 2)
    begin = time.perf_counter()
    pictures = train(seconds)
    found: dict[str, Any] = {"pictures a second": pictures / (time.perf_counter() - begin)}
    if on_card:
        found["memory_mib"] = torch.cuda.max_memory_reserved() >> 20
    return found


def _processes(settings: Settings, count: int, capture: str, seconds: float) -> dict[str, Any]:
    """Train trials at one time in processes of their own, which have contexts of their own."""
    context = multiprocessing.get_context("fork")  # this process has not touched the card yet
    pipes = [context.Pipe() for _ in range(count)]
    processes = [
        context.Process(target=_beside, args=(settings, capture, there, seconds), daemon=True)
        for _, there in pipes
    ]
    before = _memory_used(settings)
    for process, (_, there) in zip(processes, pipes, strict=True):
        process.start()
        there.close()
    try:
        both = [(here, process) for (here, _), process in zip(pipes, processes, strict=True)]
        for here, process in both:
            _received(here, process)
        for here, _ in both:
            here.send("go")
        rates = [_received(here, process) for here, process in both]
        used = _memory_used(settings)
    finally:
        for process in processes:
            process.kill()
            process.join()
    memory = {} if used is None or before is None else {"memory_mib": used - before}
    return {"pictures a second": sum(rates), "of each": rates, **memory}


def _received(pipe: "Connection", process: "multiprocessing.process.BaseProcess") -> float:
    """Wait for what a process sends.

    Raises:
        RuntimeError: It has died.
    """
    while not pipe.poll(0.1):
        if not process.is_alive():
            raise RuntimeError(f"a process has died with {process.exitcode}")
    number: float = pipe.recv()
    return number


def _beside(settings: Settings, capture: str, pipe: "Connection", seconds: float) -> None:
    """Train one trial in this process, when it is told to, and send the pictures a second.

    The process lives on until it is killed, so that its memory can be seen.
    """
    device = torch.device(settings.device)
    torch.set_num_threads(1)
    (one,) = _steps(settings, 1, capture)
    rate(one, seconds / 2, device)
    pipe.send(0.0)  # ready
    pipe.recv()
    pipe.send(rate(one, seconds, device))
    time.sleep(600)


def _memory_used(settings: Settings) -> int | None:
    """Ask the driver for the memory of the card that is in use, in MiB; None where nobody says."""
    if settings.device == "cpu":
        return None
    told = said("nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits")
    return int(told.splitlines()[0]) if told else None
