"""How long a sweep will take: a few steps of a few configurations and one small evaluation, timed on this machine."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from ganlib import cores
from ganlib.clock import RELATIVE, reached
from ganlib.config import EvaluateConfig, TrialConfig
from ganlib.data.alpha import tensor_on_checks
from ganlib.data.labels.classes import Classes
from ganlib.metrics import RealStatistics, load_extractor
from ganlib.metrics.kernel import usual_size
from ganlib.models.inputs import inputs_of
from ganlib.names import FAMILIES
from ganlib.training.ladder import stage_at
from ganlib.training.steps import AdversarialStep
from ganlib.training.stream import BatchStream, DomainStream, LabelledStream
from sweep.runners.capacity import Demand, Node, alone
from sweep.search.asha import expected_survivors
from sweep.spec.schedule import Schedule
from sweep.spec.specification import Spec
from sweep.worker.shared import device_of

SECONDS = 1.5
"""Steps of one configuration are timed for so long, and at least one is."""
CONFIGURATIONS = 3
CLASSES = 10
"""Classes that are timed where pictures have labels: how many there are costs next to nothing."""
_FEATURES = 1024
"""Features of so many pictures are compared at most."""


@dataclass(frozen=True)
class Speed:
    """What was timed.

    Attributes:
        device: ``cpu`` or ``cuda``.
        per_kimg: Seconds of training for a thousand pictures, the mean over the configurations.
        slowest: The largest of them.
        per_picture: Seconds to generate a picture and extract its features.
        per_score: Seconds to compute the metrics of one evaluation with all its pictures.
    """

    device: str
    per_kimg: float
    slowest: float
    per_picture: float
    per_score: float


@dataclass(frozen=True)
class Estimate:
    """How long it will take, in seconds; no more than an estimate.

    Attributes:
        trial: One trial to its end, the mean over the configurations.
        slowest: The same for the slowest of them.
        sweep: All trials, as many as are expected to go on at each rung.
        at_once: How many run at a time on this machine.
        speed: What it was computed from.
    """

    trial: float
    slowest: float
    sweep: float
    at_once: int
    speed: Speed


def measure(spec: Spec, samples: Sequence[Mapping[str, Any]], local: bool = False) -> Speed:
    """Time training and evaluation on the device that trials would have; some seconds.

    Args:
        spec: The sweep.
        samples: Parameters of its first trials; up to `CONFIGURATIONS` different ones are tried.
        local: Whether trials would run one after another, each with all of a GPU's memory.

    Raises:
        RequestError: if the extractor cannot be loaded.
    """
    gpu = spec.resources.gpu
    device, threads = device_of(alone(gpu) if local else gpu), torch.get_num_threads()
    torch.set_num_threads(max(1, int(spec.resources.cpu)))
    try:
        configs = [spec.resolve(params) for params in _different(samples)]
        timed = [_steps(config, device) for config in configs]
        seconds = [per_kimg for per_kimg, _ in timed]
        per_picture, per_score = _evaluation(timed[0][1], spec.evaluate, configs[0], device)
    finally:
        torch.set_num_threads(threads)
    return Speed(device.type, float(np.mean(seconds)), max(seconds), per_picture, per_score)


def estimate(spec: Spec, images: int, trials: int, speed: Speed, local: bool = False) -> Estimate:
    """Estimate the time of a trial and of the whole sweep from what was timed."""
    at = spec.schedule(images)
    points = [0.0, *at.comparisons, at.budget]
    arriving = float(trials)
    alive = [arriving]
    if spec.asha:
        alive += [left for _, left in expected_survivors(trials, at.comparisons, spec.asha.reduction)]
    spans = [_evaluating(at, spec.evaluate.n_fake, span, speed) for span in pairwise(points)]
    trained = [(end - begin) * speed.per_kimg for begin, end in pairwise(points)]
    trial = sum(trained) + sum(spans)
    total = sum(count * (a + b) for count, a, b in zip(alive, trained, spans, strict=True))
    slots = 1 if local else _at_once(spec, speed.device)
    # Trials that share a GPU take turns on it.
    parallel = min(slots, torch.cuda.device_count()) if speed.device == "cuda" else slots
    slowest = trial + at.budget * (speed.slowest - speed.per_kimg)
    wall = max(total / max(1, min(parallel, trials)), trial)
    return Estimate(trial, slowest, wall, slots, speed)


def _different(samples: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    chosen: list[Mapping[str, Any]] = []
    for params in samples:
        if params not in chosen and len(chosen) < CONFIGURATIONS:
            chosen.append(params)
    return chosen or [{}]


def _steps(config: TrialConfig, device: torch.device) -> tuple[float, AdversarialStep]:
    """Seconds for a thousand pictures shown, on noise: how long a step takes does not depend on the picture."""
    make: type[AdversarialStep] = FAMILIES[config.model.family].load_step()
    labelled = config.data.labels is not None
    step = make(config.data, config.model, config.train, 0, device, CLASSES if labelled else 0)
    noise, batch = _noise(config), config.train.batch_size
    shown = torch.from_numpy(noise).to(device)
    translates = FAMILIES[config.model.family].translates
    batches: BatchStream | LabelledStream | DomainStream = (
        DomainStream(shown, shown, shown, batch, 0, device)
        if translates
        else BatchStream(shown, batch, 0, device)
    )
    if labelled and isinstance(batches, BatchStream):
        batches = LabelledStream(batches, _classes(batch).of)
    if config.train.landmark_weight:
        step.landmarks = torch.rand(batch, 5, 2, device=device)
    step.schedule(1e6)  # networks that grow have grown
    begin = time.perf_counter()
    step(batches)
    step.read_means()  # waits for the device
    first = time.perf_counter() - begin
    if first > SECONDS:
        return first * 1000 / step.pictures_per_step, step
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        step(batches)
        done += 1
    step.read_means()
    return (time.perf_counter() - begin) * 1000 / (done * step.pictures_per_step), step


def _classes(count: int) -> Classes:
    """Make up the classes of noise."""
    return Classes(tuple(map(str, range(CLASSES))), np.arange(count) % CLASSES)


def _noise(config: TrialConfig) -> np.ndarray:
    """Make a batch of noise, uint8."""
    size = config.data.size
    shape = (config.train.batch_size, size, size, config.data.channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _evaluation(
    step: AdversarialStep, evaluate: EvaluateConfig, config: TrialConfig, device: torch.device
) -> tuple[float, float]:
    """Seconds for one picture and its features, and for the metrics of all."""
    extractor = load_extractor(evaluate.extractor, evaluate.weights, device)
    noise = _noise(config)
    classes = None if config.data.labels is None else _classes(max(CLASSES, len(noise)))
    inputs = inputs_of(config.model, noise, noise, classes).take(min(64, evaluate.n_fake))
    extractor(tensor_on_checks(step.sample(inputs[:2]))).sum().item()
    begin = time.perf_counter()
    extractor(tensor_on_checks(step.sample(inputs))).sum().item()
    per_picture = (time.perf_counter() - begin) / len(inputs)
    count = max(4, min(_FEATURES, evaluate.n_fake))
    random = np.random.default_rng(0)
    real, fake = (random.normal(size=(count, extractor.dim)).astype(np.float32) for _ in range(2))
    statistics = RealStatistics(torch.from_numpy(real).to(device))
    features = torch.from_numpy(fake).to(device)
    size = usual_size(count, count, evaluate.kid_subset_size)
    statistics.kid(features, evaluate.kid_subsets, size)  # the real side is computed once
    begin = time.perf_counter()
    statistics.kid(features, evaluate.kid_subsets, size)
    statistics.frechet(features)
    return per_picture, (time.perf_counter() - begin) * evaluate.n_fake / count


def _evaluating(at: Schedule, n_fake: int, span: tuple[float, float], speed: Speed) -> float:
    """Seconds of the evaluations that come after the beginning of a span and up to its end."""
    begin, end = span
    seconds = 0.0
    first = math.floor(begin / at.interval * (1 + RELATIVE)) + 1
    last = math.ceil(end / at.interval * (1 - RELATIVE))
    for number in range(first, min(last, first + 100_000) + 1):
        kimg = min(number * at.interval, at.budget)
        if not reached(end, kimg):
            break
        count = stage_at(at.ladder, n_fake, (number - 1) * at.interval, kimg >= at.budget).n_fake
        seconds += count * speed.per_picture + speed.per_score * count / n_fake
    return seconds


def _at_once(spec: Spec, device: str) -> int:
    """Count the trials that run at a time on this machine."""
    resources = spec.resources
    demand = Demand.of(resources.cpu, resources.gpu if device == "cuda" else 0)
    gpus = torch.cuda.device_count() if device == "cuda" else 0
    slots = Node.having(cores.available(), gpus).holds(demand)
    return max(1, min(slots, resources.max_concurrent or slots))
