"""Training of translators as an iterator: resuming, sheets, what is measured, what is refused."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training.networks import MeanPicture, bits, plain

from ganlib.config import (
    CollapseConfig,
    DataConfig,
    EvaluateConfig,
    ModelConfig,
    PhotosConfig,
    TrainConfig,
    TrialConfig,
)
from ganlib.errors import RequestError
from ganlib.metrics import Evaluator, TranslationEvaluator, TranslationScore
from ganlib.models.inputs import Pictures
from ganlib.models.sheets import BLOCKS, COLUMNS, ONE_WAY, WAY_BACK
from ganlib.training.checkpoint import dump, load
from ganlib.training.fit import Fit, Interrupted, fit

FAMILIES = ["cyclegan", "cartoongan"]
Make = Callable[..., Any]


def config_of(family: str, evaluate: dict[str, Any] | None = None, **train: Any) -> TrialConfig:
    return TrialConfig(
        data=DataConfig(size=32),
        photos=PhotosConfig(source="avatars"),
        model=ModelConfig(family=family, width=4, blocks=1),
        train=TrainConfig(**{"loss": "lsgan", "batch_size": 5, "kimg": 0.06, "precision": "fp32", **train}),
        evaluate=EvaluateConfig(**{"every": 0.02, "unit": "kimg", "n_fake": 16, **(evaluate or {})}),
        collapse=CollapseConfig(),
    )


def run_of(family: str, pictures: Make, **options: Any) -> Fit:
    train = options.pop("train", {})
    if family == "cartoongan":
        train = {"pretrain": 0.6, **train}  # 24 of 40 drawings
    config = config_of(family, **train)
    return fit(config, pictures(40), MeanPicture(), photos=pictures(17, seed=1), **options)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("steps", [2, 5, 7])
def test_interrupting_after_any_step_goes_on_to_the_last_bit(family: str, steps: int, pictures: Make) -> None:
    train = {"augment_p": 0.3, "decay_from": 0.3, "d_steps": 1, "soft_labels": 0.1}
    if family == "cyclegan":
        train["pool"] = 7
    whole = run_of(family, pictures, train=train)
    expected = [plain(evaluation) for evaluation in whole]
    left = steps

    def interrupt() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    run = run_of(family, pictures, train=train, interrupt=interrupt)
    found = []
    with pytest.raises(Interrupted):
        found += [plain(next(run)) for _ in range(9)]
    seen = run.step.steps * 5 // 20
    state = load(dump(run.state()), "state")
    again = run_of(family, pictures, train=train, resume=state)
    assert [plain(evaluation) for evaluation in again] == expected[seen:]
    assert bits(again) == bits(whole)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_evaluation_that_was_made_before_can_be_passed_over(family: str, pictures: Make) -> None:
    whole, again = run_of(family, pictures), run_of(family, pictures)
    expected = [plain(evaluation) for evaluation in whole]
    again.pass_over(expected[0]["kimg"])
    assert [plain(evaluation) for evaluation in again] == expected[1:]
    assert bits(again) == bits(whole)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rollback_takes_older_weights_of_all_networks(family: str, pictures: Make) -> None:
    run = run_of(family, pictures)
    next(run)
    state = run.state()
    before = bits(run)
    next(run)
    run.roll_back(state, 0.5)
    assert bits(run) == before
    assert next(run).lr_g == pytest.approx(1e-4)


def test_a_cyclegan_shows_both_domains_there_and_back(pictures: Make) -> None:
    run = run_of("cyclegan", pictures)
    evaluation = next(run)
    sheet = evaluation.grid
    assert sheet.rows == WAY_BACK
    assert sheet.pictures.shape == (6 * COLUMNS, 32, 32, 3)
    photos, drawings = Pictures(pictures(17, seed=1)), Pictures(pictures(40))
    rows = sheet.pictures.reshape(6, COLUMNS, 32, 32, 3)
    assert np.array_equal(rows[0], photos.levels(8).permute(0, 2, 3, 1).numpy())
    assert np.array_equal(rows[3], drawings.levels(8).permute(0, 2, 3, 1).numpy())
    there = run.step.sample(photos.take(8))
    assert np.array_equal(rows[1], there.permute(0, 2, 3, 1).numpy())
    back = run.step.sample_back(drawings.take(8))
    assert np.array_equal(rows[4], back.permute(0, 2, 3, 1).numpy())
    assert evaluation.made.shape == (64, 32, 32, 3)


def test_a_cartoongan_shows_photographs_and_drawings(pictures: Make) -> None:
    run = run_of("cartoongan", pictures)
    sheet = next(run).grid
    assert sheet.rows == ONE_WAY * BLOCKS
    assert sheet.pictures.shape == (2 * BLOCKS * COLUMNS, 32, 32, 3)


def test_the_inputs_are_those_of_all_trials(pictures: Make) -> None:
    first, second = run_of("cyclegan", pictures), run_of("cyclegan", pictures, seed=5)
    assert torch.equal(first.shown, second.shown)


def test_pretraining_is_told_and_ends(pictures: Make) -> None:
    run = run_of("cartoongan", pictures)
    evaluations = list(run)
    assert [evaluation.pretraining for evaluation in evaluations] == [True, False, False]
    assert [evaluation.loss_g == 0 for evaluation in evaluations] == [True, False, False]


def test_rates_fall_linearly_from_a_share_of_the_budget(pictures: Make) -> None:
    run = run_of("cyclegan", pictures, train={"decay_from": 0.5, "evaluate": {"every": 0.005}})
    rates = [evaluation.lr_g for evaluation in run]
    half = len(rates) // 2
    assert rates[:half] == pytest.approx([2e-4] * half)
    assert np.diff(rates[half:]) == pytest.approx(-2e-4 / half, rel=1e-3)
    assert rates[-1] > 0, "the last step teaches, too"


@pytest.mark.parametrize("family", ["cyclegan", "cartoongan"])
def test_schedules_hold_for_translators(family: str, pictures: Make) -> None:
    rates = {"lr_g": {"from": 4e-4, "to": 0, "shape": "linear"}, "r1_gamma": {"from": 2, "to": 1}}
    run = run_of(family, pictures, train={**rates, "evaluate": {"every": 0.005}})
    found = [evaluation.lr_g for evaluation in run]
    assert found[0] == pytest.approx(4e-4)
    assert np.diff(found) == pytest.approx(-4e-4 / len(found), rel=1e-3)
    assert 1 < run.step.numbers["r1_gamma"].item() < 1.1


def test_measured_by_the_evaluator_of_translations(pictures: Make) -> None:
    config = config_of("cyclegan", kimg=0.02)
    drawings, photos = pictures(40), pictures(17, seed=1)
    measures = [
        Evaluator(array, name, config.evaluate)
        for array, name in ((drawings, "drawings"), (photos, "photos"))
    ]
    evaluator = TranslationEvaluator(*measures, Pictures(photos))
    (evaluation,) = fit(config, drawings, evaluator, photos=photos)
    score = evaluation.score
    assert isinstance(score, TranslationScore)
    assert score.kid_back is not None, "the last evaluation is a full measurement"
    assert evaluation.baseline == evaluator.baseline(16)
    assert evaluation.change == score.change > 0
    pickle.dumps(evaluation)


def test_what_does_not_go_together_is_refused(pictures: Make) -> None:
    config = config_of("cyclegan")
    with pytest.raises(RequestError, match="was given none"):
        fit(config, pictures(40), MeanPicture())
    with pytest.raises(RequestError, match=r"photos have shape \(9, 28, 28, 3\)"):
        fit(config, pictures(40), MeanPicture(), photos=pictures(9, 28))
    with pytest.raises(RequestError, match="only 3 pictures"):
        fit(config, pictures(40), MeanPicture(), photos=pictures(3))
