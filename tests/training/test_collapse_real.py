"""A generator that makes real pictures is never called collapsed, whatever the pictures are; a dead one is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.metrics import Evaluator, Extractor
from ganlib.metrics import evaluator as evaluator_module
from ganlib.training.collapse import Signals, judge
from ganlib.training.evaluating import evaluated
from ganlib.training.evaluation import Evaluation
from ganlib.training.fit import Fit
from sweep.worker.rows import signals_of

SIZE, EVALUATE = 28, EvaluateConfig(n_fake=64, kid_subsets=2, batch_size=64)
LIMITS = CollapseConfig(warmup_steps=0)


class Colours(nn.Module):
    """Features of a picture: a constant, as far from 0 as those of real extractors, and its colours on a grid."""

    def forward(self, pictures: Tensor) -> Tensor:
        cells = F.adaptive_avg_pool2d(pictures.float() / 255, 4).flatten(1)
        return torch.cat([cells.new_ones(len(cells), 4), cells], 1)


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    extractor = Extractor("colours", "0" * 64, 52, Colours())
    monkeypatch.setattr(evaluator_module, "load_extractor", lambda *_: extractor)


# ---- sets of pictures --------------------------------------------------------------------------------------


def constant(draw: np.random.Generator, n: int) -> np.ndarray:
    return np.full((n, SIZE, SIZE, 3), draw.integers(0, 256, 3), np.uint8)


def tiny_marks(draw: np.random.Generator, n: int) -> np.ndarray:
    """A line drawing on white, or a dark photograph of a lamp: a few pixels differ, by a few levels or by all."""
    pictures = constant(draw, n).astype(int)
    step = draw.choice([1, 4, 40, 255])
    for picture in pictures:
        y, x = draw.integers(0, SIZE - 3, 2)
        picture[y : y + draw.integers(1, 3), x : x + 3] += step
    return pictures.clip(0, 255).astype(np.uint8)


def two_pictures(draw: np.random.Generator, n: int) -> np.ndarray:
    """Two distinct ones, the second rare or not."""
    both = draw.integers(0, 256, (2, SIZE, SIZE, 3))
    rare = draw.choice([0.003, 0.01, 0.03, 0.1, 0.5])
    return both[(draw.random(n) < rare).astype(int)].astype(np.uint8)


def one_bit(draw: np.random.Generator, n: int) -> np.ndarray:
    cells = (draw.random((n, 7, 7)) < draw.choice([0.02, 0.2, 0.5])) * 255
    return np.repeat(cells.repeat(4, 1).repeat(4, 2)[..., None], 3, 3).astype(np.uint8)


def noise(draw: np.random.Generator, n: int) -> np.ndarray:
    width = int(draw.choice([1, 3, 30, 120]))
    return (128 + draw.integers(-width, width + 1, (n, SIZE, SIZE, 3))).clip(0, 255).astype(np.uint8)


def faint_texture(draw: np.random.Generator, n: int) -> np.ndarray:
    """One texture, shifted: pictures that are nearly alike."""
    texture = 200 + draw.integers(0, int(draw.choice([2, 6, 20])), (SIZE, SIZE, 3))
    return np.stack([np.roll(texture, draw.integers(0, 3, 2), (0, 1)) for _ in range(n)]).astype(np.uint8)


def nearly_alike(draw: np.random.Generator, n: int) -> np.ndarray:
    """One portrait with another tint or a rare other feature."""
    base = draw.integers(0, 256, (SIZE, SIZE, 3))
    pictures = base[None] + draw.integers(-2, 3, (n, 1, 1, 3))
    pictures[draw.random(n) < 0.02, 4:20, 4:20] = 0
    return pictures.clip(0, 255).astype(np.uint8)


def mostly_blank(draw: np.random.Generator, n: int) -> np.ndarray:
    """Blank pages, and a few that are full."""
    pictures = constant(draw, n)
    full = draw.random(n) < draw.choice([0.005, 0.02, 0.2])
    pictures[full] = draw.integers(0, 256, (int(full.sum()), SIZE, SIZE, 3))
    return pictures


def gradients(draw: np.random.Generator, n: int) -> np.ndarray:
    """Ordinary pictures: smooth, coloured, different."""
    corners = torch.from_numpy(draw.integers(0, 256, (n, 3, 3, 3))).float()
    return F.interpolate(corners, SIZE, mode="bilinear").permute(0, 2, 3, 1).to(torch.uint8).numpy()


SETS: list[Callable[[np.random.Generator, int], np.ndarray]] = [
    *(constant, tiny_marks, two_pictures, one_bit, noise),
    *(faint_texture, nearly_alike, mostly_blank, gradients),
]


# ---- playing pictures as generated ones ----------------------------------------------------------------------


def played(real: np.ndarray, made: list[np.ndarray]) -> list[Signals]:
    """What a trial would say if its generator made these pictures, evaluation by evaluation."""
    config = TrialConfig(
        data=DataConfig(size=SIZE),
        model=ModelConfig(width=4, latent_dim=2),
        train=TrainConfig(kimg=1.0, batch_size=2, precision="fp32"),
        evaluate=EVALUATE,
        collapse=LIMITS,
    )
    run: Any = Fit(config, real, Evaluator(real, "hash", EVALUATE))
    means = run.step.read_means()
    found = []
    for pictures in made:
        ready = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        run.step.average = lambda latents, ready=ready: ready[: len(latents)].float() / 127.5 - 1
        run.step.sample = Replay(ready)
        evaluation: Evaluation = evaluated(run, means, 0.0)
        found.append(signals_of(evaluation))
    return found


class Replay:
    """Gives out pictures in their order."""

    def __init__(self, pictures: Tensor) -> None:
        self.pictures, self.made = pictures, 0

    def __call__(self, latents: Tensor) -> Tensor:
        self.made += len(latents)
        return self.pictures[self.made - len(latents) : self.made]


@pytest.mark.parametrize("make", SETS)
@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from([2, 40, 300]))
@example(seed=20070, n=300)  # four rare ones of 300, which draws that are not balanced may all miss
def test_real_pictures_played_as_generated_ones_are_never_called_collapsed(
    make: Callable[[np.random.Generator, int], np.ndarray], seed: int, n: int
) -> None:
    draw = np.random.default_rng(seed)
    real = make(draw, n)
    signals = played(real, [real[draw.integers(0, n, 64)] for _ in range(4)])
    for patience in (1, 2):
        limits = LIMITS.model_copy(update={"patience": patience})
        for end in range(1, 5):
            verdict = judge(signals[:end], limits)
            assert verdict is None, (verdict.kind, verdict.reason)


def one_colour(real: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return np.broadcast_to(real.mean((0, 1, 2)).astype(np.uint8), (64, *real.shape[1:])).copy()


def one_picture(real: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return real[np.zeros(64, int)]


def one_picture_and_noise(real: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    around = one_picture(real, draw) + draw.integers(-2, 3, (64, *real.shape[1:]))
    return around.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("dead", [one_colour, one_picture, one_picture_and_noise])
@pytest.mark.parametrize("make", [gradients, one_bit, tiny_marks])
def test_a_dead_generator_is_called_dead(make: Any, dead: Any) -> None:
    draw = np.random.default_rng(5)
    real = make(draw, 300)
    verdict = judge(played(real, [dead(real, draw)] * 2), LIMITS)
    assert verdict is not None
    assert verdict.kind in ("flat_image", "low_diversity")


def test_a_metric_that_explodes_is_called_too() -> None:
    draw = np.random.default_rng(6)
    real = tiny_marks(draw, 300)
    static = draw.integers(0, 256, (64, SIZE, SIZE, 3)).astype(np.uint8)
    signals = played(real, [real[draw.integers(0, 300, 64)], static, static])
    verdict = judge(signals, LIMITS.model_copy(update={"similarity": 1.0, "variety": 0.0}))
    assert verdict is not None
    assert verdict.kind == "metric_blowup"
