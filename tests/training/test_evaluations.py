"""What the evaluations of the training loop say, and what it refuses."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training.networks import MeanPicture, plain
from torch import Tensor

from ganlib.config import EvaluateConfig, TrainConfig
from ganlib.errors import RequestError
from ganlib.metrics import Evaluator, NonFiniteError, Score, pairwise_similarity, pixel_std
from ganlib.models.latents import fixed_latents
from ganlib.training.fit import GRID, fit

Make = Callable[..., Any]


def test_an_evaluation_counts_what_was_shown(pictures: Make, trial_config: Make) -> None:
    run = fit(trial_config(epochs=3.0), pictures(), MeanPicture())
    evaluations = list(run)
    assert [evaluation.kimg for evaluation in evaluations] == [0.04, 0.08, 0.12]
    assert [evaluation.epoch for evaluation in evaluations] == [1, 2, 3]
    assert [evaluation.step for evaluation in evaluations] == [5, 10, 15]
    assert [evaluation.last for evaluation in evaluations] == [False, False, True]
    assert all(evaluation.seconds_train > 0 < evaluation.seconds_eval for evaluation in evaluations)
    assert evaluations[0].real_similarity == 0.25


def test_pictures_shown_to_a_critic_count_every_time(pictures: Make, trial_config: Make) -> None:
    run = fit(trial_config(loss="wgan-gp", epochs=2.0), pictures(), MeanPicture())
    first, second = run
    assert (first.kimg, first.step, second.kimg, second.step) == (0.04, 1, 0.08, 2)
    assert not first.probabilities


def test_the_grid_shows_the_fixed_latents_through_the_average(pictures: Make, trial_config: Make) -> None:
    run = fit(trial_config(epochs=1.0), pictures(), MeanPicture())
    (evaluation,) = run
    expected = run.step.sample(fixed_latents(GRID, 16))
    assert evaluation.made.shape == (GRID, 32, 32, 3)
    assert evaluation.made.dtype == np.uint8
    assert np.array_equal(evaluation.made, expected.permute(0, 2, 3, 1).numpy())
    assert evaluation.pixel_std == pixel_std(expected)
    assert evaluation.similarity == pairwise_similarity(expected)


def test_metrics_are_always_taken_from_the_same_latents(pictures: Make, trial_config: Make) -> None:
    scorer = MeanPicture()
    run = fit(trial_config(epochs=2.0), pictures(), scorer)
    first, second = run
    for evaluation in (first, second):
        assert evaluation.score is not None
    latents = fixed_latents(5, 16)
    assert torch.equal(
        scorer.seen[1], torch.cat([run.step.sample(latents[:3]), run.step.sample(latents[3:])])
    )
    assert not torch.equal(scorer.seen[0], scorer.seen[1])


def test_learning_rates_fall_at_milestones_in_epochs(pictures: Make, trial_config: Make) -> None:
    config = trial_config(epochs=4.0, lr_g=0.002, lr_d=0.004, gamma=0.5, milestones=[1.0, 3.0])
    config = config.model_copy(update={"evaluate": EvaluateConfig(every=0.2, n_fake=5)})  # after every step
    evaluations = list(fit(config, pictures(), MeanPicture()))
    # The step that ends epoch 1 is still the old rate's; the first one of epoch 2 is not.
    factors = [1.0] * 5 + [0.5] * 10 + [0.25] * 5
    assert [e.lr_g for e in evaluations] == pytest.approx([0.002 * factor for factor in factors])
    assert [e.lr_d for e in evaluations] == pytest.approx([0.004 * factor for factor in factors])


def test_a_run_needs_a_budget(pictures: Make, trial_config: Make) -> None:
    config = trial_config()
    without = config.model_copy(update={"train": TrainConfig(batch_size=8)})
    with pytest.raises(RequestError, match=r"train\.epochs or train\.kimg"):
        fit(without, pictures(), MeanPicture())


def test_pictures_of_another_size_are_refused(pictures: Make, trial_config: Make) -> None:
    with pytest.raises(RequestError, match=r"data\.size is 32.*\(40, 28, 28, 3\)"):
        fit(trial_config(), pictures(size=28), MeanPicture())


def test_fewer_pictures_than_a_batch_are_refused(pictures: Make, trial_config: Make) -> None:
    with pytest.raises(RequestError, match=r"batch_size is 8.*only 7 pictures"):
        fit(trial_config(), pictures(7), MeanPicture())


def test_a_generator_that_is_no_longer_finite_is_not_scored(pictures: Make, trial_config: Make) -> None:
    scorer = MeanPicture()
    run = fit(trial_config(epochs=1.0), pictures(), scorer)
    with torch.no_grad():
        run.step.generator.layers[0].weight.fill_(float("nan"))
    (evaluation,) = run
    assert evaluation.score is None
    assert not scorer.seen
    assert math.isnan(evaluation.loss_g)
    assert math.isnan(evaluation.pixel_std)
    assert math.isnan(evaluation.similarity)


def test_features_that_are_not_finite_are_no_score(pictures: Make, trial_config: Make) -> None:
    class Refuses(MeanPicture):
        def score(self, generate: Callable[[int], Tensor], n_fake: int, extent: str) -> Score:
            raise NonFiniteError("features are NaN")

    (evaluation,) = fit(trial_config(epochs=1.0), pictures(), Refuses())
    assert evaluation.score is None
    assert math.isfinite(evaluation.loss_g)


def test_an_error_in_the_evaluator_surfaces(pictures: Make, trial_config: Make) -> None:
    class Breaks(MeanPicture):
        def score(self, generate: Callable[[int], Tensor], n_fake: int, extent: str) -> Score:
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        next(fit(trial_config(epochs=1.0), pictures(), Breaks()))


@pytest.mark.parametrize("size", [28, 64])
def test_with_the_real_evaluator(size: int, pictures: Make, trial_config: Make) -> None:
    images = pictures(24, size)
    config = trial_config(size=size, epochs=2.0, evaluate={"every": 2.0, "n_fake": 8, "kid_subset_size": 8})
    evaluator = Evaluator(images, "discs", config.evaluate)
    first, second = ([plain(e) for e in fit(config, images, evaluator)] for _ in range(2))
    assert first == second
    score = first[0]["score"]
    assert score["fid"] > 0
    assert (score["n_fake"], score["n_real"]) == (8, 16)  # 8 are held out for the floor
    assert 0 <= first[0]["real"]["similarity"] <= 1
    assert first[0]["real"]["pixel_std"] > 0
