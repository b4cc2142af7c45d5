"""Frechet distance: closed forms, invariants and the edges where others give NaN."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from ganlib.errors import RequestError
from ganlib.metrics import RealStatistics, fid_from_features
from ganlib.metrics.distances import frechet as frechet_module


def features(seed: int, n: int, d: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    mix = np.random.default_rng(99).normal(size=(d, d)) / math.sqrt(d)
    return (draw.normal(size=(n, d)) * scale + shift) @ mix


def whitened(seed: int, n: int, d: int) -> np.ndarray:
    """Rows with sample mean exactly 0 and sample covariance exactly the identity."""
    x = np.random.default_rng(seed).normal(size=(n, d))
    x -= x.mean(0)
    return np.linalg.qr(x)[0] * math.sqrt(n - 1)


def root(matrix: np.ndarray) -> np.ndarray:
    return np.real(sqrtm(matrix))


@pytest.mark.parametrize(("n", "m"), [(60, 60), (60, 9), (9, 60), (9, 12)])
def test_gaussians_of_known_moments(n: int, m: int) -> None:
    d = 6
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, d, d))
    mean = rng.normal(size=d)
    x, y = whitened(2, n, d) @ a.T, whitened(3, m, d) @ b.T + mean
    s1, s2 = a @ a.T, b @ b.T
    expected = mean @ mean + np.trace(s1 + s2 - 2 * root(root(s1) @ s2 @ root(s1)))
    assert fid_from_features(x, y) == pytest.approx(expected, rel=1e-9)


def test_one_dimension() -> None:
    x, y = whitened(0, 10, 1) * 3 + 1, whitened(1, 7, 1) * 5 - 1
    assert fid_from_features(x, y) == pytest.approx((3 - 5) ** 2 + 2**2, rel=1e-12)


def test_shift_alone() -> None:
    x = features(0, 50, 8)
    assert fid_from_features(x, x + 0.5) == pytest.approx(8 * 0.25, rel=1e-9)


def test_more_features_than_pictures_equals_a_reference_in_the_small() -> None:
    """Singular covariances: compare with the distance in the space that the data spans."""
    x, y = features(0, 12, 100), features(1, 15, 100, shift=0.2)
    basis = np.linalg.qr(np.concatenate([x, y]).T)[0]
    x_small, y_small = x @ basis, y @ basis
    s1, s2 = np.cov(x_small, rowvar=False), np.cov(y_small, rowvar=False)
    values = np.linalg.svd(
        (x_small - x_small.mean(0)) @ (y_small - y_small.mean(0)).T / math.sqrt(11 * 14), compute_uv=False
    )
    apart = x_small.mean(0) - y_small.mean(0)
    expected = apart @ apart + np.trace(s1) + np.trace(s2) - 2 * values.sum()
    assert fid_from_features(x, y) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (2, 64), (3, 2), (30, 64), (64, 64), (65, 64), (300, 64)])
@pytest.mark.parametrize("magnitude", [1.0, 30.0])
def test_identical_sets_are_zero(n: int, d: int, magnitude: float) -> None:
    x = features(0, n, d) * magnitude + 10
    assert 0 <= fid_from_features(x, x) < 1e-6
    assert 0 <= fid_from_features(x, x[::-1].copy()) < 1e-6


def test_identical_sets_with_duplicates_and_dead_features_are_zero() -> None:
    x = np.tile(features(0, 40, 128) * 30, (5, 1))
    x[:, ::3] = 7.0
    assert 0 <= fid_from_features(x, x) < 1e-6


def test_two_pictures() -> None:
    x, y = np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 2.0]])
    # Means (1, 0) and (0, 1); variances diag(2, 0) and diag(0, 2), whose product is zero.
    assert fid_from_features(x, y) == pytest.approx(2 + 4, abs=1e-12)


def test_constant_sets() -> None:
    x, constant = features(0, 30, 8), np.full((20, 8), 0.25)
    expected = np.square(x.mean(0) - 0.25).sum() + np.trace(np.cov(x, rowvar=False))
    assert fid_from_features(x, constant) == pytest.approx(expected, rel=1e-12)
    assert fid_from_features(constant, x) == pytest.approx(expected, rel=1e-12)
    assert fid_from_features(constant, constant + 1) == pytest.approx(8, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), m=st.integers(2, 40), d=st.integers(1, 24))
def test_symmetric_invariant_and_not_negative(seed: int, n: int, m: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 1.5 + 0.3
    distance = fid_from_features(x, y)
    assert distance >= 0
    near = pytest.approx(distance, rel=1e-7, abs=1e-9)
    assert fid_from_features(y, x) == near
    assert fid_from_features(rng.permutation(x), rng.permutation(y)) == near
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    assert fid_from_features(x @ turn + 3, y @ turn + 3) == near
    assert fid_from_features(x * 4, y * 4) == pytest.approx(16 * distance, rel=1e-7, abs=1e-8)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 20), d=st.integers(1, 30), copies=st.integers(2, 4))
def test_duplicates_only_change_the_n_minus_1(seed: int, n: int, d: int, copies: int) -> None:
    """Copying every row k times scales the covariance by (k n - k) / (k n - 1)."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, d)) + 0.3
    shrink = (copies * n - copies) / (copies * n - 1)
    means = np.square(x.mean(0) - y.mean(0)).sum()
    expected = means + shrink * (fid_from_features(x, y) - means)
    copied = fid_from_features(np.repeat(x, copies, 0), np.tile(y, (copies, 1)))
    assert copied == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_blocks_of_a_tall_matrix_give_the_same_factor() -> None:
    x, y = features(0, 1000, 16), features(1, 900, 16, scale=1.3)
    s1 = np.cov(x, rowvar=False)
    factor = RealStatistics(x).gaussian.factor.numpy()
    assert factor.shape == (16, 16)
    assert factor @ factor.T == pytest.approx(s1, rel=1e-9, abs=1e-12)
    s2 = np.cov(y, rowvar=False)
    expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(s1 + s2 - 2 * root(root(s1) @ s2 @ root(s1)))
    assert fid_from_features(x, y) == pytest.approx(expected, rel=1e-8)


