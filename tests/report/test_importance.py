"""What matters: closed forms, invariants, and made-up studies whose answer is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.report.importance import FEWEST, importance, risk, top
from sweep.report.results import Param


def param(number: bool = True, log: bool = False) -> Param:
    return Param("train.x", "x", number, log, "")


def mask(n: int, *chosen: int) -> np.ndarray:
    marks = np.zeros(n, bool)
    marks[list(chosen)] = True
    return marks


def test_two_choices_have_a_closed_form() -> None:
    """All chosen are 'a', half of all are: the mean of (p/q - 1)^2 is 0.5 * 1 + 0.5 * 1."""
    values = ["a"] * 10 + ["b"] * 10
    found = importance(param(number=False), values, mask(20, *range(5)))
    assert found is not None
    assert found.value == pytest.approx(1.0)
    assert found.where == {"a": 5}
    assert (found.trials, found.chosen) == (20, 5)
    # the same shares among the chosen as among all: nothing
    assert importance(param(number=False), values, mask(20, 0, 1, 10, 11)).value == pytest.approx(0.0)  # type: ignore[union-attr]


@given(st.lists(st.floats(-1e3, 1e3), min_size=FEWEST, max_size=40), st.randoms())
def test_it_lies_between_nothing_and_n_over_k(values: list[float], random: object) -> None:
    k = max(2, len(values) // 3)
    found = importance(param(), values, mask(len(values), *range(k)))
    if found is not None:
        assert -1e-9 <= found.value <= len(values) / k - 1 + 1e-6
        assert math.isfinite(found.chance)


def test_it_does_not_depend_on_units_or_order() -> None:
    rng = np.random.default_rng(3)
    values = list(10 ** rng.uniform(-5, -2, 40))
    chosen = mask(40, *np.argsort(values)[:8])
    one = importance(param(log=True), values, chosen)
    scaled = importance(param(log=True), [1000 * v for v in values], chosen)
    mixed = rng.permutation(40)
    shuffled = importance(param(log=True), [values[i] for i in mixed], chosen[mixed])
    assert one
    assert scaled
    assert shuffled
    assert one.value == pytest.approx(scaled.value) == pytest.approx(shuffled.value)


def test_the_parameter_that_decides_is_clear_and_the_other_is_not() -> None:
    rng = np.random.default_rng(0)
    rate, noise = rng.uniform(-5, -3, 64), rng.uniform(0, 1, 64)
    scores = (rate + 4) ** 2 + rng.normal(0, 0.02, 64)
    decides = importance(param(log=True), list(10**rate), top(list(scores)))
    idle = importance(param(), list(noise), top(list(scores)))
    assert decides
    assert decides.clear
    assert idle
    assert not idle.clear
    assert decides.value > 3 * idle.value
    low, high = decides.where
    assert 1e-5 < low < 1e-4 < high < 1e-3


def test_a_conditional_parameter_is_judged_among_those_that_have_it() -> None:
    values = [0.1 * i if i < 12 else None for i in range(30)]
    found = importance(param(), values, mask(30, 0, 1, 2, 20))
    assert found is not None
    assert (found.trials, found.chosen) == (12, 3)


def test_chance_is_rarely_beaten_by_chance() -> None:
    rng = np.random.default_rng(1)
    found = [importance(param(), list(rng.uniform(0, 1, 30)), mask(30, *range(6))) for _ in range(60)]
    assert sum(item.clear for item in found if item) <= 9  # 3 expected; 9 or more in one of 400


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ([1.0] * (FEWEST - 1), (0, 1)),  # too few
        ([1.0] * 20, (0, 1)),  # all alike
        ([1.0] * 19 + [1], (0, 1)),  # all alike, though one is written otherwise
        ([0.0] * 19 + [-0.0], (0, 1)),
        ([float(i) for i in range(20)], (0,)),  # one chosen
        ([float(i) for i in range(20)], tuple(range(20))),  # all chosen
        ([None] * 20, (0, 1)),
    ],
)
def test_where_nothing_can_be_said_nothing_is(values: list[float], chosen: tuple[int, ...]) -> None:
    assert importance(param(), values, mask(len(values), *chosen)) is None
    if len(set(values)) != 1 or values[0] is None:
        assert risk(param(), values, mask(len(values), *chosen)) is None


def test_the_best_are_a_quarter_but_never_very_few() -> None:
    assert [int(top(list(range(n))).sum()) for n in (8, 12, 40, 1000)] == [4, 5, 10, 250]
    assert list(np.flatnonzero(top([5.0, 1.0, 4.0, 2.0, 9.0, 3.0, 8.0, 7.0]))) == [1, 2, 3, 5]


def test_the_range_that_kills_is_found() -> None:
    values = [float(i) for i in range(40)]
    found = risk(param(), values, mask(40, *range(30, 38), 3))
    assert found is not None
    assert (found.low, found.high) == (30.0, 37.0)
    assert found.inside == (8, 8)
    assert found.outside == (1, 32)


def test_the_choice_that_kills_is_found() -> None:
    values = (["bce", "lsgan", "wgan-gp"] * 10)[:30]
    found = risk(param(number=False), values, mask(30, *range(2, 30, 3)))
    assert found is not None
    assert found.low == found.high == "wgan-gp"
    assert found.inside == (10, 10)
    assert found.outside == (0, 20)


def test_scattered_collapses_have_no_range() -> None:
    assert risk(param(), [float(i) for i in range(40)], mask(40, *range(0, 40, 5))) is None


def test_whole_schedules_are_choices_named_in_words() -> None:
    falling = {"from": 2.0, "to": 0.2, "shape": "cosine", "until": 1.0}
    values = ["0.0", falling, falling, "0.0", "0.0", falling, "0.0", falling, "0.0", falling]
    found = importance(param(number=False), values, mask(10, 1, 2, 5, 7))
    assert found is not None
    assert found.where == {"2 to 0.2, cosine": 4}
