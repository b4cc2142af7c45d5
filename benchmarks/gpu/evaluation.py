"""What an evaluation and a checkpoint cost, part by part, and how often an evaluation waits for the card."""

import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.loops import made, wait
from benchmarks.gpu.parts import Figures, Settings
from benchmarks.gpu.pictures import discs
from ganlib.config import EvaluateConfig
from ganlib.export.files import pack_weights
from ganlib.flags import exact
from ganlib.metrics import Evaluator
from ganlib.models.latents import fixed_latents
from ganlib.names import Extent
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.resident import resident
from ganlib.training import checkpoint
from sweep.storage.opening import open_folder


def measure(settings: Settings, figures: Figures) -> None:
    """Measure evaluations of few and of many pictures, and a checkpoint."""
    device = torch.device(settings.device)
    torch.backends.cudnn.benchmark = True
    size, real, batch = (32, 64, 8) if settings.tiny else (64, 4096, 128)
    counts = (32, 48) if settings.tiny else (512, 2048, 10000)
    drawn = discs(real, size)
    model = {"width": 4 if settings.tiny else 64, "latent_dim": 100}
    step, batches = made(resident(drawn, device), device, model, {"batch_size": batch})
    for _ in range(5):
        step(batches)
    config = EvaluateConfig(n_fake=max(counts), n_real=real // 2)
    evaluator = Evaluator(drawn, "discs", config, device, Path(settings.scratch) / "features")
    with figures.judged():
        begin = time.perf_counter()
        with exact(device):
            _score(step, evaluator, counts[0])
        figures.note(**{"seconds of the first, with all that is done once": time.perf_counter() - begin})
        for count in counts:
            figures.check("evaluations", str(count), partial(_evaluation, step, evaluator, count, device))
        figures.check("extractor", "layouts", partial(_layouts, evaluator, size, device))
        dim = 64 if settings.tiny else evaluator.extractor.dim
        figures.check("eigenvalues", "of a FID", partial(_eigenvalues, dim, device))
        figures.check("checkpoint", "parts", partial(_checkpoint, settings, step, device))


def _seconds(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    wait(device)
    begin = time.perf_counter()
    result = work()
    wait(device)
    return time.perf_counter() - begin, result


def _maker(step: AdversarialStep) -> Callable[[int], torch.Tensor]:
    """Make pictures of fixed latents, as an evaluation does."""
    made = 0

    def make(count: int) -> torch.Tensor:
        nonlocal made
        made += count
        return step.sample(fixed_latents(count, step.latent_dim, start=made - count))

    return make


def _score(step: AdversarialStep, evaluator: Evaluator, count: int, extent: Extent = "brief") -> None:
    evaluator.score(_maker(step), count, extent)


def _evaluation(
    step: AdversarialStep, evaluator: Evaluator, count: int, device: torch.device
) -> dict[str, Any]:
    """Time the parts of an evaluation, and the whole of it."""
    batch = evaluator.config.batch_size

    def generate() -> None:
        make = _maker(step)
        for start in range(0, count, batch):
            make(min(batch, count - start))

    with exact(device):
        _score(step, evaluator, count)  # kernels are chosen
        latents, _ = _seconds(lambda: fixed_latents(count, step.latent_dim, 0), device)
        generation, _ = _seconds(generate, device)
        both, features = _seconds(lambda: evaluator.features(_maker(step), count), device)
        fid, _ = _seconds(lambda: evaluator.real.frechet(features), device)
        kid, _ = _seconds(lambda: evaluator.pending_kid(features.double()).read(), device)
        comparing, _ = _seconds(lambda: evaluator.pending_score(features, "brief").read(), device)
        whole, _ = _seconds(lambda: _score(step, evaluator, count), device)
        full, _ = _seconds(lambda: _score(step, evaluator, count, "full"), device)
        waits = _waits(lambda: _score(step, evaluator, count), device)
    return {
        "seconds a part": {
            "latents": latents,
            "generation, latents included": generation,
            "features": both - generation,
            "fid": fid,
            "kid": kid,
            "the rest": comparing - fid - kid,
        },
        "whole": whole,
        "whole, with all metrics": full,
        "synchronisations": waits,
    }


def _layouts(evaluator: Evaluator, size: int, device: torch.device) -> dict[str, Any]:
    """Time the extractor on a batch with its maps in either order: cuDNN's depthwise convolutions differ in it."""
    pictures = torch.zeros((evaluator.config.batch_size, 3, size, size), dtype=torch.uint8, device=device)
    found = {}
    for name, order in (("channels last", torch.channels_last), ("planes", torch.contiguous_format)):
        network = deepcopy(evaluator.extractor.network).to(memory_format=order)  # type: ignore[call-overload]
        network.get_submodule("_conv_stem").register_forward_pre_hook(
            lambda _, given, order=order: given[0].contiguous(memory_format=order)
        )
        extractor = replace(evaluator.extractor, network=network)
        for _ in range(3):
            extractor(pictures)
        found[name], _ = _seconds(
            lambda extractor=extractor: [extractor(pictures) for _ in range(10)], device
        )
    return {"seconds of ten batches": found}


def _eigenvalues(dim: int, device: torch.device) -> dict[str, Any]:
    """Time the eigenvalues that a FID asks for on the device, and on the processor with the way there and back."""
    values = torch.randn((dim, dim), dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(
        device
    )
    matrix = values @ values.T
    found = {}
    for name, work in (
        ("device", lambda: torch.linalg.eigvalsh(matrix).sum().item()),
        ("processor", lambda: torch.linalg.eigvalsh(matrix.cpu()).to(device).sum().item()),
    ):
        work()
        found[name], _ = _seconds(work, device)
    return {"seconds of each": found, "threads of the processor": torch.get_num_threads()}


def _waits(work: Callable[[], Any], device: torch.device) -> int | None:
    """Count how often the processor waits for the card; None on a CPU."""
    if device.type == "cpu":
        work()
        return None
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode(before)
    return sum("called a synchronizing" in str(one.message) for one in told)


def _checkpoint(settings: Settings, step: AdversarialStep, device: torch.device) -> dict[str, Any]:
    """Time a copy of the state, its bytes, and writing them."""
    folder = open_folder(settings.scratch) / "checkpoints"
    first, _ = _seconds(step.state, device)  # memory is pinned
    copying, state = _seconds(step.state, device)
    dumping, data = _seconds(lambda: checkpoint.dump({"step": state}), device)
    writing, _ = _seconds(lambda: folder.write("one.ckpt", data), device)
    packing, _ = _seconds(lambda: [pack_weights(step.average), pack_weights(step.discriminator)], device)
    loading, _ = _seconds(lambda: checkpoint.load(data, "one.ckpt", device), device)
    return {
        "bytes": len(data),
        "seconds a part": {
            **{"first copy": first, "copy": copying, "dump": dumping, "write": writing},
            **{"snapshot": packing, "load": loading},
        },
    }