def test_healthy_features_need_only_eigenvalues(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("singular values were computed although rounding could not matter")

    monkeypatch.setattr(frechet_module.torch.linalg, "svdvals", forbidden)
    for n, m, d in ((200, 150, 64), (20, 30, 64), (30, 20, 64), (20, 200, 64)):
        assert fid_from_features(features(0, n, d), features(1, m, d, scale=1.1)) > 0
    x = features(0, 20, 64)  # 19 directions: the 20th eigenvalue is zero by construction, not by rounding
    assert fid_from_features(x, x) < 1e-6
    with pytest.raises(AssertionError, match="singular values"):
        fid_from_features(np.tile(x, (3, 1)), np.tile(x, (3, 1)))


def test_real_statistics_reuse_gives_the_same_number() -> None:
    for n, d in ((300, 16), (12, 40)):
        x, y = features(0, n, d), features(1, 50, d, shift=0.3)
        real = RealStatistics(x)
        again = RealStatistics(x.astype(np.float64), real.gaussian.factor)
        assert real.frechet(y) == fid_from_features(x, y) == again.frechet(y)


def test_float32_features_are_computed_in_float64() -> None:
    x, y = features(0, 100, 16).astype(np.float32), features(1, 100, 16, shift=0.1).astype(np.float32)
    exact = fid_from_features(x.astype(np.float64), y.astype(np.float64))
    assert fid_from_features(x, torch.from_numpy(y)) == exact
    integers = np.arange(12).reshape(6, 2)
    assert fid_from_features(integers, integers + 1) == pytest.approx(2)


def test_works_under_inference_mode_and_does_not_ask_for_gradients() -> None:
    x = torch.randn(10, 4, requires_grad=True)
    with torch.inference_mode():
        inside = fid_from_features(x.detach() * 2, x.detach())
    assert fid_from_features(x * 2, x) == inside


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(5), r"shape \(5,\)"),
        (np.zeros((1, 4)), r"shape \(1, 4\)"),
        (np.zeros((3, 0)), r"shape \(3, 0\)"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\)"),
        (np.zeros((4, 3)), "3 features a picture and y has 4"),
        (np.zeros((4, 4), complex), "real numbers"),
        (np.array([[1.0, np.nan], [np.inf, 0.0]]), "2 values that are NaN or infinite"),
    ],
)
def test_wrong_input(x: np.ndarray, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        fid_from_features(x, np.zeros((5, 4)))


def test_real_statistics_refuses_other_features() -> None:
    real = RealStatistics(features(0, 20, 4))
    with pytest.raises(RequestError, match="5 features each and the real ones 4"):
        real.frechet(np.zeros((10, 5)))
    with pytest.raises(RequestError, match="features of the real pictures holds 1 value"):
        RealStatistics(np.array([[np.nan], [0.0]]))
