"""The time that a sweep has, against what its trials take."""

import math
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.driver.hours import Hours


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def hours(whole: float) -> tuple[Hours, Watch]:
    watch = Watch()
    return Hours(lambda: whole - watch.now, watch), watch


def test_without_a_limit_there_is_always_enough() -> None:
    assert Hours().enough()
    assert not Hours().over(0)


def test_a_trial_begins_only_if_it_comes_to_a_result() -> None:
    """The first is let in, whatever it takes; what others took to their first evaluation and their result counts."""
    one, watch = hours(100)
    assert one.enough()
    one.begin(0)
    watch.now = 20
    one.evaluated(0)
    watch.now = 50
    one.evaluated(0)  # only the first says how long it takes to have anything
    one.end(0)
    watch.now = 55
    one.measured(0)
    watch.now = 74.9
    assert one.enough()
    watch.now = 75
    assert not one.enough()
    assert not one.over(1)
    watch.now = 95
    assert one.over(1)


@given(taken=st.lists(st.floats(0.0, 1e6), min_size=1))
def test_a_result_takes_as_long_as_half_of_the_others_did(taken: list[float]) -> None:
    """Whatever the order in which they came."""
    watch = Watch()
    one = Hours(lambda: left, watch)
    for trial, seconds in enumerate(taken):
        watch.now = 0.0
        one.end(trial)
        watch.now = seconds
        one.measured(trial)
    left = median(taken)
    assert one.over(3)
    left = math.nextafter(left, math.inf)
    assert not one.over(3)


def test_what_nobody_began_is_not_counted() -> None:
    """As after a resume: trials go on that this driver has not begun."""
    one, watch = hours(10)
    watch.now = 5
    one.evaluated(3)
    one.measured(3)
    assert one.enough()
    watch.now = 10
    assert one.over(3)
    assert not one.enough()


@pytest.mark.parametrize(
    ("now", "begun", "late"),
    [(499, 5, False), (501, 5, True), (501, 11, False), (900, 11, True), (900, 20, False)],
)
def test_it_is_late_when_half_of_the_time_is_over_and_trials_are_behind_it(
    now: float, begun: int, late: bool
) -> None:
    """Of twenty trials, eleven at half-time: it is over sooner than the time."""
    watch = Watch()
    one = Hours(now=watch)
    assert not one.late(begun, 20)
    one.limit(lambda: 1000 - watch.now, 1000)
    watch.now = now
    assert one.late(begun, 20) is late


def test_where_it_is_not_known_how_long_all_takes_it_is_never_late() -> None:
    assert not Hours(lambda: 1.0).late(0, 100)
    assert not Hours().late(0, 100)


@given(interval=st.floats(1.0, 1e3), whole=st.floats(10.0, 1e4), result=st.floats(0.0, 5.0))
def test_a_trial_ends_at_the_evaluation_that_is_nearest_to_the_end(
    interval: float, whole: float, result: float
) -> None:
    """And so half an interval before or after it, at most."""
    one, watch = hours(whole)
    one.begin(9)
    one.end(9)
    watch.now = result
    one.measured(9)
    one.begin(0)
    for _ in range(20_000):
        watch.now += interval
        one.evaluated(0)
        if one.over(0):
            break
    assert watch.now + result <= whole + interval / 2 + 1e-6 or watch.now <= result + interval
    assert watch.now + result >= whole - interval / 2 - 1e-6
