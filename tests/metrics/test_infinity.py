"""FID at infinity: on Gaussians, whose distance is known, and in the face of the bias that it is there to remove."""

import numpy as np
import pytest

from ganlib.errors import RequestError
from ganlib.metrics import fid_from_features, fid_infinity_from_features
from ganlib.metrics.distances.infinity import _intercept

D = 32
SCALE = np.linspace(0.5, 1.5, D)


def gaussians(
    n: int, seed: int, scale: np.ndarray = SCALE, shift: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """n of a standard normal and n of one with another mean and other variances."""
    random = np.random.default_rng(seed)
    return random.normal(size=(n, D)), random.normal(size=(n, D)) * scale + shift


TRUE = float(D * 0.1**2 + ((SCALE - 1) ** 2).sum())


def test_removes_the_bias_of_a_known_distance() -> None:
    found = [fid_infinity_from_features(*gaussians(600, seed), seed=seed) for seed in range(12)]
    values, errors = np.array(found).T
    biased = np.array([fid_from_features(*gaussians(600, seed)) for seed in range(12)])
    assert abs(values.mean() - TRUE) < 4 * values.std(ddof=1) / np.sqrt(12)
    assert abs(values.mean() - TRUE) < 0.25 * (biased.mean() - TRUE)
    assert (biased > TRUE).all()
    # Subsets share pictures, so that the line's residuals tell less than the whole scatter, but its magnitude.
    assert 0.2 < errors.mean() / values.std(ddof=1) < 5


def test_one_distribution_is_near_zero_and_not_clipped() -> None:
    ones = np.ones(D)
    found = [fid_infinity_from_features(*gaussians(500, s, ones, 0.0), seed=s).value for s in range(10)]
    assert abs(np.mean(found)) < 0.15
    assert min(found) < 0


def test_the_line_itself() -> None:
    inverse = np.array([0.01, 0.02, 0.04, 0.05])
    exact = _intercept(inverse, 3.0 + 7.0 * inverse)
    assert exact.value == pytest.approx(3.0)
    assert exact.se == pytest.approx(0.0, abs=1e-9)
    assert _intercept(inverse, 3.0 + 7.0 * inverse + [0.1, -0.1, 0.1, -0.1]).se > 0.05


def test_repeats_itself_and_refuses_what_is_too_little() -> None:
    x, y = gaussians(60, 0)
    assert fid_infinity_from_features(x, y) == fid_infinity_from_features(x, y)
    with pytest.raises(RequestError, match="smaller set has 9 pictures"):
        fid_infinity_from_features(x[:9], y)
    with pytest.raises(RequestError, match="points is 2"):
        fid_infinity_from_features(x, y, points=2)
