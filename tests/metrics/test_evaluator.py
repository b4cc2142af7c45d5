"""The evaluator: scores of generators, and what it refuses."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.training.scoring import CONFIG, Tiny, Untouchable, generator, real_pictures
from torch import Tensor

from ganlib.config import EvaluateConfig
from ganlib.errors import RequestError, WorkError
from ganlib.metrics import (
    Evaluator,
    Extractor,
    NonFiniteError,
    Score,
    fid_from_features,
    kid_from_features,
    mind_from_features,
    mmd_from_features,
)
from ganlib.metrics import evaluator as evaluator_module


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
