"""Scoring a generator: real features are computed once, the same numbers come out, and errors are clear."""

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlib.config import EvaluateConfig
from ganlib.errors import RequestError, WorkError
from ganlib.metrics import (
    Evaluator,
    Extractor,
    NonFiniteError,
    Score,
    fid_from_features,
    fid_infinity_from_features,
    kid_from_features,
    mind_from_features,
    mmd_from_features,
    pairwise_similarity,
    pixel_std,
    prdc_from_features,
    vendi_from_features,
)
from ganlib.metrics import evaluator as evaluator_module

CONFIG = EvaluateConfig(n_fake=40, batch_size=16, kid_subsets=20, kid_subset_size=10)


class Tiny(nn.Module):
    """Twelve features of a picture: its colours on a 2 x 2 grid."""

    def forward(self, pictures: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(pictures.float() / 255, 2).flatten(1)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Extractor:
    extractor = Extractor("tiny", "0" * 64, 12, Tiny())
    monkeypatch.setattr(evaluator_module, "load_extractor", lambda *_: extractor)
    return extractor


def real_pictures(n: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def generator(seed: int = 1, brightness: int = 0) -> Callable[[int], Tensor]:
    random = torch.Generator().manual_seed(seed)

    def generate(count: int) -> Tensor:
        return torch.randint(brightness, 256, (count, 3, 16, 16), generator=random, dtype=torch.uint8)

    return generate


class Untouchable:
    """An array that may be described but not read."""

    def __init__(self, like: np.ndarray) -> None:
        self.shape, self.dtype = like.shape, like.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, _: object) -> np.ndarray:
        raise AssertionError("the real pictures were read again")

    __array__ = __getitem__


def test_score_is_that_of_the_features(tiny: Extractor) -> None:
    pictures = real_pictures()
    score = Evaluator(pictures, "hash", CONFIG).score(generator())
    fake = torch.cat([tiny(part) for part in map(generator(), (16, 16, 8))])
    shuffled = pictures[np.random.RandomState(0).permutation(60)]
    real = tiny(torch.from_numpy(shuffled).permute(0, 3, 1, 2))
    assert score.fid == pytest.approx(fid_from_features(real, fake), rel=1e-9)
    assert (score.kid, score.kid_se) == pytest.approx(kid_from_features(real, fake, 20, 10), rel=1e-6)
    assert (score.mmd, score.mmd_se) == pytest.approx(mmd_from_features(real, fake), rel=1e-6)
    assert score.mind == pytest.approx(mind_from_features(real, fake), rel=1e-6)
    assert (score.n_real, score.n_fake) == (60, 40)
    assert (score.extractor, score.extractor_digest) == ("tiny", "0" * 64)
    assert all(type(value) is float for value in (score.fid, score.kid, score.kid_se))


@pytest.mark.usefixtures("tiny")
def test_the_same_generator_gives_the_same_score_and_a_worse_one_a_higher(tmp_path: Path) -> None:
    evaluator = Evaluator(real_pictures(), "hash", CONFIG, cache=tmp_path)
    first = evaluator.score(generator())
    assert evaluator.score(generator()) == first
    worse = [evaluator.score(generator(brightness=b)) for b in (60, 120, 240)]
    assert [first.fid, *(w.fid for w in worse)] == sorted([first.fid, *(w.fid for w in worse)])
    assert worse[0].kid > first.kid + 3 * first.kid_se


@pytest.mark.usefixtures("tiny")
def test_generator_is_asked_for_exactly_n_fake_in_batches() -> None:
    asked = []
    generate = generator()

    def watched(count: int) -> Tensor:
        asked.append(count)
        assert not torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        return generate(count)

    Evaluator(real_pictures(), "hash", CONFIG).score(watched)
    assert asked == [16, 16, 8]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("n", [60, 8])
def test_a_second_evaluator_does_not_touch_the_real_pictures(tmp_path: Path, n: int) -> None:
    pictures = real_pictures(n)
    first = Evaluator(pictures, "hash", CONFIG, cache=tmp_path)
    expected, extremes = first.score(generator()), first.extremes()
    second = Evaluator(Untouchable(pictures), "hash", CONFIG, cache=tmp_path)
    assert second.score(generator()) == expected
    assert second.extremes() == extremes
    assert [path.suffix for path in tmp_path.iterdir() if path.suffix != ".lock"] == [".safetensors"]


def test_what_the_cache_depends_on(tmp_path: Path, tiny: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = real_pictures()
    Evaluator(pictures, "hash", CONFIG, cache=tmp_path).score(generator())
    others = [
        Evaluator(Untouchable(pictures), "other", CONFIG, cache=tmp_path),
        Evaluator(Untouchable(pictures), "hash", CONFIG.model_copy(update={"n_real": 50}), cache=tmp_path),
    ]
    for name, digest in (("tiny2", tiny.digest), ("tiny", "1" * 64)):
        changed = Extractor(name, digest, 12, Tiny())
        monkeypatch.setattr(evaluator_module, "load_extractor", lambda *_, e=changed: e)
        others.append(Evaluator(Untouchable(pictures), "hash", CONFIG, cache=tmp_path))
    for other in others:
        with pytest.raises(AssertionError, match="read again"):
            other.score(generator())


@pytest.mark.usefixtures("tiny")
def test_a_damaged_cache_is_rebuilt(tmp_path: Path) -> None:
    expected = Evaluator(real_pictures(), "hash", CONFIG, cache=tmp_path).score(generator())
    (path,) = tmp_path.glob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert Evaluator(real_pictures(), "hash", CONFIG, cache=tmp_path).score(generator()) == expected
    assert (
        Evaluator(Untouchable(real_pictures()), "hash", CONFIG, cache=tmp_path).score(generator()) == expected
    )


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("n", "n_real", "n_fake", "expected"),
    [
        (60, None, 40, 60),
        (60, 1000, 40, 60),
        (60, 20, 40, 20),
        (2100, None, 40, 2048),
        (2100, None, 2080, 2080),
    ],
)
def test_number_of_real_pictures(n: int, n_real: int | None, n_fake: int, expected: int) -> None:
    config = CONFIG.model_copy(update={"n_real": n_real, "n_fake": n_fake, "kid_subsets": 2})
    evaluator = Evaluator(real_pictures(n), "hash", config)
    assert evaluator.n_real == expected
    assert len(evaluator.real) == expected


def test_real_pictures_are_a_fixed_random_choice(tiny: Extractor) -> None:
    pictures = real_pictures(60)
    chosen = [
        Evaluator(pictures, "hash", CONFIG.model_copy(update={"n_real": n}), device="cpu").real.features
        for n in (20, 20, 30)
    ]
    assert torch.equal(chosen[0], chosen[1])
    everything = {tuple(row) for row in tiny(torch.from_numpy(pictures).permute(0, 3, 1, 2)).tolist()}
    rows = [{tuple(row) for row in features.tolist()} for features in chosen]
    assert rows[0] < rows[2] < everything
    assert rows[0] != {
        tuple(row) for row in tiny(torch.from_numpy(pictures[:20]).permute(0, 3, 1, 2)).tolist()
    }


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


def test_non_finite_features(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Tiny):
        def forward(self, pictures: Tensor) -> Tensor:
            features = super().forward(pictures)
            features[pictures[:, 0, 0, 0] == 7] = math.nan
            return features

    extractor = Extractor("broken", "0" * 64, 12, Broken())
    monkeypatch.setattr(evaluator_module, "load_extractor", lambda *_: extractor)
    pictures = real_pictures()
    pictures[:, 0, 0, 0] = 1
    evaluator = Evaluator(pictures, "hash", CONFIG)

    def generate(count: int) -> Tensor:
        made = generator()(count)
        made[:, 0, 0, 0] = 1
        made[0, 0, 0, 0] = 7
        return made

    with pytest.raises(
        NonFiniteError, match="3 of 40 generated pictures have NaN or infinite features"
    ) as caught:
        evaluator.score(generate)
    assert isinstance(caught.value, WorkError)


@pytest.mark.usefixtures("tiny")
def test_generator_that_returns_something_else() -> None:
    evaluator = Evaluator(real_pictures(), "hash", CONFIG)
    with pytest.raises(RequestError, match=r"generate\(16\) returned 15 pictures"):
        evaluator.score(lambda count: generator()(count - 1))
    with pytest.raises(RequestError, match="takes uint8"):
        evaluator.score(lambda count: generator()(count).float())


@pytest.mark.parametrize(
    "pictures",
    [
        np.zeros((5, 8, 8, 3), np.float32),
        np.zeros((5, 3, 8, 8), np.uint8),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
    ],
)
def test_wrong_real_pictures(pictures: np.ndarray) -> None:
    with pytest.raises(RequestError, match="the real pictures have dtype"):
        Evaluator(pictures, "hash", CONFIG)


def test_memory_map_and_bundled_extractor_end_to_end(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", real_pictures(24))
    pictures = np.load(tmp_path / "real.npy", mmap_mode="r")
    config = EvaluateConfig(n_fake=20, batch_size=8)
    score = Evaluator(pictures, "hash", config, cache=tmp_path / "cache").score(generator())
    assert isinstance(score, Score)
    assert score.extractor == "efficientnet_lite0@64"
    assert score.fid > 0
    assert math.isfinite(score.kid)
    assert score.kid_se > 0


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
