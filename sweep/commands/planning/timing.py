"""Time a few steps of a few configurations and the parts of an evaluation, on noise, in a process of its own.

``python -m sweep.commands.planning.timing`` reads a task as JSON, says ``ready`` once it has built everything, waits
for a line, measures, and writes `Timed` as JSON: so several of them measure at one moment, as trials run side by side.
"""

import json
import os
import resource
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from ganlib.config import EvaluateConfig, TrialConfig
from ganlib.data.alpha import tensor_on_checks
from ganlib.data.sheet import grid, png
from ganlib.errors import RequestError
from ganlib.export.files import pack_weights
from ganlib.heap import give_back, keep_memory
from ganlib.metrics import RealStatistics, load_extractor, pairwise_similarity
from ganlib.metrics.counts import usual_size
from ganlib.metrics.diversity import vendi_from_features
from ganlib.models.inputs import inputs_of
from ganlib.models.sheets import COLUMNS
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.copies import mark
from ganlib.training import checkpoint
from ganlib.training.fit import GRID
from sweep.commands.planning import steps
from sweep.runners.capacity import CONTEXT
from sweep.spec.specification import Spec, parse
from sweep.worker.shared import device_of

CONFIGURATIONS = 3
_FEATURES = 1024
"""Features of so many pictures are compared at most."""


@dataclass(frozen=True)
class Timed:
    """What one process measured.

    Attributes:
        device: ``cpu`` or ``cuda``.
        machine: The kind of GPU, or the machine's name.
        memory_there: Bytes that the machine has, or of the GPU those that no other program held; 0 where that is not
            known.
        per_kimg: Seconds of training for a thousand pictures, of each configuration.
        per_picture: Seconds to generate a picture and extract its features.
        per_score: Seconds to compute the metrics of one evaluation with all its pictures.
        per_evaluation: Seconds of all else at an evaluation: similarity of pictures, grid, weights that are kept.
        per_save: Seconds that a checkpoint keeps a trial from training.
        memory: Bytes of one trial at most: of the process, or of what torch held of the GPU its part.
        checkpoint: Bytes of a checkpoint, of the largest configuration.
        snapshot: Bytes of a generator that is kept, with its discriminator.
        grid: Bytes of a grid of noise, more than one of pictures has.
    """

    device: str
    machine: str
    memory_there: int
    per_kimg: tuple[float, ...]
    per_picture: float
    per_score: float
    per_evaluation: float
    per_save: float
    memory: int
    checkpoint: int
    snapshot: int
    grid: int


def measure(
    spec: Spec,
    samples: Sequence[Mapping[str, Any]],
    seconds: float,
    gpu: float = 0.0,
    first: int = 0,
    slots: int = 1,
    wait: Callable[[], None] = lambda: None,
) -> Timed:
    """Time training and evaluation on the device that trials would have; some seconds.

    Args:
        spec: The sweep.
        samples: Parameters of its first trials; up to `CONFIGURATIONS` different ones are tried.
        seconds: Steps of one configuration are timed for so long, and at least one is.
        gpu: Of a GPU, what each process has; 0 for the processor.
        first: Which of them is timed first: processes that measure side by side begin with different ones.
        slots: Trials of one process, which take turns.
        wait: Called when all is loaded, before anything is timed.

    Raises:
        RequestError: if the extractor cannot be loaded.
    """
    device, threads = device_of(gpu), torch.get_num_threads()
    there = _memory_there(device)
    torch.set_num_threads(max(1, int(spec.resources.cpu)))
    try:
        configs = [spec.resolve(params) for params in _different(samples)]
        load_extractor(spec.evaluate.extractor, spec.evaluate.weights, device)
        wait()
        order = [(first + number) % len(configs) for number in range(len(configs))]
        found = {number: _timed(configs[number], device, seconds, slots) for number in order}
        step, _ = steps.made(configs[0], device)
        per_picture, per_score = _evaluation(step, spec.evaluate, configs[0], device)
        per_evaluation, grid_bytes = _rest(step, configs[0], device)
    finally:
        torch.set_num_threads(threads)
    return Timed(
        device=device.type,
        machine=torch.cuda.get_device_name() if device.type == "cuda" else socket.gethostname(),
        memory_there=there,
        per_kimg=tuple(found[number].per_kimg for number in range(len(configs))),
        per_picture=per_picture,
        per_score=per_score,
        per_evaluation=per_evaluation,
        per_save=max(one.per_save for one in found.values()),
        memory=_memory(device) // (slots if device.type == "cuda" else 1),
        checkpoint=max(one.checkpoint for one in found.values()),
        snapshot=max(one.snapshot for one in found.values()),
        grid=grid_bytes,
    )


