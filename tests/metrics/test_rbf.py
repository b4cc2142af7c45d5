"""The distance with a Gaussian kernel: the paper's equation, its authors' program, and an honest standard error."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.errors import RequestError
from ganlib.metrics import RealStatistics, mmd_from_features
from ganlib.metrics.distances import rbf as module


def sets(seed: int, n: int, m: int, d: int = 6, shift: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Features that vary around a mean, as those of networks do."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 1, rng.normal(size=(m, d)) + np.linspace(1, 1 + shift, d)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.exp(-((unit(x)[:, None] - unit(y)[None]) ** 2).sum(2) / (2 * 10**2))


def of_the_paper(x: np.ndarray, y: np.ndarray) -> float:
    """Equation 4 of arXiv:2401.09603, unbiased, times 1000."""

    def within(a: np.ndarray) -> float:
        return float((kernel(a, a).sum() - len(a)) / (len(a) * (len(a) - 1)))

    return 1000 * (within(x) + within(y) - 2 * float(kernel(x, y).mean()))


def of_the_program(x: np.ndarray, y: np.ndarray) -> float:
    """What the authors' program computes: all means, those of pictures with themselves included."""
    return 1000 * float(kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean())


def test_is_that_of_the_paper() -> None:
    x, y = sets(0, 14, 23)
    assert mmd_from_features(x, y).value == pytest.approx(of_the_paper(x, y), rel=1e-9)


def test_the_authors_program_gives_more_by_what_a_picture_has_with_itself() -> None:
    """(1 - mean of the kernel between different pictures) / n from each side."""
    x, y = sets(1, 40, 60)
    more = sum(
        (1000 - 1000 * (kernel(a, a).sum() - len(a)) / (len(a) * (len(a) - 1))) / len(a) for a in (x, y)
    )
    assert of_the_program(x, y) == pytest.approx(mmd_from_features(x, y).value + more, rel=1e-9)
    assert more > mmd_from_features(x, y).value / 10


@pytest.mark.parametrize(("angle", "expected"), [(0, 0.0), (60, 1), (90, 2), (180, 4)])
def test_two_points_at_an_angle(angle: int, expected: float) -> None:
    """All pictures of a set alike: twice 1 less the kernel between the two, whatever the lengths are."""
    other = [math.cos(math.radians(angle)), math.sin(math.radians(angle))]
    x, y = np.tile([3.0, 0.0], (4, 1)), np.tile(other, (5, 1)) * np.arange(1, 6)[:, None]
    found = mmd_from_features(x, y)
    assert found.value == pytest.approx(2000 * (1 - math.exp(-expected / 200)), abs=1e-9)
    assert found.se == pytest.approx(0, abs=1e-9)


def test_nearly_the_distance_of_the_means() -> None:
    """|x - y|^2 is at most 4 on features of unit length, where a kernel this wide is nearly a straight line."""
    x, y = sets(2, 300, 200)
    means = unit(x).mean(0) - unit(y).mean(0)
    biased = 1000 / 10**2 * float(means @ means)
    assert of_the_program(x, y) == pytest.approx(biased, rel=0.02)


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_standard_error_is_the_spread_over_fresh_samples(shift: float) -> None:
    runs = [mmd_from_features(*sets(seed, 80, 60, shift=shift)) for seed in range(120)]
    spread = np.std([run.value for run in runs])
    stated = math.sqrt(np.mean([run.se**2 for run in runs]))
    assert 0.8 * spread < stated < 2.0 * spread


def test_standard_error_is_the_jackknife_of_both_sides() -> None:
    x, y = sets(3, 9, 7)

    def spread(values: list[float]) -> float:
        return (len(values) - 1) * float(np.var(values))

    expected = spread([of_the_paper(np.delete(x, row, 0), y) for row in range(9)])
    expected += spread([of_the_paper(x, np.delete(y, row, 0)) for row in range(7)])
    assert mmd_from_features(x, y).se == pytest.approx(math.sqrt(expected), rel=1e-6)


def test_unbiased_for_sets_of_one_distribution() -> None:
    runs = np.array([mmd_from_features(*sets(seed, 30, 40, shift=0.0)).value for seed in range(200)])
    assert abs(runs.mean()) < 3 * runs.std() / math.sqrt(len(runs))
    assert (runs < 0).any()


def test_blocks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sets(4, 31, 17)
    whole = mmd_from_features(x, y)
    monkeypatch.setattr(module, "BLOCK_ELEMENTS", 40)
    parts = mmd_from_features(x, y)
    assert parts.value == pytest.approx(whole.value, rel=1e-9)
    assert parts.se == pytest.approx(whole.se, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 30), m=st.integers(3, 30), scale=st.floats(1e-3, 1e3))
def test_order_side_and_length_do_not_matter(seed: int, n: int, m: int, scale: float) -> None:
    x, y = sets(seed, n, m)
    rng = np.random.default_rng(seed)
    found = mmd_from_features(x, y)
    lengths = rng.uniform(0.5, 2, size=(m, 1)) * scale
    for other in (
        mmd_from_features(y, x),
        mmd_from_features(rng.permutation(x), rng.permutation(y * lengths)),
    ):
        assert other.value == pytest.approx(found.value, rel=1e-6, abs=1e-9)
        assert other.se == pytest.approx(found.se, rel=1e-6, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.floats(0.05, 0.4), min_size=3, max_size=5))
def test_rises_as_a_set_turns_away(seed: int, steps: list[float]) -> None:
    """Turned by growing angles, up to a right one."""
    rng = np.random.default_rng(seed)
    x = rng.normal(loc=(1, 0), scale=0.1, size=(12, 2))
    values = []
    for angle in np.minimum(np.cumsum([0, *steps]), math.pi / 2):
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        values.append(mmd_from_features(x, x @ turn).value)
    assert values == sorted(values)


def test_small_sets_and_rows_of_zeros() -> None:
    x, y = sets(5, 2, 9)
    found = mmd_from_features(x, y)
    assert found.value == pytest.approx(of_the_paper(x, y), rel=1e-9)
    assert math.isnan(found.se)
    nothing = mmd_from_features(np.zeros((4, 3)), np.zeros((5, 3)))
    assert nothing == (0.0, 0.0)
    assert mmd_from_features(np.zeros((4, 3)), np.ones((5, 3))).value == pytest.approx(
        2000 * (1 - math.exp(-1 / 200))
    )


def test_real_statistics_give_the_same() -> None:
    x, y = sets(6, 20, 15)
    assert RealStatistics(x).mmd(y) == mmd_from_features(x, y)
    with pytest.raises(RequestError, match="both must come from the same extractor"):
        RealStatistics(x).mmd(y[:, 1:])
    with pytest.raises(RequestError, match="y holds 1 values that are NaN"):
        mmd_from_features(x, np.where(np.arange(6) + 6 * np.arange(15)[:, None] == 7, math.nan, y))
