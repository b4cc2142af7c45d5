"""Where bfloat16 is used, and that it does not change what is measured."""

import math
import platform
import re
from pathlib import Path
from statistics import mean, stdev
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.data import prepare
from ganlib.metrics import Evaluator, Score
from ganlib.models import choice
from ganlib.models.products import Ways
from ganlib.steps import precision
from ganlib.steps.precision import autocast, has_bf16, told, uses_bf16
from ganlib.training.fit import Fit, fit

CPU = torch.device("cpu")
QUICKSTART = Path(__file__).parents[2] / "searchspaces" / "quickstart.yaml"


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not Path("/proc/cpuinfo").exists(), reason="reads x86 flags"
)
def test_hardware_is_asked() -> None:
    flags = set(Path("/proc/cpuinfo").read_text().split())
    # The processor may have what the operating system or torch does not use, but not the other way round.
    assert not has_bf16(CPU) or flags & {"amx_tile", "avx512_bf16"}


@pytest.mark.parametrize("hardware", [True, False])
def test_auto_is_bf16_where_the_hardware_has_it(hardware: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda device: hardware)
    assert uses_bf16("auto", CPU) is hardware
    assert uses_bf16("bf16", CPU)
    assert not uses_bf16("fp32", CPU)


@pytest.mark.parametrize(
    ("name", "major", "precision", "words"),
    [
        ("Tesla V100", 7, "auto", "Tesla V100 .* train in float32"),
        ("Tesla T4", 7, "bf16", "Tesla T4 .* slower there than auto"),
        ("Tesla T4", 7, "fp32", None),
        ("A100", 8, "auto", None),
        ("H100", 9, "bf16", None),
    ],
)
def test_a_gpu_without_bf16_trains_in_float32_and_says_so(
    name: str, major: int, precision: Any, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(major=major))
    assert has_bf16(gpu) is (major >= 8)
    assert uses_bf16("auto", gpu) is (major >= 8)
    note = told(precision, gpu, name)
    assert note is None if words is None else re.search(words, str(note))


def test_a_processor_is_told_of_where_bf16_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    assert told("auto", CPU, "this processor") is None
    assert "slower there than auto" in str(told("bf16", CPU, "this processor"))


def test_the_context_changes_products_and_nothing_after_it() -> None:
    x = torch.ones(2, 2)
    with autocast("bf16", CPU):
        assert (x @ x).dtype == torch.bfloat16
    with autocast("fp32", CPU):
        assert (x @ x).dtype == torch.float32
    assert (x @ x).dtype == torch.float32


def plain(section: dict[str, Any]) -> dict[str, Any]:
    """What a section of a spec fixes; distributions are left out."""
    return {key: value for key, value in section.items() if not isinstance(value, dict)}


def quickstart(precision: str) -> TrialConfig:
    """A trial of the quickstart, half as wide, cut to 64 steps on 512 pictures, with rates that learn quickly."""
    spec = yaml.safe_load(QUICKSTART.read_text())
    rates = {"lr_g": 1e-3, "lr_d": 4e-4, "ema_kimg": 1.0}  # a short run wants a short average
    return TrialConfig(
        data=DataConfig(**(plain(spec["data"]) | {"count": 512})),
        model=ModelConfig(**(plain(spec["model"]) | {"width": 16})),
        train=TrainConfig(**(plain(spec["train"]) | rates), precision=precision, kimg=1.024),
        evaluate=EvaluateConfig(**(plain(spec["evaluate"]) | {"every": 8.0, "n_real": 512})),
        collapse=CollapseConfig(),
    )


def measured(run: Fit, evaluator: Evaluator, precision: str) -> Score:
    """The score of a run's generator, computed in another precision."""
    run.step.train_config = run.step.train_config.model_copy(update={"precision": precision})
    random = torch.Generator().manual_seed(1)
    shape = run.step.latent_dim
    return evaluator.score(
        lambda count: run.step.sample(torch.randn((count, shape), generator=random)), extent="brief"
    )


@pytest.mark.slow
def test_bf16_does_not_change_kid_beyond_its_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not what is the faster way here today: runs are the same at each time, and the ways of our own are measured.
    monkeypatch.setattr(choice, "ways_of", lambda size: Ways(True, True, True))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        images = prepare(quickstart("fp32").data)
        evaluator = Evaluator(images.pictures, images.hash, quickstart("fp32").evaluate)
        scores: dict[str, list[Score]] = {"fp32": [], "bf16": []}
        for name, found in scores.items():
            for seed in range(3):
                run = fit(quickstart(name), images.pictures, evaluator, seed=seed)
                (evaluation,) = run
                assert evaluation.score is not None
                found.append(evaluation.score)
                if seed:
                    continue
                # The same weights: whatever differs is bfloat16's doing.
                exact, rounded = measured(run, evaluator, "fp32"), measured(run, evaluator, "bf16")
                assert abs(exact.kid - rounded.kid) < exact.kid_se / 3
    finally:
        torch.set_num_threads(threads)
    # Training is chaotic, so that runs differ as those of different seeds do. 4.60 is Student's t of 4 degrees, 99 %.
    kids = {name: [score.kid for score in found] for name, found in scores.items()}
    errors = [stdev(values) ** 2 / 3 for values in kids.values()]
    errors += [mean(score.kid_se for score in found) ** 2 / 3 for found in scores.values()]
    assert abs(mean(kids["fp32"]) - mean(kids["bf16"])) < 4.60 * math.sqrt(sum(errors)), kids
    # Of eight seeds it was 0.10 to 0.14 of the mean; three vary more.
    assert stdev(kids["fp32"]) < 0.3 * mean(kids["fp32"]), "runs that failed would agree with anything"
