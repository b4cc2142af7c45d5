"""Similarity of pictures and the spread of their pixels, against closed forms and scikit-image."""

import itertools

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from ganlib.errors import RequestError
from ganlib.metrics import diversity as diversity_module
from ganlib.metrics import pairwise_similarity, pixel_std, vendi_from_features


def noise(n: int, size: int = 32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, size, size), generator=generator, dtype=torch.uint8)


def test_all_the_same_is_one() -> None:
    assert pairwise_similarity(noise(1).expand(10, -1, -1, -1)) == pytest.approx(1.0, abs=1e-6)
    assert pairwise_similarity(noise(1, 128).expand(3, -1, -1, -1)) == pytest.approx(1.0, abs=1e-6)


def test_one_scale_equals_scikit_image_on_all_pairs() -> None:
    shared = noise(1, 13, seed=1).float()
    pictures = (0.7 * shared + 0.3 * noise(5, 13).float()).to(
        torch.uint8
    )  # no pair is unlike: nothing is cut to 0
    arrays = pictures.permute(0, 2, 3, 1).numpy()
    pairs = itertools.combinations(arrays, 2)
    expected = np.mean([structural_similarity(a, b, channel_axis=2, data_range=255) for a, b in pairs])
    assert pairwise_similarity(pictures) == pytest.approx(expected, abs=1e-6)


PAIR = torch.tensor([0]), torch.tensor([1])
"""Two pictures, compared with each other."""


def test_several_scales_are_the_weighted_product_of_each() -> None:
    base = noise(1, 32, seed=1).float()
    x, y = ((0.8 * base + 0.2 * noise(1, 32, seed=seed).float()).double() for seed in (2, 3))
    terms = []
    for size in (32, 16, 8):
        a, b = (torch.nn.functional.adaptive_avg_pool2d(z, size) for z in (x, y))
        structure, *means = diversity_module._structure(torch.cat([a, b]), *PAIR)
        luminance = diversity_module._luminance(*means)
        whole = structural_similarity(
            *(z[0].permute(1, 2, 0).numpy() for z in (a, b)), channel_axis=2, data_range=255
        )
        assert float((luminance * structure).mean()) == pytest.approx(whole, abs=1e-9)
        terms.append(float((luminance * structure if size == 8 else structure).mean()))
    weights = np.array([0.0448, 0.2856, 0.3001])
    expected = np.prod(np.array(terms) ** (weights / weights.sum()))
    assert float(diversity_module.ms_ssim(torch.cat([x, y]), *PAIR)) == pytest.approx(expected, rel=1e-9)


def test_independent_and_opposite_pictures_are_near_zero() -> None:
    pictures = noise(40)
    assert 0 <= pairwise_similarity(pictures) < 0.05
    assert pairwise_similarity(torch.cat([pictures[:1], 255 - pictures[:1]])) == 0


def test_rises_with_what_pictures_share() -> None:
    shared = noise(1, 64, seed=1).float()
    own = noise(30, 64, seed=2).float()
    values = [pairwise_similarity((w * shared + (1 - w) * own).to(torch.uint8)) for w in (0.0, 0.3, 0.6, 0.9)]
    assert values == sorted(values)
    assert values[0] < 0.3
    assert values[-1] > 0.9


def test_is_deterministic_and_bounded_in_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = noise(1000, 16)
    compared = []

    def watched(x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        sums = x.sum((1, 2, 3)).tolist()
        compared.append({(sums[a], sums[b]) for a, b in zip(first, second, strict=True)})
        return torch.full((len(first),), 0.5)

    monkeypatch.setattr(diversity_module, "ms_ssim", watched)
    assert pairwise_similarity(pictures) == pairwise_similarity(pictures) == 0.5
    assert compared[0] == compared[1]
    assert len(compared[0]) == diversity_module.PAIRS


def test_vendi_closed_forms() -> None:
    assert vendi_from_features(np.repeat(np.eye(5)[:3], 4, axis=0)) == pytest.approx(3.0)
    assert vendi_from_features(np.ones((6, 2))) == pytest.approx(1.0)
    assert vendi_from_features(np.zeros((6, 2))) == pytest.approx(1.0)
    assert vendi_from_features(3 * np.eye(7)) == pytest.approx(7.0)
    # Two vectors at an angle: the eigenvalues are (1 + cos) / 2 and (1 - cos) / 2.
    cos = 0.6
    shares = np.array([(1 + cos) / 2, (1 - cos) / 2])
    expected = np.exp(-(shares * np.log(shares)).sum())
    assert vendi_from_features(np.array([[1.0, 0.0], [cos, 0.8]])) == pytest.approx(expected)


def test_vendi_counts_copies_once_and_grows_with_modes() -> None:
    x = np.abs(np.random.default_rng(0).normal(size=(24, 40)))
    assert vendi_from_features(np.concatenate([x, x])) == pytest.approx(vendi_from_features(x))
    values = [vendi_from_features(np.resize(x[:k], (24, 40))) for k in (1, 2, 4, 12, 24)]
    assert values == sorted(values)
    assert values[0] == pytest.approx(1.0)


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
        torch.zeros(4, 2, 8, 8, dtype=torch.uint8),
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
