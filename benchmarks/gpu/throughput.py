"""Pictures a second, loading included: eager and captured, beside PyTorch's own example; and what the card computes."""

import statistics
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import torch

from benchmarks.gpu.loops import made, rate, ratio, rounds, settled, wait, ways
from benchmarks.gpu.parts import Figures, Settings
from benchmarks.gpu.pictures import discs, folder_of
from benchmarks.tutorial import Tutorial
from ganlib.config import ModelConfig
from ganlib.steps.resident import resident

EXAMPLE = "PyTorch's example"
OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "wgan-gp": ({}, {"loss": "wgan-gp"}),
    "stylegan2": ({"family": "stylegan2"}, {"r1_gamma": 1.0, "r1_every": 16, "batch_size": 32}),
    "r3gan": ({"family": "r3gan"}, {"loss": "rpgan", "r1_gamma": 1.0, "r2_gamma": 1.0, "batch_size": 64}),
}
"""Keys of ``model`` and of ``train``."""
KERNELS = 15
"""Kernels that are named: those that take most of the time."""


def measure(settings: Settings, figures: Figures) -> None:
    """Measure a DCGAN beside the example, other families, and kernels."""
    device = torch.device(settings.device)
    # As in a trial's process, and in the example.
    torch.backends.cudnn.benchmark = True
    size, count, batch, workers = (32, 64, 16, 0) if settings.tiny else (64, 4000, 128, 2)
    model = {"width": 4 if settings.tiny else 64, "latent_dim": 100}
    drawn = discs(count, size)
    folder_of(drawn, settings.pictures / "train")
    stored = resident(drawn, device)
    turns, seconds = (1, 0.1) if settings.tiny else (5, settings.seconds / 75)
    with figures.judged():
        if device.type == "cpu":
            figures.note(captured="skipped: needs CUDA")
        work = partial(_beside, settings, stored, model, batch, workers, turns, seconds)
        figures.check("dcgan", "against the example", work)
        for name, (keys, train) in OTHERS.items():
            if settings.tiny:
                keys, train = keys | {"width": 4, "latent_dim": 4}, train | {"batch_size": 8}
            work = partial(_captures, stored, keys, {"batch_size": batch} | train, device, seconds)
            figures.check("others", name, work)
        for name, capture in ways(device.type).items():
            keys = {"batch_size": batch, "capture": capture}
            figures.check("kernels", name, partial(_kernels, stored, model, keys, device, settings.tiny))


def _beside(
    settings: Settings,
    stored: torch.Tensor,
    model: dict[str, Any],
    batch: int,
    workers: int,
    turns: int,
    seconds: float,
) -> dict[str, Any]:
    """Compare our step in all ways with the example, turn by turn."""
    device = torch.device(settings.device)
    loops: dict[str, Iterator[int]] = {}
    steps = {}
    for precision in ("bf16", "fp32"):
        for name, capture in ways(device.type).items():
            way = f"{precision}, {name}"
            train = {"batch_size": batch, "precision": precision, "capture": capture}
            steps[way], batches = made(stored, device, model, train)
            loops[way] = settled(steps[way], batches)
    example = Tutorial(settings.pictures, ModelConfig(**model), stored.shape[1], batch, device.type, workers)
    loops[EXAMPLE] = example.steps()  # torch's own settings of TF32 are in force
    found = rounds(loops, turns, seconds, device)
    return {
        "size": stored.shape[1],
        "batch": batch,
        "width": model["width"],
        "loader workers of the example": workers,
        "pictures a second": {name: statistics.median(rates) for name, rates in found.items()},
        "ratio to the example": {name: ratio(found, name, EXAMPLE) for name in loops if name != EXAMPLE},
        "captured over eager": {
            precision: ratio(found, f"{precision}, captured", f"{precision}, eager")
            for precision in ("bf16", "fp32")
            if f"{precision}, captured" in steps
        },
        "refused": {way: step.refused for way, step in steps.items() if step.refused},
    }


def _captures(
    stored: torch.Tensor,
    model: dict[str, Any],
    train: dict[str, Any],
    device: torch.device,
    seconds: float,
) -> dict[str, Any]:
    """Measure a family eager and captured."""
    found: dict[str, Any] = {"batch": train["batch_size"]}
    for name, capture in ways(device.type).items():
        step, batches = made(stored, device, model, train | {"capture": capture})
        running = settled(step, batches)
        rate(running, seconds, device)
        pictures = rate(running, 2 * seconds, device)
        found[name] = {
            "pictures a second": pictures,
            "steps a second": pictures / step.pictures_per_step,
            "refused": step.refused,
        }
    return found


def _is_kernel(event: Any) -> bool:
    """Tell whether the card ran it: a range that has a name, as an optimizer's step, is told of beside its kernels."""
    return event.device_type == torch.autograd.DeviceType.CUDA and not event.is_user_annotation


def _kernels(
    stored: torch.Tensor, model: dict[str, Any], train: dict[str, Any], device: torch.device, tiny: bool
) -> dict[str, Any]:
    """Profile steps of a DCGAN: the share of the time in which the card computes, and its longest kernels."""
    steps = 2 if tiny else 20
    step, batches = made(stored, device, model, train)
    running = settled(step, batches)
    per_step = train["batch_size"] / rate(running, 0.05 if tiny else 1.0, device)
    on_card = device.type == "cuda"
    activity = torch.profiler.ProfilerActivity
    kinds = [activity.CPU, activity.CUDA] if on_card else [activity.CPU]
    with torch.profiler.profile(activities=kinds) as seen:
        for _ in islice(running, steps):
            pass
        wait(device)
    attribute = "self_device_time_total" if on_card else "self_cpu_time_total"
    rows = [
        (getattr(event, attribute), event.count, event.key)
        for event in seen.key_averages()
        if not on_card or _is_kernel(event)
    ]
    busy = sum(row[0] for row in rows) * 1e-6 / steps
    return {
        "milliseconds a step": 1000 * per_step,
        "busy": busy / per_step,
        "kernels a step": sum(row[1] for row in rows) / steps,
        "longest": [
            {
                "name": name[:120],
                "calls": calls / steps,
                "microseconds": time / steps,
                "share": time * 1e-6 / steps / busy,
            }
            for time, calls, name in sorted(rows, reverse=True)[:KERNELS]
        ],
    }
