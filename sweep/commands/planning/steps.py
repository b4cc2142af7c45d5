"""Steps of a configuration on noise, alone or in slots, and how long they take."""

import time
from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import torch

from ganlib.config import TrialConfig
from ganlib.data.labels.classes import Classes
from ganlib.names import FAMILIES
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.stream import BatchStream, DomainStream, LabelledStream
from sweep.worker.pack import TURN_SECONDS

CLASSES = 10
"""Classes that are timed where pictures have labels: how many there are costs next to nothing."""
Batches = BatchStream | LabelledStream | DomainStream


def made(config: TrialConfig, device: torch.device) -> tuple[AdversarialStep, Batches]:
    """Build the step of a configuration, and batches of noise: how long a step takes does not depend on the picture."""
    make: type[AdversarialStep] = FAMILIES[config.model.family].load_step()
    labelled = config.data.labels is not None
    step = make(config.data, config.model, config.train, 0, device, CLASSES if labelled else 0)
    batch = config.train.batch_size
    shown = torch.from_numpy(noise(config)).to(device)
    batches: Batches = (
        DomainStream(shown, shown, shown, batch, 0, device)
        if FAMILIES[config.model.family].translates
        else BatchStream(shown, batch, 0, device)
    )
    if labelled and isinstance(batches, BatchStream):
        batches = LabelledStream(batches, classes(batch).of)
    if config.train.landmark_weight:
        step.landmarks = torch.rand(batch, 5, 2, device=device)
    step.schedule(1e6)  # networks that grow have grown
    return step, batches


def per_kimg(step: AdversarialStep, batches: Batches, seconds: float) -> float:
    """Time training, for so long and at least one step; returns the seconds for a thousand pictures shown."""
    settle(step, batches)
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        step(batches)
        done += 1
    step.read_means()
    return (time.perf_counter() - begin) * 1000 / (done * step.pictures_per_step)


def settle(step: AdversarialStep, batches: Batches) -> None:
    """Take the steps that are slower than those to come.

    On a GPU the first alone takes seconds; on a processor too, where the ways of its convolutions are not known yet.
    """
    for _ in range(step.settling):
        step(batches)
        if step.refused:
            break
    step.read_means()  # waits for the device


def in_turn(built: Sequence[tuple[AdversarialStep, Batches]], device: torch.device, seconds: float) -> float:
    """Time several slots that take turns as in `sweep.worker.pack`; returns the seconds for a thousand pictures.

    That many pictures are shown in each slot.
    """
    streams = [torch.cuda.Stream() if device.type == "cuda" else None for _ in built]
    done = 0

    def turn(number: int, length: float) -> int:
        step, batches = built[number]
        stream, steps, until = streams[number], 0, time.perf_counter() + length
        with torch.cuda.stream(stream) if stream else nullcontext():
            while not steps or time.perf_counter() < until:
                step(batches)
                steps += 1
        return steps

    def read() -> None:
        for step, _ in built:
            step.read_means()  # waits for the device

    for stream, (step, batches) in zip(streams, built, strict=True):
        with torch.cuda.stream(stream) if stream else nullcontext():
            settle(step, batches)
    begin = time.perf_counter()
    while not done or time.perf_counter() - begin < seconds:
        done += sum(turn(number, TURN_SECONDS) for number in range(len(built)))
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    read()
    elapsed = time.perf_counter() - begin
    return elapsed * len(built) * 1000 / (done * built[0][0].pictures_per_step)


def classes(count: int) -> Classes:
    """Make up the classes of noise."""
    return Classes(tuple(map(str, range(CLASSES))), np.arange(count) % CLASSES)


def noise(config: TrialConfig) -> np.ndarray:
    """Make a batch of noise, uint8."""
    size = config.data.size
    shape = (config.train.batch_size, size, size, config.data.channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
