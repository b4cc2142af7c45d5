"""Whether checkpoints go on on a card, what happens where its memory is full, whether it measures as a CPU does."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from helpers.training.fake_cases import Case
from helpers.training.fake_steps import BATCH

from benchmarks.gpu.cases import APART, apart, batches_of, captured, repeatable, step_of, train
from benchmarks.gpu.parts import Settings, Skipped, Wrong
from ganlib.config import EvaluateConfig
from ganlib.heap import give_back
from ganlib.metrics import Evaluator, fid_from_features, kid_from_features
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import WARM
from ganlib.steps.stream import BatchStream
from ganlib.training import checkpoint
from sweep.worker.faults import kind_of

RESUMED = Case(train={"r1_gamma": 1.0, "r1_every": 3, "augment_p": 0.5}, size=32)


def _resume(settings: Settings, device: torch.device, capture: str) -> dict[str, Any]:
    """Train on from a checkpoint, and without one."""

    def made() -> AdversarialStep:
        step = step_of(RESUMED, device, settings.tiny, capture=capture)
        return captured(step) if capture == "auto" else step

    before, after = (12, 12) if not settings.tiny else (7, 5)
    with repeatable():
        step, batches = made(), batches_of(RESUMED, device)
        train(step, batches, before)
        saved = checkpoint.dump({"step": step.state()})
        train(step, batches, after, before)
        resumed, again = made(), batches_of(RESUMED, device)
        again.begin(0, before * BATCH)
        if not resumed.load_state(checkpoint.load(saved, "saved", device)["step"]):
            raise AssertionError("random numbers did not go on")
        train(resumed, again, after, before)
    found = apart(step.state(), resumed.state())
    if not torch.equal(step.random.get_state(), resumed.random.get_state()):
        raise AssertionError("random numbers went on elsewhere")
    if not found["apart"] <= APART:
        raise Wrong("a resumed run differs", found)
    return found


def _taken_over(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Let a fresh trial go on with the recording of one that has ended, and train it alone."""
    steps = 12 if not settings.tiny else 5

    def made(**train: float) -> AdversarialStep:
        return captured(step_of(RESUMED, device, settings.tiny, capture="auto", **train))

    with repeatable():
        used, batches = made(), batches_of(RESUMED, device)
        train(used, batches, steps)
        used.take_over(made(lr_g=1e-3, smoothing=0.9))
        batches.begin(0, 0)
        alone = made(lr_g=1e-3, smoothing=0.9)
        train(used, batches, steps)
        train(alone, batches_of(RESUMED, device), steps)
    found = apart(alone.state(), used.state())
    if not found["apart"] <= APART:
        raise Wrong("a recording that is taken over trains differently", found)
    return found


