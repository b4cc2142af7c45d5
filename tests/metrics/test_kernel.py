"""Kernel distance: the definition, an honest standard error, and the sets too small or too large."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.errors import RequestError
from ganlib.metrics import Kid, RealStatistics, kid_from_features
from ganlib.metrics.distances import kernel as kernel_module


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads only get into each other's way on matrices this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def definition(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate of equation 4 of the paper, term by term."""
    d, m, n = x.shape[1], len(x), len(y)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / d + 1) ** 3

    within_x = sum(k(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    within_y = sum(k(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (m * n)


def gaussians(seed: int, n: int, m: int, d: int = 8, shift: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


def test_equals_the_definition_on_every_subset() -> None:
    x, y = gaussians(0, 14, 18, d=5)
    chosen = kernel_module.draw_subsets(14, 18, subsets=14, subset_size=5, seed=3)
    values = [definition(x[i], y[j]) for i, j in zip(chosen.of_x, chosen.of_y, strict=True)]
    kid = kid_from_features(x, y, subsets=14, subset_size=5, seed=3)
    assert kid.mean == pytest.approx(np.mean(values), rel=1e-12)
    # The jackknife as it is defined: the distance of whole sets, without each row in turn.
    parts = [
        np.var([definition(np.delete(x, i, 0), y) for i in range(14)]) * 13,
        np.var([definition(x, np.delete(y, j, 0)) for j in range(18)]) * 17,
        np.var(values, ddof=1) / 14,
    ]
    assert kid.se == pytest.approx(math.sqrt(sum(parts)), rel=1e-9)


def test_both_ways_of_summing_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole kernel in blocks, and a kernel for each subset, are the same numbers."""
    x, y = gaussians(1, 90, 70)
    few = kid_from_features(x, y, subsets=2, subset_size=10)
    monkeypatch.setattr(kernel_module, "BLOCK_ELEMENTS", 70 * 7)
    many = kid_from_features(x, y, subsets=200, subset_size=10)
    chosen = kernel_module.draw_subsets(90, 70, subsets=200, subset_size=10, seed=0)
    first_two = [definition(x[i], y[j]) for i, j in zip(chosen.of_x[:2], chosen.of_y[:2], strict=True)]
    assert few.mean == pytest.approx(np.mean(first_two), rel=1e-12)
    values = [definition(x[i], y[j]) for i, j in zip(chosen.of_x, chosen.of_y, strict=True)]
    assert many.mean == pytest.approx(np.mean(values), rel=1e-12)


@pytest.mark.parametrize(
    ("n", "m", "shift", "subset_size"),
    [
        (100, 100, 0.4, None),
        (100, 100, 0.4, 25),
        (100, 100, 0.0, None),
        (800, 100, 0.4, None),
        (800, 100, 0, None),
    ],
)
def test_standard_error_is_the_spread_over_fresh_samples(
    n: int, m: int, shift: float, subset_size: int | None
) -> None:
    """The spread of KID over many pairs of new samples is what `se` says from one pair, also of unequal sets."""
    runs = [kid_from_features(*gaussians(seed, n, m, 6, shift), 60, subset_size) for seed in range(80)]
    spread = np.std([run.mean for run in runs])
    stated = math.sqrt(np.mean([run.se**2 for run in runs]))
    # Where the sets are alike the jackknife is too wide by half at most; elsewhere it is right.
    assert 0.8 * spread < stated < (1.35 if shift else 2.0) * spread


def test_standard_error_where_only_subsets_are_evaluated() -> None:
    """What is known of each row from the subsets that have it stands for all: rows that none has are left out."""
    x, y = gaussians(7, 900, 700, 6, 0.4)
    whole, few = kid_from_features(x, y, 400, 60), kid_from_features(x, y, 30, 60)
    chosen = kernel_module.draw_subsets(900, 700, 30, 60, 0)
    assert len(chosen.of_x.unique()) < 900
    assert few.se == pytest.approx(whole.se, rel=0.35)


def test_unbiased_for_sets_of_one_distribution() -> None:
    runs = np.array([kid_from_features(*gaussians(seed, 40, 40, 6, 0.0), 20).mean for seed in range(200)])
    assert abs(runs.mean()) < 3 * runs.std() / math.sqrt(len(runs))
    assert (runs < 0).any()


def test_standard_error_does_not_vanish_with_more_subsets_or_whole_sets() -> None:
    x, y = gaussians(2, 60, 60)
    whole = kid_from_features(x, y)
    assert whole == kid_from_features(x, y, subset_size=30)
    assert whole.se > 0
    assert kid_from_features(x, y, subsets=2000, subset_size=30).se > 0.7 * whole.se


def test_small_sets() -> None:
    x, y = gaussians(3, 4, 9)
    for n in (2, 3):
        assert math.isfinite(kid_from_features(x[:n], y).mean)
    assert math.isnan(kid_from_features(x[:2], y).se)
    assert kid_from_features(x[:3], y).se > 0
    assert math.isnan(kid_from_features(x, y, subsets=1).se)
    assert kid_from_features(x[:2], y[:2]).mean == pytest.approx(definition(x[:2], y[:2]), rel=1e-12)


def test_constant_sets() -> None:
    constant = np.full((10, 4), 2.0)
    assert kid_from_features(constant, constant) == pytest.approx(Kid(0.0, 0.0), abs=1e-12)
    assert kid_from_features(constant, constant * 0).mean == pytest.approx((4 + 1) ** 3 + 1 - 2)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 40), m=st.integers(4, 40), d=st.integers(1, 12))
def test_invariances(seed: int, n: int, m: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.3
    kid = kid_from_features(x, y, subsets=10)
    assert kid == kid_from_features(x.copy(), y.copy(), subsets=10)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    assert kid_from_features(x @ turn, y @ turn, subsets=10).mean == pytest.approx(
        kid.mean, rel=1e-6, abs=1e-9
    )
    if n == m:
        chosen = kernel_module.draw_subsets(n, n, 10, None, 0)
        swapped = [definition(y[j], x[i]) for i, j in zip(chosen.of_x, chosen.of_y, strict=True)]
        assert kid.mean == pytest.approx(np.mean(swapped), rel=1e-9, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_and_side_change_only_what_the_subsets_change(seed: int) -> None:
    x, y = gaussians(seed, 80, 80)
    kid = kid_from_features(x, y)
    rng = np.random.default_rng(seed)
    for other in (kid_from_features(y, x), kid_from_features(rng.permutation(x), rng.permutation(y))):
        assert abs(other.mean - kid.mean) < kid.se


def test_real_statistics_give_the_same_and_remember_their_part(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = gaussians(4, 50, 40)
    real = RealStatistics(x.astype(np.float32))
    x = x.astype(np.float32)
    assert real.kid(y, 20, 10, 5) == kid_from_features(x, y, 20, 10, 5)
    calls = []
    within = kernel_module.mean_within
    monkeypatch.setattr("ganlib.metrics.real.mean_within", lambda a, p: calls.append(len(a)) or within(a, p))
    assert real.kid(y + 1, 20, 10, 5) == kid_from_features(x, y + 1, 20, 10, 5)
    assert calls == [40]
    assert real.kid(y, 20, 10, 6) == kid_from_features(x, y, 20, 10, 6)
    assert calls == [40, 50, 40]


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (np.zeros((1, 4)), np.zeros((5, 4)), {}, r"x has shape \(1, 4\)"),
        (np.zeros((5, 4)), torch.zeros(5, 3), {}, "4 features a picture and y has 3"),
        (np.zeros((5, 4)), np.full((5, 4), np.nan), {}, "y holds 20 values"),
        (np.zeros((5, 4)), np.zeros((5, 4)), {"subsets": 0}, "subsets is 0"),
        (np.zeros((5, 4)), np.zeros((5, 4)), {"subset_size": 1}, "subset_size is 1"),
    ],
)
def test_wrong_input(x: np.ndarray, y: np.ndarray, options: dict[str, int], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        kid_from_features(x, y, **options)


def test_trials_measured_at_one_time_with_other_numbers_of_pictures_do_not_meet() -> None:
    """What is kept of the real side is that of one number of pictures, and another trial's thread may replace it."""

    class Interrupted(RealStatistics):
        meddling = False

        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "_within" and self.meddling:
                self.meddling = False
                self.kid(other, 20, 30, 5)

    random = np.random.default_rng(0)
    x, y, other = (random.normal(size=(count, 6)) for count in (120, 30, 90))
    real = Interrupted(x)
    real.meddling = True
    assert real.kid(y, 20, 10, 5) == kid_from_features(x, y, 20, 10, 5)