@dataclass(frozen=True)
class _One:
    """What is found of one configuration; see `Timed`."""

    per_kimg: float
    per_save: float
    checkpoint: int
    snapshot: int


def _timed(config: TrialConfig, device: torch.device, seconds: float, slots: int) -> _One:
    """Time one configuration, alone or in as many slots; what was built for it is gone afterwards."""
    built = [steps.made(config, device) for _ in range(slots)]
    per_kimg = steps.per_kimg(*built[0], seconds) if slots == 1 else steps.in_turn(built, device, seconds)
    step = built[0][0]
    begin = time.perf_counter()
    state = step.state(wait=False)
    copied = time.perf_counter() - begin
    mark(device)()
    data = checkpoint.dump({"fit": {"step": state}, "history": []})
    # On a CPU what is done in the background keeps the trial's own core busy.
    per_save = copied if device.type == "cuda" else time.perf_counter() - begin
    snapshot = len(pack_weights(step.average)) + len(pack_weights(step.discriminator))
    del built, step, state
    give_back(device)
    return _One(per_kimg, per_save, len(data), snapshot)


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _memory_there(device: torch.device) -> int:
    """Look up the memory for trials, before anything is loaded."""
    if device.type == "cuda":
        free, whole = torch.cuda.mem_get_info()
        return int(min(whole, free + CONTEXT))  # asking takes a context, which each process counts for itself
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _different(samples: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    chosen: list[Mapping[str, Any]] = []
    for params in samples:
        if params not in chosen and len(chosen) < CONFIGURATIONS:
            chosen.append(params)
    return chosen or [{}]


def _evaluation(
    step: AdversarialStep, evaluate: EvaluateConfig, config: TrialConfig, device: torch.device
) -> tuple[float, float]:
    """Seconds for one picture and its features, and for the metrics of all."""
    extractor = load_extractor(evaluate.extractor, evaluate.weights, device)
    noise = steps.noise(config)
    classes = None if config.data.labels is None else steps.classes(max(steps.CLASSES, len(noise)))
    inputs = inputs_of(config.model, noise, noise, classes).take(min(64, evaluate.n_fake))
    extractor(tensor_on_checks(step.sample(inputs))).sum().item()  # kernels are chosen for this shape
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
    if device.type == "cuda":
        statistics.frechet(features)  # the first loads a library
    begin = time.perf_counter()
    statistics.kid(features, evaluate.kid_subsets, size)
    statistics.frechet(features)
    return per_picture, (time.perf_counter() - begin) * evaluate.n_fake / count


def _rest(step: AdversarialStep, config: TrialConfig, device: torch.device) -> tuple[float, int]:
    """Seconds of what an evaluation does beside its metrics, and the bytes of a grid."""
    size, channels = config.data.size, config.data.channels
    noise = np.random.default_rng(0).integers(0, 256, (GRID, size, size, channels), dtype=np.uint8)
    features = np.random.default_rng(1).normal(size=(2 * GRID, 256)).astype(np.float32)
    pictures = torch.from_numpy(noise).permute(0, 3, 1, 2).to(device)
    begin = time.perf_counter()
    pairwise_similarity(pictures)
    vendi_from_features(features)
    sheet = png(grid(noise, COLUMNS))
    pack_weights(step.average)
    pack_weights(step.discriminator)
    return time.perf_counter() - begin, len(sheet)


def main() -> int:
    """Measure what stdin asks for."""
    keep_memory()
    task = json.loads(sys.stdin.readline())

    def wait() -> None:
        print("ready", flush=True)
        sys.stdin.readline()

    try:
        timed = measure(
            parse(task["spec"]),
            task["samples"],
            task["seconds"],
            *(task["gpu"], task["first"], task["slots"], wait),
        )
    except (RequestError, RuntimeError, MemoryError) as error:
        refused = isinstance(error, RequestError)
        why = str(error) if refused else (str(error).splitlines() or [type(error).__name__])[0]
        print(json.dumps({"refused" if refused else "failed": why}), flush=True)
        return 1
    print(json.dumps(asdict(timed)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
