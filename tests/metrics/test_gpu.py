"""On a GPU the metrics are the same numbers, whatever precision the training around them uses."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from ganlib.config import EvaluateConfig
from ganlib.metrics import Evaluator, fid_from_features, kid_from_features, load_extractor

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]


def pictures(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 64, 64, 3), dtype=np.uint8)


def generator_on(device: str) -> Callable[[int], Tensor]:
    made = iter(torch.from_numpy(pictures(96, seed=1)).permute(0, 3, 1, 2).to(device).split(32))
    return lambda _: next(made)


def test_score_equals_that_of_the_cpu_under_training_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    config = EvaluateConfig(n_fake=96, batch_size=32)
    cpu = Evaluator(pictures(128), "hash", config).score(generator_on("cpu"))
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with torch.autocast("cuda", torch.bfloat16):
        gpu = Evaluator(pictures(128), "hash", config, device="cuda").score(generator_on("cuda"))
    assert torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.allow_tf32
    assert gpu.fid == pytest.approx(cpu.fid, rel=1e-4)
    assert gpu.kid == pytest.approx(cpu.kid, rel=1e-3, abs=0.01 * cpu.kid_se)


def test_statistics_of_features_on_the_gpu() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 200, 64))
    on_gpu = [torch.from_numpy(features).cuda() for features in (x, y)]
    assert fid_from_features(*on_gpu) == pytest.approx(fid_from_features(x, y), rel=1e-9)
    assert fid_from_features(on_gpu[0], y) == pytest.approx(fid_from_features(x, y), rel=1e-9)
    assert fid_from_features(on_gpu[0], on_gpu[0]) < 1e-6
    assert kid_from_features(*on_gpu) == pytest.approx(kid_from_features(x, y), rel=1e-9)


def test_features_stay_on_the_gpu() -> None:
    extractor = load_extractor("efficientnet_lite0", device="cuda")
    features = extractor(torch.from_numpy(pictures(4)).permute(0, 3, 1, 2).cuda())
    assert features.device.type == "cuda"
