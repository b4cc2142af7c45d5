"""How much is measured: extents, held-out pictures and the floor, and what memory allows."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.training.scoring import CONFIG, Tiny, Untouchable, generator, real_pictures
from torch import Tensor

from ganlib.errors import WorkError
from ganlib.metrics import (
    Evaluator,
    Extractor,
    fid_infinity_from_features,
    pairwise_similarity,
    pixel_std,
    prdc_from_features,
    vendi_from_features,
)
from ganlib.metrics import evaluator as evaluator_module


@pytest.mark.usefixtures("tiny")
def test_real_pictures_at_their_worst() -> None:
    same = Evaluator(np.repeat(real_pictures(1), 10, axis=0), "hash", CONFIG).extremes()
    assert same.similarity == pytest.approx(1.0)
    assert same.vendi == pytest.approx(1.0)
    assert same.fid == pytest.approx(0.0, abs=1e-9)
    evaluator = Evaluator(real_pictures(100), "hash", CONFIG)
    varied, every = evaluator.extremes(), torch.from_numpy(real_pictures(100)).permute(0, 3, 1, 2)
    assert 0.9 * pixel_std(every) < varied.pixel_std < pixel_std(every)
    assert pairwise_similarity(every) < varied.similarity < 0.5
    assert 1 < varied.vendi < vendi_from_features(evaluator.real.features)
    assert evaluator.extremes(400).fid < varied.fid


@pytest.mark.usefixtures("tiny")
def test_fewer_held_out_pictures_are_the_first_of_more() -> None:
    pictures = real_pictures(80)
    floors = [
        Evaluator(pictures, "hash", CONFIG.model_copy(update={"n_real": 40, "n_fake": n})) for n in (12, 30)
    ]
    kept = [evaluator._stored["held_out"] for evaluator in floors]
    assert np.array_equal(kept[0], kept[1][:12])
    other = Evaluator(pictures, "hash", CONFIG.model_copy(update={"n_real": 20, "n_fake": 12}))
    assert np.array_equal(other._stored["held_out"], kept[0])


@pytest.mark.usefixtures("tiny")
def test_each_extent_measures_more_and_nothing_else() -> None:
    evaluator = Evaluator(real_pictures(), "hash", CONFIG)
    brief, usual, full = (
        asdict(evaluator.score(generator(), extent=one)) for one in ("brief", "usual", "full")
    )
    more = {"mmd", "mmd_se", "mind"}
    assert {name for name in usual if usual[name] != brief[name]} == more
    assert all(brief[name] is None for name in more)
    assert {name for name in full if full[name] != usual[name]} <= {
        *("precision", "recall", "density", "coverage", "fid_infinity", "fid_infinity_se")
    }


def test_fewer_pictures_and_full_measurements(tiny: Extractor) -> None:
    evaluator = Evaluator(real_pictures(), "hash", CONFIG)
    few = evaluator.score(generator(), 20)
    assert few.n_fake == 20
    assert few.coverage is few.fid_infinity is None
    full = evaluator.score(generator(), extent="full")
    real, fake = evaluator.real.features, torch.cat([tiny(part) for part in map(generator(), (16, 16, 8))])
    assert (full.precision, full.recall, full.density, full.coverage) == prdc_from_features(real, fake)
    assert fid_infinity_from_features(real, fake).value < 0
    assert full.fid_infinity is None
    other = Evaluator(real_pictures(), "hash", CONFIG).score(generator(brightness=120), extent="full")
    assert other.fid_infinity is not None
    assert other.fid_infinity > 0
    assert full.vendi == vendi_from_features(fake)
    assert full.real_vendi == vendi_from_features(real[:40])
    assert full.resize == tiny.resize


@pytest.mark.usefixtures("tiny")
def test_the_floor_is_the_score_of_pictures_that_were_held_out(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"n_fake": 30, "n_real": 50})
    pictures = real_pictures(80)
    order = np.random.RandomState(0).permutation(80)
    held_out = torch.from_numpy(pictures[order[:49:-1].copy()]).permute(0, 3, 1, 2)
    parts = iter(held_out.split(16))
    evaluator = Evaluator(pictures, "hash", config, cache=tmp_path)
    expected = evaluator.score(lambda _: next(parts))
    floor = Evaluator(Untouchable(pictures), "hash", config, cache=tmp_path).floor()
    assert asdict(floor).items() <= asdict(expected).items()
    assert floor.mind
    assert evaluator.floor(20).n_fake == 20
    assert evaluator.floor(31) is None
    assert Evaluator(pictures, "hash", config.model_copy(update={"n_real": None})).n_real == 50


@pytest.mark.usefixtures("tiny")
def test_a_generator_that_recites_its_examples_is_below_the_floor_and_found_out() -> None:
    pictures = real_pictures(160)
    evaluator = Evaluator(pictures, "hash", CONFIG.model_copy(update={"n_real": 60}))
    chosen = np.random.RandomState(0).permutation(160)[:40]
    parts = iter(torch.from_numpy(pictures[chosen]).permute(0, 3, 1, 2).split(16))
    score = evaluator.score(lambda _: next(parts))
    floor = evaluator.floor()
    assert "FID" in floor.beaten_by({"fid": score.fid})
    assert floor.beaten_by(asdict(score)) is not None
    honest = evaluator.score(generator(brightness=30))
    assert floor.beaten_by(asdict(honest)) is None
    nearest = evaluator.nearest_real(torch.from_numpy(pictures[chosen[:5]]).permute(0, 3, 1, 2), k=2)
    assert nearest.indices[:, 0].tolist() == chosen[:5].tolist()
    assert nearest.distances[:, 0].max() < 1e-6 < nearest.distances[:, 1].min()


class Crowded(Tiny):
    """Has room for so many pictures at a time."""

    room = 5

    def forward(self, pictures: Tensor) -> Tensor:
        if len(pictures) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(pictures)


def test_out_of_memory_halves_the_batch_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tiny: Extractor, caplog: pytest.LogCaptureFixture
) -> None:
    expected = Evaluator(real_pictures(), "hash", CONFIG).score(generator_of_rows())
    crowded = Extractor("tiny", "0" * 64, 12, Crowded())
    monkeypatch.setattr(evaluator_module, "load_extractor", lambda *_: crowded)
    evaluator = Evaluator(real_pictures(), "hash", CONFIG)
    assert evaluator.score(generator_of_rows(room=9)) == expected
    assert "in batches of 4 pictures" in caplog.text
    monkeypatch.setattr(Crowded, "room", 0)
    with pytest.raises(WorkError, match="no memory left to evaluate a single picture"):
        evaluator.score(generator_of_rows())


def generator_of_rows(room: int = 100) -> Callable[[int], Tensor]:
    """The next of fixed pictures; where memory is short, it can be asked again."""
    pictures = torch.from_numpy(real_pictures(40, seed=3)).permute(0, 3, 1, 2)
    made = 0

    def generate(count: int) -> Tensor:
        nonlocal made
        if count > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        made += count
        return pictures[made - count : made]

    return generate
