"""Precision, recall, density, coverage and nearest neighbours: closed forms, the definitions, invariances."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_prc import prc_features_to_metric

from ganlib.errors import RequestError
from ganlib.metrics import nearest_real, prdc_from_features
from ganlib.metrics import neighbours as module


def features(n: int, d: int = 6, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def by_definition(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, float, float, float]:
    """The formulas of both papers, written out."""

    def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.sqrt(((a[:, None] - b[None]) ** 2).sum(2))

    radius_real = np.sort(apart(real, real), axis=1)[:, k]
    radius_fake = np.sort(apart(fake, fake), axis=1)[:, k]
    distance = apart(real, fake)
    precision = (distance <= radius_real[:, None]).any(0).mean()
    recall = (distance <= radius_fake[None]).any(1).mean()
    density = (distance < radius_real[:, None]).sum(0).mean() / k
    coverage = (distance.min(1) < radius_real).mean()
    return precision, recall, density, coverage


@pytest.mark.parametrize(("n", "m", "k", "shift"), [(60, 60, 5, 0.0), (80, 30, 3, 1.0), (12, 50, 1, 2.0)])
def test_equals_the_definitions(n: int, m: int, k: int, shift: float) -> None:
    real, fake = features(n), features(m, seed=1, shift=shift)
    assert prdc_from_features(real, fake, k) == pytest.approx(by_definition(real, fake, k), abs=1e-12)


def test_precision_and_recall_equal_torch_fidelity() -> None:
    real, fake = features(300, seed=2), features(200, seed=3, shift=0.4)
    theirs = prc_features_to_metric(
        torch.from_numpy(fake), torch.from_numpy(real), prc_neighborhood=3, verbose=False
    )
    ours = prdc_from_features(real, fake, 3)
    assert (ours.precision, ours.recall) == pytest.approx((theirs["precision"], theirs["recall"]))


def test_on_a_line() -> None:
    real = np.array([[0.0], [1.0], [2.0], [10.0]])  # with k = 1 their balls reach 1, 1, 1 and 8
    fake = np.array([[0.5], [5.0], [30.0]])  # 4.5, 4.5 and 25
    # 0.5 lies in the balls of 0 and 1, 5.0 in that of 10, 30 in none; 10 - 8 = 2 is on the edge of nothing here.
    found = prdc_from_features(real, fake, 1)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(4 / 4)
    assert found.density == pytest.approx((2 + 1 + 0) / 3)
    assert found.coverage == pytest.approx(3 / 4)


def test_copies_far_sets_and_a_single_mode() -> None:
    real = features(50)
    same = prdc_from_features(real, real)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert prdc_from_features(real, real + 100.0) == (0, 0, 0, 0)
    one_mode = prdc_from_features(real, np.repeat(real[:1], 50, axis=0))
    assert one_mode.precision == 1
    assert one_mode.recall == pytest.approx(1 / 50)
    assert one_mode.coverage < 0.5


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(7, 40), st.integers(7, 40))
def test_order_does_not_matter_and_exchange_swaps_precision_and_recall(seed: int, n: int, m: int) -> None:
    real, fake = features(n, 3, seed), features(m, 3, seed + 1, shift=0.5)
    found = prdc_from_features(real, fake)
    random = np.random.default_rng(seed)
    assert prdc_from_features(random.permutation(real), random.permutation(fake)) == pytest.approx(found)
    swapped = prdc_from_features(fake, real)
    assert (swapped.precision, swapped.recall) == (found.recall, found.precision)
    moved = prdc_from_features(real * 4 + 3, fake * 4 + 3)
    assert moved == pytest.approx(found)


def test_block_by_block_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = features(70), features(50, seed=1)
    whole, near = prdc_from_features(real, fake), nearest_real(fake, real, 3)
    monkeypatch.setattr(module, "BLOCK_ELEMENTS", 7 * 50)
    assert prdc_from_features(real, fake) == whole
    assert torch.equal(nearest_real(fake, real, 3).indices, near.indices)


def test_nearest_real() -> None:
    real = np.array([[0.0, 0.0], [3.0, 4.0], [100.0, 0.0]])
    found = nearest_real(np.array([[0.0, 0.0], [99.0, 0.0]]), real, k=2)
    assert found.indices.tolist() == [[0, 1], [2, 1]]
    assert found.distances[0].tolist() == pytest.approx([0.0, 5.0])
    with pytest.raises(RequestError, match="k is 4; it must be from 1 to the 3 real pictures"):
        nearest_real(real, real, k=4)


@pytest.mark.parametrize("k", [0, 5])
def test_too_few_pictures(k: int) -> None:
    with pytest.raises(RequestError, match=f"k is {k} and the sets have 5 and 9 pictures"):
        prdc_from_features(features(5), features(9), k)
    with pytest.raises(RequestError, match="same extractor"):
        prdc_from_features(features(9), features(9, d=3))
