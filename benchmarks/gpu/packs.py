"""Trials side by side: on streams of one process, as a pack trains them, against processes that take turns."""

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.loops import loop, made, wait
from benchmarks.gpu.parts import Figures, Settings, last_lines
from benchmarks.gpu.pictures import discs
from ganlib.steps.resident import resident
from sweep.worker.pack import TURN_SECONDS

CHILD = Path(__file__).with_name("child.py")


def measure(settings: Settings, figures: Figures) -> None:
    """Measure one, two, four and eight trials."""
    counts = (1, 2) if settings.tiny else (1, 2, 4, 8)
    seconds = 0.2 if settings.tiny else settings.seconds * 0.04
    with figures.judged():
        for count in counts:
            for capture in ("auto", "off"):
                name = f"{count} {'captured' if capture == 'auto' else 'eager'}"
                figures.check("one process", name, lambda count=count, capture=capture: _pack(settings, count, capture, seconds))
        for count in counts[1:]:
            figures.check("processes", f"{count} captured", lambda count=count: _processes(settings, count, seconds))


def _steps(settings: Settings, count: int, capture: str) -> list[Any]:
    """Make trials of a DCGAN that differ by their seeds."""
    device = torch.device(settings.device)
    torch.backends.cudnn.benchmark = True
    size, pictures, batch = (32, 64, 8) if settings.tiny else (64, 4000, 128)
    stored = resident(discs(pictures, size), device)
    model = {"width": 4 if settings.tiny else 64, "latent_dim": 100}
    train = {"batch_size": batch, "capture": capture}
    return [loop(*made(stored, device, model, train, seed)) for seed in range(count)]


def _pack(settings: Settings, count: int, capture: str, seconds: float) -> dict[str, Any]:
    """Train trials in turn, each on a stream of its own."""
    device = torch.device(settings.device)
    on_card = device.type == "cuda"
    if on_card:
        torch.cuda.empty_cache()
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


def _processes(settings: Settings, count: int, seconds: float) -> dict[str, Any]:
    """Train trials at one time in processes of their own, which have contexts of their own."""
    scratch = Path(settings.scratch)
    asked = scratch / f"beside-{count}.settings"
    plain = asdict(settings) | {"known": {"seconds": seconds}}
    del plain["begun"]
    asked.write_text(json.dumps(plain))
    if settings.device == "cuda":
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info()[0]
    errors = scratch / f"beside-{count}.txt"
    with errors.open("w") as stream:
        processes = [
            subprocess.Popen(
                [sys.executable, str(CHILD), "benchmarks.gpu.packs:beside", str(asked), f"{asked}.{number}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env=settings.environment,
                text=True,
            )
            for number in range(count)
        ]
        try:
            ready = [process.stdout.readline() for process in processes]  # type: ignore[union-attr]
            if set(ready) != {"ready\n"}:
                raise RuntimeError("\n".join(last_lines(errors.read_text())))
            for process in processes:
                process.stdin.write("\n")  # type: ignore[union-attr]
                process.stdin.flush()  # type: ignore[union-attr]
            rates = [float(process.stdout.readline()) for process in processes]  # type: ignore[union-attr]
            found: dict[str, Any] = {"pictures a second": sum(rates), "of each": rates}
            if settings.device == "cuda":
                found["memory_mib"] = (free - torch.cuda.mem_get_info()[0]) >> 20
        finally:
            for process in processes:
                process.kill()
                process.communicate()
    return found


def beside(settings: Settings, figures: Figures) -> None:
    """Train one trial in this process: say ``ready``, wait for a line, train, say the pictures a second.

    The process lives on until it is killed, so that its memory can be seen.
    """
    device, seconds = torch.device(settings.device), float(settings.known["seconds"])
    torch.set_num_threads(1)
    (one,) = _steps(settings, 1, "auto")
    for _ in range(2 if settings.tiny else 20):
        next(one)
    wait(device)
    print("ready", flush=True)
    sys.stdin.readline()
    begin, pictures = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        pictures += next(one)
    wait(device)
    print(pictures / (time.perf_counter() - begin), flush=True)
    sys.stdin.readline()
