"""Training loops as endless iterators, and how fast they are."""

import statistics
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.names import FAMILIES
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.stream import BatchStream


def ways(device: str) -> dict[str, str]:
    """Name the ways in which steps are taken on a device, each with its ``train.capture``."""
    return {"eager": "off", **({"captured": "auto"} if device == "cuda" else {})}


def made(
    pictures: torch.Tensor,
    device: torch.device,
    model: Mapping[str, Any],
    train: Mapping[str, Any],
    seed: int = 0,
) -> tuple[AdversarialStep, BatchStream]:
    """Make a step and its batches.

    Args:
        pictures: From `ganlib.steps.resident.resident`.
        device: Where it trains.
        model: Keys of ``model``.
        train: Keys of ``train``.
        seed: Of both.
    """
    kind: type[AdversarialStep] = FAMILIES[model.get("family", "dcgan")].load_step()
    config = TrainConfig(**train)
    step = kind(DataConfig(size=pictures.shape[1]), ModelConfig(**model), config, seed, device)
    return step, BatchStream(pictures, config.batch_size, seed, device)


def loop(step: AdversarialStep, batches: BatchStream) -> Iterator[int]:
    """Train as `ganlib.training.fit.Fit` does; gives the pictures of each step."""
    while True:
        step.schedule(batches.shown / 1000 + 1)
        step(batches)
        yield step.pictures_per_step


def settled(step: AdversarialStep, batches: BatchStream) -> Iterator[int]:
    """Train as `loop` does, after the steps that are slower than those to come: the first takes seconds on a card."""
    running = loop(step, batches)
    for _ in islice(running, step.settling):
        pass
    step.read_means()
    return running


def wait(device: torch.device) -> None:
    """Wait until a device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def rate(loop: Iterator[int], seconds: float, device: torch.device) -> float:
    """Measure pictures a second over about so many seconds."""
    wait(device)
    begin, pictures = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        pictures += next(loop)
    wait(device)
    return pictures / (time.perf_counter() - begin)


def rounds(
    loops: Mapping[str, Iterator[int]], count: int, seconds: float, device: torch.device
) -> dict[str, list[float]]:
    """Let loops take turns, after a turn of each that does not count; pictures a second of each turn."""
    for one in loops.values():
        rate(one, seconds, device)
    found: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(count):
        for name, one in loops.items():
            found[name].append(rate(one, seconds, device))
    return found


def ratio(found: Mapping[str, list[float]], name: str, base: str) -> dict[str, float]:
    """Compare two loops turn by turn: the median ratio, the smallest and the largest."""
    ratios = [a / b for a, b in zip(found[name], found[base], strict=True)]
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}
