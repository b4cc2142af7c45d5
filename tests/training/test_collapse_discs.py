"""Trainings that really collapse, on discs of 28 px."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training.verdicts import kind
from torch import Tensor

from ganlib.config import CollapseConfig, TrialConfig
from ganlib.metrics import Extremes, Score
from ganlib.metrics.extremes import of_pixels
from ganlib.training.collapse import Signals, judge
from ganlib.training.evaluation import Evaluation
from ganlib.training.fit import GRID, fit


class Distance:
    """FID's place is taken by the distance of the mean pictures: large when a generator goes wrong."""

    def __init__(self, pictures: np.ndarray) -> None:
        real = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        self.mean, self.pixels = real.float().mean(0), of_pixels(real, GRID)

    def extremes(self, n_fake: int) -> Extremes:
        return Extremes(*self.pixels, vendi=1.0, fid=0.0)

    def score(self, generate: Callable[[int], Tensor], n_fake: int, extent: str) -> Score:
        value = (generate(32).float().mean(0) - self.mean).abs().mean().item()
        return Score(value, value, 0.0, 40, 32, "distance", "0" * 64)


def signals_of(evaluation: Evaluation) -> Signals:
    names = Signals.__dataclass_fields__.keys() - {"metric"}
    metric = evaluation.score.fid if evaluation.score else None
    return Signals(metric=metric, **{name: getattr(evaluation, name) for name in names})


def verdicts(config: TrialConfig, pictures: np.ndarray, **options: Any) -> list[str | None]:
    """The verdict at every evaluation of a run that nobody stops."""
    past: list[Signals] = []
    kinds = []
    for evaluation in fit(config, pictures, Distance(pictures), **options):
        past.append(signals_of(evaluation))
        kinds.append(kind(judge(past, config.collapse)))
    return kinds


def small(trial_config: Callable[..., TrialConfig], warmup_steps: int = 10, **train: Any) -> TrialConfig:
    """Evaluated every two epochs, ten steps; the warm-up is as much shorter as the run."""
    return trial_config(size=28, evaluate={"every": 2.0}, collapse={"warmup_steps": warmup_steps}, **train)


Make = Callable[..., Any]


@pytest.mark.parametrize("loss", ["bce", "lsgan", "wgan-gp"])
def test_exploding_weights_become_non_finite(loss: str, pictures: Make, trial_config: Make) -> None:
    # Without a second moment to divide by, Adam's steps at the highest rate know no bounds.
    config = small(trial_config, loss=loss, lr_g=1.0, lr_d=1.0, betas=(0.9, 0.0), epochs=4.0)
    assert verdicts(config, pictures(size=28))[-1] == "non_finite"


def test_a_discriminator_that_learns_much_faster_is_saturated(pictures: Make, trial_config: Make) -> None:
    # The generator hardly moves, and the discriminator may be sure from the start of the second interval.
    config = small(trial_config, warmup_steps=40, lr_g=1e-6, lr_d=5e-3, epochs=16.0)
    found = verdicts(config, pictures(size=28))
    assert found[:3] == [None] * 3, "within the warm-up nobody is accused"
    assert found[-1] == "d_saturated"


def test_the_same_run_under_a_loss_without_probabilities_is_not(pictures: Make, trial_config: Make) -> None:
    config = small(trial_config, warmup_steps=40, loss="lsgan", lr_g=1e-6, lr_d=5e-3, epochs=16.0)
    assert "d_saturated" not in verdicts(config, pictures(size=28))


def test_a_generator_that_wins_by_one_picture_has_low_diversity(pictures: Make, trial_config: Make) -> None:
    # The first verdict ends a run. What such a rate does before and afterwards is chaos, another one on each processor.
    config = small(trial_config, lr_g=1.0, lr_d=1e-6, epochs=24.0)
    assert next(filter(None, verdicts(config, pictures(size=28)))) == "low_diversity"


def test_a_generator_that_never_leaves_grey_is_flat(pictures: Make, trial_config: Make) -> None:
    config = small(trial_config, lr_g=1e-6, lr_d=1e-6, epochs=4.0)
    assert verdicts(config, pictures(size=28))[-1] == "flat_image"


def test_a_run_whose_rate_is_raised_too_far_blows_up(pictures: Make, trial_config: Make) -> None:
    noise = np.random.default_rng(1).integers(-20, 21, (40, 28, 28, 3))
    images = (pictures(1, 28) + noise).clip(0, 255).astype(np.uint8)  # one disc: soon learned
    scorer = Distance(images)
    good = fit(small(trial_config, lr_g=3e-3, lr_d=1e-3, epochs=40.0), images, scorer)
    past = [signals_of(evaluation) for evaluation in good]
    assert min(signals.metric for signals in past) < past[0].metric / 5, "it did learn"
    config = small(trial_config, lr_g=1.0, lr_d=1e-3, epochs=48.0)
    for evaluation in fit(config, images, scorer, resume=good.state()):
        past.append(signals_of(evaluation))
    # All its pictures are alike now as well; this is about the other sign.
    verdict = judge(past, CollapseConfig(blowup=3.0, similarity=1.0))
    assert kind(verdict) == "metric_blowup"


@pytest.mark.parametrize("loss", ["bce", "lsgan"])
def test_a_healthy_run_is_not_accused(loss: str, pictures: Make, trial_config: Make) -> None:
    """Three hundred steps; with the default thresholds, also where the warm-up is much shorter."""
    config = small(trial_config, loss=loss, lr_g=1e-3, lr_d=1e-3, epochs=60.0)
    config = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"every": 6.0})})
    images = pictures(size=28)
    past = []
    for evaluation in fit(config, images, Distance(images)):
        past.append(signals_of(evaluation))
        assert judge(past, CollapseConfig()) is None
        assert judge(past, CollapseConfig(warmup_steps=100)) is None
    assert len(past) == 10
    assert past[-1].metric < 0.7 * past[0].metric, "it did learn"
