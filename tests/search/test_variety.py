"""Trials whose pictures vary too little end at a rung."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.search.asha import Asha, Decision


def test_the_best_value_loses_its_rung_where_its_pictures_are_alike():
    asha = Asha([1, 3], 2, tolerance=10, variety=0.2)
    assert asha.enter(0, 1, -9.0, 99.0, 0.19) == Decision(True, 0, 1.0, None, [(0, -9.0)], alike=True), (
        "also the first, whatever its error"
    )
    assert asha.enter(1, 1, 5.0, 0.0, 0.2) == Decision(False, 0, 1.0, None, [(0, 5.0)]), "nobody is before it"
    assert asha.enter(2, 1, 4.0, 0.0, 3.0).cutoff == 5.0
    assert asha.contents == {1.0: {1: 5.0, 2: 4.0}, 3.0: {}}
    assert [asha.ended(trial) for trial in range(4)] == [True, False, False, False]
    assert asha.enter(1, 2, 5.0, 0.0, 0.0).stop is False, "between rungs nobody looks"
    assert asha.enter(1, 3, 5.0, 0.0, 0.0).alike is True


@pytest.mark.parametrize("variety", [None, math.nan])
@pytest.mark.parametrize("promote", [False, True])
def test_a_variety_that_is_not_known_stops_nobody(variety, promote):
    strict, plain = (Asha([1], 2, 0, promote, least) for least in (0.99, 0.0))
    for trial, value in enumerate([3.0, 1.0, 2.0, 2.0]):
        assert strict.enter(trial, 1, value, None, variety) == plain.enter(trial, 1, value)


@pytest.mark.parametrize("variety", [-0.1, math.nan])
def test_a_variety_below_zero_is_refused(variety):
    with pytest.raises(ValueError, match="variety"):
        Asha([1], 2, variety=variety)


def test_who_ended_for_too_little_variety_is_never_promoted():
    """Neither at that rung, nor at one before at which it was good enough."""
    asha = Asha([1, 2], 2, promote=True, variety=0.5)
    assert asha.enter(0, 1, 1.0, None, 0.4).alike
    assert asha.enter(1, 1, 5.0, None, 0.9).stop, "it waits for a second"
    assert asha.promotable({0, 1}) is None, "the first does not count as one"
    assert not asha.enter(2, 1, 2.0, None, 0.9).stop
    asha.release(2, 0)
    assert asha.enter(2, 2, 2.0, None, 0.4).alike
    assert asha.promotable({0, 1, 2}) is None


seen = st.tuples(st.floats(-10, 10), st.floats(0, 2), st.none() | st.floats(0, 1.5))


@given(
    st.lists(st.tuples(st.integers(0, 9), seen), max_size=50),
    st.sampled_from([1.5, 2, 3]),
    st.sampled_from([0.0, 1.0]),
    st.booleans(),
    st.integers(0, 49),
)
def test_the_others_are_judged_as_if_the_alike_had_never_come(
    reported, reduction, tolerance, promote, middle
):
    """Those that go on at a rung are compared as without the others; restored at any time it decides alike."""
    rungs, least = [1.0, 2.0, 4.0], 0.3
    strict, without = (
        Asha(rungs, reduction, tolerance, promote, least),
        Asha(rungs, reduction, tolerance, promote),
    )
    halves = Asha(rungs, reduction, tolerance, promote, least)
    clock, written, ended = {}, [], set()
    for position, (trial, (value, se, variety)) in enumerate(reported):
        if position == middle:
            halves = Asha(rungs, reduction, tolerance, promote, least)
            halves.load(written)
        clock[trial] = clock.get(trial, 0) + 1
        if trial in ended:
            continue
        decision = strict.enter(trial, clock[trial], value, se, variety)
        assert halves.enter(trial, clock[trial], value, se, variety) == decision
        assert strict.enter(trial, clock[trial], value, se, 9.0).alike == decision.alike, "asked again"
        written += [(rungs[at], trial, entered, se, decision.alike) for at, entered in decision.entries]
        if decision.alike:
            assert (decision.stop, decision.cutoff) == (True, None)
            assert variety < least
            ended.add(trial)
        else:
            assert without.enter(trial, clock[trial], value, se) == decision
            assert not decision.entries or variety is None or variety >= least
    assert strict.contents == without.contents == halves.contents
    assert {trial for trial in range(10) if strict.ended(trial)} == ended
    waiting = set(range(10))
    assert strict.promotable(waiting) not in ended
    assert strict.promotable(waiting) == halves.promotable(waiting) == strict.promotable(waiting - ended)
