"""What a translator changes and keeps: closed forms, and scikit-image and SciPy as peers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from skimage.metrics import structural_similarity
from torch import Tensor

from ganlib.metrics.translation import changes
from ganlib.metrics.translation.changes import ratio
from ganlib.metrics.translation.colour import luma
from ganlib.transfers import Pending


def reading(measure: Callable[..., Pending[Any]]) -> Callable[..., Any]:
    return lambda *pictures: measure(*pictures).read()


cycle_ssim, difference = reading(changes.cycle_ssim), reading(changes.difference)
difference_of_all = reading(changes.difference_of_all)
luminance_correlation, nyquist_energy = (
    reading(changes.luminance_correlation),
    reading(changes.nyquist_energy),
)

Pattern = Callable[[Tensor, Tensor], Tensor]


def noise(n: int = 4, size: int = 32, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, size, size), generator=generator, dtype=torch.uint8)


def flat(level: int = 128, n: int = 4, size: int = 32) -> Tensor:
    return torch.full((n, 3, size, size), level, dtype=torch.uint8)


# ---- differences -------------------------------------------------------------------------------------------


def test_differences_of_constants() -> None:
    assert difference(noise(), noise()) == 0
    assert difference(flat(0), flat(255)) == 1
    assert difference(flat(130), flat(120)) == pytest.approx(10 / 255)
    assert difference(flat(120), flat(130)) == pytest.approx(10 / 255)


def test_difference_of_all_is_the_mean_over_all_pairs() -> None:
    x, y = noise(3), noise(5, seed=1)
    every = [difference(a[None], b[None]) for a in x for b in y]
    assert difference_of_all(x, y) == pytest.approx(np.mean(every))


def test_a_ratio_to_nothing_is_not_defined() -> None:
    assert ratio(1.0, 4.0) == 0.25
    assert ratio(0.0, 0.0) is None


# ---- similarity --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [7, 32, 65])
def test_ssim_is_that_of_scikit_image(size: int) -> None:
    x, y = noise(3, size), (0.6 * noise(3, size).float() + 0.4 * noise(3, size, 1).float()).to(torch.uint8)
    arrays = [pictures.permute(0, 2, 3, 1).numpy() for pictures in (x, y)]
    expected = [
        structural_similarity(a, b, channel_axis=2, data_range=255) for a, b in zip(*arrays, strict=True)
    ]
    assert cycle_ssim(x, y) == pytest.approx(np.mean(expected), abs=1e-5)


def test_ssim_is_one_of_equal_pictures_and_negative_of_negatives() -> None:
    assert cycle_ssim(noise(), noise()) == pytest.approx(1, abs=1e-6)
    assert cycle_ssim(noise(), 255 - noise()) < -0.5


# ---- luminance ---------------------------------------------------------------------------------------------


def test_luminance_is_kept_by_the_identity_and_by_any_contrast() -> None:
    x = noise()
    assert luminance_correlation(x, x) == pytest.approx(1, abs=1e-9)
    assert luminance_correlation(x, 40 + x // 2) == pytest.approx(1, abs=1e-3)
    assert luminance_correlation(x, luma(x).mul(255).round().to(torch.uint8)[:, None].expand_as(x)) > 0.9999


def test_luminance_is_inverted_by_a_negative() -> None:
    assert luminance_correlation(noise(), 255 - noise()) == pytest.approx(-1, abs=1e-6)


def test_luminance_of_unrelated_noise_is_near_zero() -> None:
    assert abs(luminance_correlation(noise(16), noise(16, seed=1))) < 0.03


def test_luminance_is_the_mean_of_scipys_correlations() -> None:
    x, y = noise(5), ((noise(5).short() + noise(5, seed=1)) // 2).to(torch.uint8)
    expected = [
        pearsonr(luma(a[None]).flatten(), luma(b[None]).flatten())[0] for a, b in zip(x, y, strict=True)
    ]
    assert luminance_correlation(x, y) == pytest.approx(np.mean(expected), abs=1e-6)


def test_a_flat_drawing_keeps_nothing_and_a_flat_photograph_tells_nothing() -> None:
    x = torch.cat([noise(2), flat(n=2)])
    assert luminance_correlation(x, x) == pytest.approx(1, abs=1e-9)
    assert luminance_correlation(noise(2), torch.cat([noise(1), flat(n=1)])) == pytest.approx(0.5, abs=1e-9)
    assert luminance_correlation(flat(), noise()) is None


# ---- the Nyquist frequency ---------------------------------------------------------------------------------

PATTERNS: dict[str, Pattern] = {
    "chequerboard": lambda y, x: 1 - 2 * ((y + x) % 2),
    "rows": lambda y, x: 1 - 2 * (y % 2) + 0 * x,
    "columns": lambda y, x: 1 - 2 * (x % 2) + 0 * y,
}


def planted(pattern: str, levels: int, size: int) -> Tensor:
    axis = torch.arange(size)
    return (128 + levels * PATTERNS[pattern](axis[:, None], axis)).to(torch.uint8).expand(2, 3, size, size)


@pytest.mark.parametrize("size", [28, 64, 128])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_energy_of_a_planted_pattern_is_the_square_of_its_amplitude(pattern: str, size: int) -> None:
    energies = [nyquist_energy(planted(pattern, levels, size)) for levels in (2, 4, 8)]
    assert energies == pytest.approx([(levels / 255) ** 2 for levels in (2, 4, 8)], rel=1e-5)


def test_slow_patterns_have_no_energy_there() -> None:
    axis = torch.arange(64)
    wave = (128 + 60 * torch.cos(2 * torch.pi * axis / 8)).round().to(torch.uint8)
    waves = wave[:, None].expand(2, 3, 64, 64)
    assert nyquist_energy(waves) < 1e-3 * nyquist_energy(planted("rows", 2, 64))
    assert nyquist_energy(flat()) == nyquist_energy(flat(7)) > 0


def test_noise_hardly_counts_beside_a_chequerboard_of_its_variance() -> None:
    random = torch.Generator().manual_seed(0)
    noisy = 128 + 8 * torch.randn(16, 3, 64, 64, generator=random)
    assert nyquist_energy(noisy.round().to(torch.uint8)) < 0.01 * nyquist_energy(
        planted("chequerboard", 8, 64)
    )
