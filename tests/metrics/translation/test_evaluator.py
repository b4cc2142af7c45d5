"""Scoring translators: closed forms of every number, the identity's baseline, and what is asked of a translator."""

import math
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlib.config import EvaluateConfig
from ganlib.errors import RequestError
from ganlib.metrics import (
    Evaluator,
    Extractor,
    NonFiniteError,
    Pairs,
    Score,
    TranslationEvaluator,
    TranslationScore,
)
from ganlib.metrics import evaluator as evaluator_module
from ganlib.metrics.translation.colour import lab, mean_chroma, mean_lab
from ganlib.models.inputs import Pictures

SIZE, PHOTOS, DRAWINGS = 16, 70, 90
CONFIG = EvaluateConfig(n_fake=40, n_real=50, batch_size=16, kid_subsets=20, kid_subset_size=10)
OF_SCORE = [field.name for field in fields(Score)]

Change = Callable[[Tensor], Tensor]


class Tiny(nn.Module):
    """Twelve features of a picture: its colours on a 2 x 2 grid."""

    def forward(self, pictures: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(pictures.float() / 255, 2).flatten(1)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Extractor:
    extractor = Extractor("tiny", "0" * 64, 12, Tiny())
    monkeypatch.setattr(evaluator_module, "load_extractor", lambda *_: extractor)
    return extractor


def smooth(n: int, seed: int, low: tuple[int, int, int], high: tuple[int, int, int]) -> np.ndarray:
    """Pictures of smooth colours between two: uint8 (n, 16, 16, 3)."""
    corners = torch.from_numpy(np.random.default_rng(seed).uniform(low, high, (n, 4, 4, 3))).permute(
        0, 3, 1, 2
    )
    pictures = F.interpolate(corners, SIZE, mode="bicubic").clamp(0, 255).round().to(torch.uint8)
    return pictures.permute(0, 2, 3, 1).contiguous().numpy()


def photographs() -> np.ndarray:
    return smooth(PHOTOS, 0, (20, 20, 20), (200, 180, 160))


def drawings() -> np.ndarray:
    return smooth(DRAWINGS, 1, (90, 120, 60), (255, 255, 160))


class Translation:
    """Changes pictures one by one; asked as a translator is."""

    def __init__(self, forth: Change, back: Change | None = None, of: np.ndarray | None = None) -> None:
        self.forth, self.undo, self.asked = forth, back, []
        self.inputs, self.others = Pictures(photographs() if of is None else of), Pictures(drawings())
        self.made = 0

    def __call__(self, count: int) -> Tensor:
        self.asked.append(count)
        assert not torch.is_grad_enabled()
        self.made += count
        return self.forth(self.inputs.levels(count, start=self.made - count))

    def pairs(self, count: int) -> Pairs:
        self.asked.append(f"pairs of {count}")
        photos = self.inputs.levels(count)
        drawn = self.forth(photos)
        return Pairs(photos, drawn, self.undo(drawn) if self.undo else None)

    def back(self) -> Callable[[int], Tensor] | None:
        if self.undo is None:
            return None
        made = 0

        def generate(count: int) -> Tensor:
            nonlocal made
            made += count
            assert self.undo is not None
            return self.undo(self.others.levels(count, start=made - count))

        return generate


def evaluator(config: EvaluateConfig = CONFIG, cache: Path | None = None) -> TranslationEvaluator:
    a, b = photographs(), drawings()
    return TranslationEvaluator(
        Evaluator(b, "drawings", config, cache=cache),
        Evaluator(a, "photos", config, cache=cache),
        Pictures(a),
    )


def identity(pictures: Tensor) -> Tensor:
    return pictures


def negative(pictures: Tensor) -> Tensor:
    return 255 - pictures


def tinted(pictures: Tensor) -> Tensor:
    return (pictures.short() + torch.tensor([30, 0, -15])[:, None, None]).clamp(0, 255).to(torch.uint8)


def grey(pictures: Tensor) -> Tensor:
    return pictures.float().mean(1, keepdim=True).round().to(torch.uint8).expand_as(pictures)


def one_grey(pictures: Tensor) -> Tensor:
    return torch.full_like(pictures, 128)


def chequered(pictures: Tensor) -> Tensor:
    axis = torch.arange(SIZE)
    board = 1 - 2 * ((axis[:, None] + axis) % 2)
    return (pictures.short() + 8 * board).clamp(0, 255).to(torch.uint8)


# ---- closed forms ------------------------------------------------------------------------------------------


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


# ---- as an evaluator ---------------------------------------------------------------------------------------


def test_the_numbers_of_drawings_are_those_of_an_evaluator() -> None:
    measure = evaluator()
    for extent in ("brief", "usual", "full"):
        score = measure.score(Translation(tinted), extent=extent)
        plain = measure.drawings.score(Translation(tinted), extent=extent)
        assert {name: getattr(score, name) for name in OF_SCORE} == asdict(plain)
    assert (measure.config, measure.n_real, measure.extractor.name) == (CONFIG, 50, "tiny")
    assert measure.extremes(20) == measure.drawings.extremes(20)
    assert measure.floor(20) == measure.drawings.floor(20)
    made = Pictures(drawings()).levels(3)
    assert torch.equal(measure.nearest_real(made).indices, measure.drawings.nearest_real(made).indices)


def test_what_a_translator_is_asked_for() -> None:
    translation = Translation(tinted, negative)
    evaluator().score(translation)
    assert translation.asked == [16, 16, 8, "pairs of 40"]
    translation = Translation(tinted, negative)
    evaluator().score(translation, 70)
    assert translation.asked[-1] == "pairs of 64"


def test_equal_translators_have_equal_scores() -> None:
    measure = evaluator()
    first = measure.score(Translation(tinted, negative), extent="full")
    assert measure.score(Translation(tinted, negative), extent="full") == first
    assert evaluator().score(Translation(tinted, negative), extent="full") == first


def test_the_way_back_is_measured_in_full_and_only_where_there_is_one() -> None:
    measure = evaluator()
    score = measure.score(Translation(identity, negative), extent="full")
    expected = measure.photos.score(Translation(identity, negative).back())
    assert (score.fid_back, score.kid_back, score.kid_back_se) == (
        expected.fid,
        expected.kid,
        expected.kid_se,
    )
    assert score.cycle_l1 is not None
    few = measure.score(Translation(identity, negative))
    assert few.fid_back is few.kid_back is few.kid_back_se is None
    assert few.cycle_l1 == score.cycle_l1
    one_way = measure.score(Translation(identity), extent="full")
    assert one_way.fid_back is one_way.kid_back is one_way.cycle_l1 is one_way.cycle_ssim is None


def test_scores_are_flat_rows() -> None:
    row = asdict(evaluator().score(Translation(identity, identity), extent="full"))
    assert all(value is None or type(value) in (float, int, str) for value in row.values())
    assert {"fid", "kid_back", "change", "chequer"} <= row.keys()
    assert isinstance(TranslationScore(1.0, 0.1, 0.01, 5, 5, "tiny", ""), Score)


# ---- how many, and what is remembered ----------------------------------------------------------------------


def test_no_photograph_is_measured_twice() -> None:
    measure = evaluator(CONFIG.model_copy(update={"n_fake": 200, "n_real": None}))
    assert measure.most == PHOTOS
    assert measure.score(Translation(tinted)).n_fake == PHOTOS
    assert measure.baseline().n_fake == measure.baseline(150).n_fake == PHOTOS
    assert measure.baseline(30).n_fake == 30
    assert measure.extremes(200) == measure.drawings.extremes(PHOTOS)
    assert measure.score(Translation(tinted, negative), extent="full").kid_back is not None


class Untouchable(Pictures):
    """Photographs whose order is known and which nobody may look at."""

    def levels(self, *_: object, **__: object) -> Tensor:
        raise AssertionError("the photographs were read again")


def test_a_baseline_is_computed_once_for_all_processes(tmp_path: Path) -> None:
    expected = evaluator(cache=tmp_path).baseline(30)
    a, b = photographs(), drawings()

    def again(
        config: EvaluateConfig, photos: str = "photos", drawn: str = "drawings"
    ) -> TranslationEvaluator:
        return TranslationEvaluator(
            Evaluator(b, drawn, config, cache=tmp_path),
            Evaluator(a, photos, config, cache=tmp_path),
            Untouchable(a),
        )

    assert again(CONFIG).baseline(30) == expected
    others = [
        lambda: again(CONFIG).baseline(31),
        lambda: again(CONFIG, photos="others").baseline(30),
        lambda: again(CONFIG, drawn="others").baseline(30),
        lambda: again(CONFIG.model_copy(update={"kid_subsets": 21})).baseline(30),
        lambda: again(CONFIG.model_copy(update={"kid_subset_size": 9})).baseline(30),
        lambda: again(CONFIG.model_copy(update={"n_real": 49})).baseline(30),
    ]
    for other in others:
        with pytest.raises(AssertionError, match="read again"):
            other()


def test_features_that_are_not_finite_and_wrong_numbers_of_pictures(
    monkeypatch: pytest.MonkeyPatch, tiny: Extractor
) -> None:
    class Broken(Tiny):
        def forward(self, pictures: Tensor) -> Tensor:
            features = super().forward(pictures)
            return torch.where((pictures == 128).flatten(1).all(1)[:, None], math.nan, features)

    with pytest.raises(RequestError, match=r"generate\(16\) returned 15 pictures"):
        evaluator().score(Translation(lambda pictures: pictures[1:]))
    monkeypatch.setattr(evaluator_module, "load_extractor", lambda *_: replace(tiny, network=Broken()))
    with pytest.raises(NonFiniteError, match="40 of 40 generated pictures"):
        evaluator().score(Translation(one_grey))
