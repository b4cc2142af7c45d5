"""Scoring translators: what is asked of a translator, how often, and what is remembered."""

import math
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
import torch
from helpers.training.scoring import Tiny
from helpers.training.translations import (
    CONFIG,
    PHOTOS,
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

from ganlib.config import EvaluateConfig
from ganlib.errors import RequestError
from ganlib.metrics import (
    Evaluator,
    Extractor,
    NonFiniteError,
    Score,
    TranslationEvaluator,
    TranslationScore,
)
from ganlib.metrics import evaluator as evaluator_module
from ganlib.models.inputs import Pictures

OF_SCORE = [field.name for field in fields(Score)]

pytestmark = pytest.mark.usefixtures("tiny")


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