def _elsewhere(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Load a checkpoint of the card on the CPU, train there, and come back."""
    cpu = torch.device("cpu")
    here = step_of(RESUMED, device, settings.tiny, capture="off")
    train(here, batches_of(RESUMED, device), 5)
    there = step_of(RESUMED, cpu, settings.tiny)
    dumped = checkpoint.dump({"step": here.state()})
    goes_on = there.load_state(checkpoint.load(dumped, "of the card", cpu)["step"])
    found: dict[str, Any] = {"there": apart(here.state(), there.state()), "random numbers go on": goes_on}
    train(there, batches_of(RESUMED, cpu), 2, 5)
    dumped = checkpoint.dump({"step": there.state()})
    here.load_state(checkpoint.load(dumped, "of the CPU", device)["step"])
    found["back"] = apart(there.state(), here.state())
    train(here, batches_of(RESUMED, device), 4, 7)
    if goes_on is not (device.type == "cpu") or not (found["there"]["equal"] and found["back"]["equal"]):
        raise Wrong("a state does not travel", found)
    return found


@contextmanager
def _little_memory(mib: int) -> Iterator[None]:
    """Let tensors take no more than so much memory of the card beside those that are there."""
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + (mib << 20)) / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def _large(device: torch.device, count: int, capture: str) -> tuple[AdversarialStep, BatchStream]:
    """Make a trial of a DCGAN of 64 px with batches of so many pictures."""
    large = step_of(Case(size=64), device, False, capture=capture, batch_size=count)
    return large, BatchStream(torch.zeros((count, 64, 64, 3), dtype=torch.uint8), count, 0, device)


def _out_of_memory(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Run out of memory in a step, and train on with a smaller one."""
    if device.type == "cpu":
        raise Skipped("needs CUDA")
    case = Case(size=64)
    small = step_of(case, device, settings.tiny, capture="off")
    train(small, batches_of(case, device), 1)

    def fails() -> None:
        with _little_memory(256):
            large, batches = _large(device, 16384, "off")
            train(large, batches, 5)
            large.read_means()

    found = _failing(fails)
    give_back(device)
    train(small, batches_of(case, device), 5, 1)
    small.read_means()
    return found


def _out_of_memory_recording(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Run out of memory while a step is recorded, and record a smaller one."""
    if device.type == "cpu":
        raise Skipped("needs CUDA")

    def fails() -> None:
        large, batches = _large(device, 2048, "auto")
        train(large, batches, WARM)
        with _little_memory(64):
            train(large, batches, 1, WARM)
            large.read_means()

    found = _failing(fails)
    give_back(device)
    small, batches = _large(device, BATCH, "auto")
    train(small, batches, 2 * WARM)
    small.read_means()
    if small.refused:
        raise Wrong("nothing can be recorded after it", found | {"refused": small.refused})
    return found


def _failing(work: Callable[[], None]) -> dict[str, Any]:
    """Do work that must run out of memory, and tell how its error is taken."""
    try:
        work()
    except RuntimeError as error:
        found = {"kind": kind_of(error), "error": str(error)[:200]}
    else:
        raise Wrong("it fits", {})
    if found["kind"] != "memory":
        raise Wrong("it is not told as a fault of memory", found)
    return found


def _metrics(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Compute metrics of equal features on the card and on the CPU."""
    n, d = (64, 32) if settings.tiny else (2048, 1280)
    drawn = np.random.default_rng(0).normal(size=(2, n, d)).astype(np.float32)
    real, fake = map(torch.from_numpy, drawn)
    fake = fake * 1.1 + 0.1
    found: dict[str, Any] = {}
    for name, measured in (("fid", fid_from_features), ("kid", lambda *x: kid_from_features(*x).mean)):
        cpu, card = float(measured(real, fake)), float(measured(real.to(device), fake.to(device)))
        found[name] = {"cpu": cpu, "card": card, "apart": abs(card - cpu) / abs(cpu)}
    if not all(one["apart"] <= 1e-6 for one in found.values()):
        raise Wrong("metrics of equal features differ", found)
    return found


def _features(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Measure equal pictures on the card, under settings of training, and on the CPU."""
    n = 32 if settings.tiny else 96
    random = np.random.default_rng(1)
    real, fake = (random.integers(0, 256, (count, 64, 64, 3), np.uint8) for count in (n + 32, n))
    config = EvaluateConfig(n_fake=n, batch_size=32)
    values = []
    with tempfile.TemporaryDirectory() as cache:
        for where in (torch.device("cpu"), device):
            made = iter(torch.from_numpy(fake).permute(0, 3, 1, 2).to(where).split(32))
            with torch.autocast(where.type, torch.bfloat16):
                evaluator = Evaluator(real, "noise", config, where, Path(cache) / where.type)
                values.append(evaluator.score(lambda _, made=made: next(made)))
    (cpu, card) = values
    found = {"fid": (cpu.fid, card.fid), "kid": (cpu.kid, card.kid), "kid_se": cpu.kid_se}
    allowed = max(1e-3 * abs(cpu.kid), 0.01 * cpu.kid_se)
    if abs(card.fid - cpu.fid) > 1e-4 * cpu.fid or abs(card.kid - cpu.kid) > allowed:
        raise Wrong("scores of equal pictures differ", found)
    return found


ALONE: dict[str, Callable[[Settings, torch.device], object]] = {
    "metrics": _metrics,
    "features": _features,
    "out of memory": _out_of_memory,
    "save, load, resume; eager": partial(_resume, capture="off"),
    "a checkpoint on the CPU, and back": _elsewhere,
}
"""Checks that stand by themselves, by what they are of."""
ALONE_CAPTURED: dict[str, Callable[[Settings, torch.device], object]] = {
    "save, load, resume; captured": partial(_resume, capture="auto"),
    "a recording that is taken over": _taken_over,
    "out of memory, while recording": _out_of_memory_recording,
}
