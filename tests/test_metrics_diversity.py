"""Similarity of pictures and the spread of their pixels, against closed forms and scikit-image."""

import itertools

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from ganlib.errors import RequestError
from ganlib.metrics import diversity as diversity_module
from ganlib.metrics import pairwise_similarity, pixel_std


def noise(n: int, size: int = 32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, size, size), generator=generator, dtype=torch.uint8)


def test_all_the_same_is_one() -> None:
    assert pairwise_similarity(noise(1).expand(10, -1, -1, -1)) == pytest.approx(1.0, abs=1e-6)
    assert pairwise_similarity(noise(1, 128).expand(3, -1, -1, -1)) == pytest.approx(1.0, abs=1e-6)


def test_equals_scikit_image_on_all_pairs() -> None:
    pictures = noise(5, 28)
    arrays = pictures.permute(0, 2, 3, 1).numpy()
    pairs = itertools.combinations(arrays, 2)
    expected = np.mean([structural_similarity(a, b, channel_axis=2, data_range=255) for a, b in pairs])
    assert pairwise_similarity(pictures) == pytest.approx(expected, abs=1e-5)


def test_independent_pictures_are_near_zero_and_negatives_below() -> None:
    pictures = noise(40)
    assert abs(pairwise_similarity(pictures)) < 0.05
    assert pairwise_similarity(torch.cat([pictures[:1], 255 - pictures[:1]])) < -0.5


def test_rises_with_what_pictures_share() -> None:
    shared = noise(1, 64, seed=1).float()
    own = noise(30, 64, seed=2).float()
    values = [pairwise_similarity((w * shared + (1 - w) * own).to(torch.uint8)) for w in (0.0, 0.3, 0.6, 0.9)]
    assert values == sorted(values)
    assert values[0] < 0.1 < 0.9 < values[-1]


def test_is_deterministic_and_bounded_in_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = noise(1000, 16)
    compared = []
    import skimage.metrics

    monkeypatch.setattr(
        skimage.metrics, "structural_similarity", lambda a, b, **_: compared.append((a.sum(), b.sum())) or 0.5
    )
    assert pairwise_similarity(pictures) == 0.5
    first = list(compared)
    compared.clear()
    pairwise_similarity(pictures)
    assert compared == first
    assert len(set(first)) == len(first) == diversity_module.PAIRS


def test_large_pictures_are_resized() -> None:
    small = noise(6, 16)
    large = small.repeat_interleave(8, 2).repeat_interleave(8, 3)
    assert large.shape[2] == 128
    half = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert pairwise_similarity(large) == pytest.approx(pairwise_similarity(half), abs=0.1)


def test_pixel_std_closed_forms() -> None:
    flat = torch.tensor([10, 200, 90], dtype=torch.uint8).view(1, 3, 1, 1).expand(4, 3, 8, 8)
    assert pixel_std(flat) == 0
    half = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    half[:, :, :2] = 255
    assert pixel_std(half) == pytest.approx(0.5)
    assert pixel_std(torch.cat([half, torch.zeros_like(half)])) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "pictures",
    [
        torch.zeros(4, 3, 8, 8),
        torch.zeros(4, 1, 8, 8, dtype=torch.uint8),
        torch.zeros(3, 8, 8, dtype=torch.uint8),
    ],
)
def test_wrong_pictures(pictures: torch.Tensor) -> None:
    for measure in (pairwise_similarity, pixel_std):
        with pytest.raises(RequestError, match="uint8"):
            measure(pictures)


def test_too_few_or_too_small() -> None:
    with pytest.raises(RequestError, match="at least 2"):
        pairwise_similarity(noise(1))
    with pytest.raises(RequestError, match="7 x 7"):
        pairwise_similarity(noise(4, 6))
    with pytest.raises(RequestError, match="at least one"):
        pixel_std(noise(0))
