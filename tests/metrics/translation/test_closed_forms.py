"""Scores of translators in closed form, and the identity's baseline."""

import numpy as np
import pytest
import torch
from helpers.training.translations import (
    CONFIG,
    DRAWINGS,
    PHOTOS,
    SIZE,
    Translation,
    drawings,
    evaluator,
    identity,
    negative,
    one_grey,
    photographs,
    tinted,
)
from torch import Tensor

from ganlib.metrics import (
    Evaluator,
    TranslationEvaluator,
)
from ganlib.metrics.translation.colour import lab, mean_chroma, mean_lab
from ganlib.models.inputs import Pictures

pytestmark = pytest.mark.usefixtures("tiny")


def grey(pictures: Tensor) -> Tensor:
    return pictures.float().mean(1, keepdim=True).round().to(torch.uint8).expand_as(pictures)


def chequered(pictures: Tensor) -> Tensor:
    axis = torch.arange(SIZE)
    board = 1 - 2 * ((axis[:, None] + axis) % 2)
    return (pictures.short() + 8 * board).clamp(0, 255).to(torch.uint8)


def test_the_identity_changes_nothing_and_scores_as_the_baseline() -> None:
    measure = evaluator()
    score, baseline = measure.score(Translation(identity, identity)), measure.baseline()
    assert (score.change, score.content, score.cycle_l1) == (0, 0, 0)
    assert score.luminance == pytest.approx(1)
    assert score.cycle_ssim == pytest.approx(1)
    assert (score.n_fake, score.fid, score.kid, score.kid_se) == (
        baseline.n_fake,
        baseline.fid,
        baseline.kid,
        baseline.kid_se,
    )
    assert baseline.kid > 10 * baseline.kid_se > 0
    assert abs(baseline.luminance) < 0.2
    photos, real = Pictures(photographs()).levels(40), measure.drawings.first_real(256)
    assert len(real) == measure.n_real == 50
    assert score.tint == pytest.approx(float((mean_lab(lab(photos)) - mean_lab(lab(real))).norm()))
    assert score.chroma == pytest.approx(mean_chroma(lab(photos)).read() / mean_chroma(lab(real)).read())


def test_a_negative_is_inverted_and_comes_back() -> None:
    score = evaluator().score(Translation(negative, negative))
    assert score.luminance == pytest.approx(-1)
    assert score.change > 0.5
    assert (score.cycle_l1, score.cycle_ssim) == (0, pytest.approx(1))
    lost = evaluator().score(Translation(negative, identity))
    assert lost.cycle_l1 > 0.2
    assert lost.cycle_ssim < 0.5


def test_a_grey_picture_keeps_and_has_nothing() -> None:
    score = evaluator().score(Translation(one_grey, identity))
    assert score.luminance == 0
    assert score.chroma < 0.01
    assert score.chequer < 0.5
    assert score.cycle_ssim < 0.5


def test_greyness_is_measured_without_loss_of_luminance() -> None:
    score = evaluator().score(Translation(grey))
    assert score.chroma < 0.02
    assert score.luminance > 0.8


def real(pictures: Tensor, start: int = 50) -> Tensor:
    """Drawings that nobody compares with, in place of those that are made."""
    return torch.from_numpy(np.roll(drawings(), -start, 0)[: len(pictures)].copy()).permute(0, 3, 1, 2)


def test_real_drawings_in_place_of_generated_ones() -> None:
    score = evaluator().score(Translation(real))
    assert 0.9 < score.change < 1.1
    assert 0.9 < score.content < 1.1
    assert score.tint < 4
    assert 0.9 < score.chroma < 1.1
    assert 0.7 < score.chequer < 1.4
    assert abs(score.luminance) < 0.3


def test_a_constant_tint_is_as_far_as_the_mean_colours_are() -> None:
    score = evaluator().score(Translation(lambda pictures: tinted(real(pictures))))
    moved, reference = mean_lab(lab(tinted(real(torch.empty(40))))), evaluator().drawings.first_real(256)
    assert score.tint == pytest.approx(float((moved - mean_lab(lab(reference))).norm()))
    assert score.tint > 10


def test_a_planted_chequerboard_stands_out() -> None:
    plain, planted = (evaluator().score(Translation(change)) for change in (identity, chequered))
    assert planted.chequer > 20 * plain.chequer


def test_drawings_that_are_grey_or_flat_leave_nothing_to_divide_by() -> None:
    b = np.full((DRAWINGS, SIZE, SIZE, 3), 200, np.uint8)
    a = b[:PHOTOS]
    measure = TranslationEvaluator(Evaluator(b, "b", CONFIG), Evaluator(a, "a", CONFIG), Pictures(a))
    score = measure.score(Translation(identity, identity, of=a))
    assert score.change is score.content is score.luminance is score.chroma is None
    assert (score.chequer, score.tint) == (1.0, pytest.approx(0.0, abs=1e-6))
    assert measure.baseline().luminance is None
