"""The sliced Wasserstein distance: closed forms, exact transport on a line, and what does not matter."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from ganlib.errors import RequestError
from ganlib.metrics import RealStatistics, mind_from_features
from ganlib.metrics.distances import sliced as module


def sets(seed: int, n: int, m: int, d: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 1.5 * rng.normal(size=(m, d)) + 0.3


def definition(x: np.ndarray, y: np.ndarray) -> float:
    """Equation 3.1 of arXiv:2605.06797 for sets of one size, as torch-fidelity spells it: sort, subtract, square."""
    d = x.shape[1]
    directions = module.directions_of(d)
    apart = np.sort(x @ directions.T, axis=0) - np.sort(y @ directions.T, axis=0)
    return 3 * d * float((apart**2).mean())


def transport(x: np.ndarray, y: np.ndarray) -> float:
    """The squared 2-Wasserstein distance of two sets on a line, as a linear programme over all plans."""
    n, m = len(x), len(y)
    leave = np.kron(np.eye(n), np.ones(m))
    arrive = np.kron(np.ones(n), np.eye(m))
    shares = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])
    cost = (x[:, None] - y[None]) ** 2
    return float(linprog(cost.ravel(), A_eq=np.vstack([leave, arrive]), b_eq=shares).fun)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 4), (4, 2), (3, 5), (5, 3), (7, 4), (6, 4)])
def test_in_one_dimension_it_is_the_transport_that_costs_least(n: int, m: int) -> None:
    x, y = (one[:, 0] for one in sets(n * m, n, m, d=1))
    assert mind_from_features(x[:, None], y[:, None]) == pytest.approx(3 * transport(x, y), rel=1e-7)


def test_equals_the_definition_for_sets_of_one_size() -> None:
    x, y = sets(0, 40, 40)
    assert mind_from_features(x, y) == pytest.approx(definition(x, y), rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(20, 60), (60, 20), (24, 36), (17, 40)])
def test_a_set_repeated_is_the_same_set(n: int, m: int) -> None:
    """Unequal sets are those of equal size in which each picture stands so often."""
    x, y = sets(1, n, m)
    many = math.lcm(n, m)
    expected = definition(np.repeat(x, many // n, axis=0), np.repeat(y, many // m, axis=0))
    assert mind_from_features(x, y) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 12),
    shift=st.lists(st.floats(-5, 5), min_size=1, max_size=6),
)
def test_a_shift_costs_three_times_its_square(seed: int, n: int, shift: list[float]) -> None:
    """Directions see |s|^2 / d of it on average: exactly so in one dimension, over a thousand of them otherwise."""
    d = len(shift)
    x = np.random.default_rng(seed).normal(size=(n, d))
    length = float(np.square(shift).sum())
    found = mind_from_features(x, x + shift)
    assert found == pytest.approx(3 * length, rel=1e-9 if d == 1 else 0.25, abs=1e-9)
    seen = float(((module.directions_of(d) @ shift) ** 2).mean())
    assert found == pytest.approx(3 * d * seen, rel=1e-9, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 15),
    m=st.integers(2, 15),
    factor=st.floats(0.1, 10),
)
def test_order_side_and_scale(seed: int, n: int, m: int, factor: float) -> None:
    x, y = sets(seed, n, m)
    rng = np.random.default_rng(seed)
    found = mind_from_features(x, y)
    assert mind_from_features(y, x) == pytest.approx(found, rel=1e-9, abs=1e-9)
    assert mind_from_features(rng.permutation(x), rng.permutation(y)) == pytest.approx(
        found, rel=1e-9, abs=1e-9
    )
    assert mind_from_features(factor * x, factor * y) == pytest.approx(factor**2 * found, rel=1e-9, abs=1e-9)
    assert mind_from_features(x, x[::-1].copy()) == pytest.approx(0, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.floats(0, 3), min_size=2, max_size=6))
def test_rises_with_a_shift_of_sets_of_one_mean(seed: int, steps: list[float]) -> None:
    rng = np.random.default_rng(seed)
    x, y = (z - z.mean(0) for z in rng.normal(size=(2, 9, 4)))
    away = rng.normal(size=4)
    values = [mind_from_features(x, y + far * away) for far in np.cumsum([0.0, *steps])]
    assert all(after >= before - 1e-9 for before, after in itertools.pairwise(values))


def test_falls_as_the_number_of_pictures_grows() -> None:
    """It is biased, as FID is: sets of one distribution are no distance apart."""
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 8))
    values = [mind_from_features(real, rng.normal(size=(n, 8))) for n in (10, 50, 250)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 4 * values[2] > 0


def test_directions_are_of_unit_length_and_the_same_each_time() -> None:
    directions = module.directions_of(7)
    assert directions.shape == (module.DIRECTIONS, 7)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1)
    module.directions_of.cache_clear()
    assert np.array_equal(module.directions_of(7), directions)
    assert np.array_equal(abs(module.directions_of(1)), np.ones((module.DIRECTIONS, 1)))


def test_real_statistics_give_the_same_and_remember_their_part(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sets(2, 30, 12)
    real, counts = RealStatistics(x), []
    means = module.means_of_quantiles
    monkeypatch.setattr(module, "means_of_quantiles", lambda q, n: counts.append(n) or means(q, n))
    expected = [mind_from_features(x, z) for z in (y, y + 1, y[:7])]
    counts.clear()
    assert [real.mind(z) for z in (y, y + 1, y[:7])] == expected
    assert counts == [12, 7]
    with pytest.raises(RequestError, match="both must come from the same extractor"):
        real.mind(y[:, 1:])


def test_large_sets_are_measured_some_directions_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sets(3, 50, 20)
    whole = mind_from_features(x, y)
    monkeypatch.setattr(module, "BLOCK_ELEMENTS", 50 * 90)
    real = RealStatistics(x)
    assert real.mind(y) == pytest.approx(whole, rel=1e-10)
    assert real._sliced._kept is None


def test_trials_measured_at_one_time_with_other_numbers_of_pictures_do_not_meet() -> None:
    """What is kept of the real side is that of one number of pictures, and another trial's thread may replace it."""
    x, y = sets(4, 40, 16)

    class Interrupted(module.SlicedSet):
        meddling = False

        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "_kept" and self.meddling:
                self.meddling = False
                self.pending_distance(torch.from_numpy(y[:9]))

    real = Interrupted(torch.from_numpy(x))
    real.meddling = True
    assert real.pending_distance(torch.from_numpy(y)).read() == mind_from_features(x, y)
