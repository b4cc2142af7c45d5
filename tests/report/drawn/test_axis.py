"""Axes of metrics: every usual value is on them, ticks are round and between the ends, one run does not flatten all."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sweep.report.drawn.axis import Axis, round_ticks

NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.floats(-1e100, 1e100), min_size=1, max_size=60)


@given(values=NUMBERS, floor=st.none() | st.floats(-1, 1e3))
@example([1e-7], None)  # whose end is round, but for its rounding
@example([1.0, 5e-324, 5e-324], None)
@example([5e-324, 1e-323], None)
@example([1e100, 1e100, -1e100], None)
@example([1e100, 1e-100], 1e-99)
@example([-9.999999999615983e99, -9.999999999606386e99], None)
def test_ticks_and_places_are_those_of_the_axis(values: list[float], floor: float | None) -> None:
    axis = Axis.of(values, floor)
    assert axis is not None
    assert axis.low < axis.high
    assert axis.at(axis.low) == pytest.approx(0, abs=1e-9)
    assert axis.at(axis.high) == pytest.approx(1)
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert len(axis.ticks) <= 6
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)
    places = [axis.at(value) for value in sorted(values)]
    assert places == sorted(places), "a greater value is never drawn lower"
    if not axis.cut:
        assert all(axis.low <= value <= axis.high for value in values)


@given(
    scale=st.floats(1e-6, 1e6),
    usual=st.lists(st.floats(1, 2), min_size=8, max_size=40),
    below=st.lists(st.floats(-2, 0), max_size=4),
    high=st.floats(5, 100),
)
@example(1e-4, [2.1, 2.4, 2.6, 2.8, 3.0, 3.1, 3.3, 3.5, 3.7, 3.9, 4.0], [-3.0], 22.0)
def test_an_axis_of_much_that_is_alike_has_ticks(
    scale: float, usual: list[float], below: list[float], high: float
) -> None:
    axis = Axis.of([scale * value for value in (*usual, *below, high)])
    assert axis is not None
    assert axis.ticks
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)


def test_there_is_no_axis_of_nothing() -> None:
    assert Axis.of([]) is None
    assert Axis.of([None, math.nan, math.inf, 1e101, -1e300]) is None


def test_it_is_logarithmic_where_a_bad_sweep_would_flatten_a_good_one() -> None:
    good, bad = [0.02 + n / 1000 for n in range(20)], [2 + n / 10 for n in range(20)]
    assert not Axis.of(good).log  # type: ignore[union-attr]
    assert not Axis.of(bad).log  # type: ignore[union-attr]
    both = Axis.of(good + bad)
    assert both is not None
    assert both.log
    assert both.at(max(good)) - both.at(min(good)) > 0.1, "what was less than a hundredth of the height"
    assert not both.cut


@pytest.mark.parametrize("log", [True, False], ids=["logarithmic", "linear"])
def test_a_run_that_blew_up_is_cut_off(log: bool) -> None:
    usual = [0.02 * 1.1**n if log else 0.2 + n / 200 for n in range(40)]
    axis = Axis.of([*usual, 1e9])
    assert axis is not None
    assert axis.cut
    assert axis.high < 2
    assert axis.log == log
    assert axis.at(1e9) > 1
    assert axis.at(max(usual)) - axis.at(min(usual)) > 0.5


def test_a_metric_that_scatters_around_zero_has_a_lowest_value_all_the_same() -> None:
    axis = Axis.of([1e-9, -0.001, *(0.05 + n / 50 for n in range(30))])
    assert axis is not None
    assert axis.log
    assert axis.cut
    assert axis.low > 1e-4
    assert axis.at(-0.001) < 0


def test_real_pictures_are_on_the_axis_where_they_are_near() -> None:
    assert Axis.of([0.1, 0.2], floor=0.01).low < 0.01  # type: ignore[union-attr]
    assert Axis.of([0.01, 0.2], floor=0.005).low < 0.005  # type: ignore[union-attr]
    assert Axis.of([0.01, 0.2], floor=0.0001).low > 0.005  # type: ignore[union-attr]


@given(st.floats(1e-3, 1e5))
def test_times_have_few_round_ticks(end: float) -> None:
    ticks = round_ticks(end)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 5
    assert ticks[-1] <= end * (1 + 1e-6)
