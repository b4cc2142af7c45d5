"""ASHA beyond the plain rule: noise that excuses, and trials that go on later."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.search.asha import Asha


def test_a_trial_within_its_error_of_the_cutoff_goes_on():
    asha = Asha([1], 2, tolerance=2)
    asha.enter(0, 1, 5.0, 0.1)
    assert asha.enter(1, 1, 5.2, 0.1).stop is False, "two standard errors away, but for rounding"
    assert asha.enter(2, 1, 5.5, 0.1).stop is True
    assert asha.enter(3, 1, 5.5, 1.0).stop is False
    assert asha.contents[1.0] == {0: 5.0, 1: 5.2, 2: 5.5, 3: 5.5}, (
        "compared are values, whatever their errors"
    )


@pytest.mark.parametrize("se", [None, math.nan, math.inf, -1.0, 0.0])
def test_an_error_that_is_not_known_excuses_nothing(se):
    asha = Asha([1], 2, tolerance=10)
    asha.enter(0, 1, 5.0, se)
    assert asha.enter(1, 1, 5.0, se).stop is False, "a tie goes on"
    assert asha.enter(2, 1, 5.0001, se).stop is True


@pytest.mark.parametrize("tolerance", [-0.1, math.nan])
def test_a_tolerance_below_zero_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        Asha([1], 2, tolerance)


noisy = st.lists(st.tuples(st.floats(-10, 10), st.floats(0, 2)), min_size=1, max_size=30)


@given(noisy, st.floats(1.1, 6), st.floats(0, 4), st.booleans())
def test_tolerance_only_spares(arriving, reduction, tolerance, promote):
    strict, lenient = Asha([1], reduction, 0.0, promote), Asha([1], reduction, tolerance, promote)
    for trial, (value, se) in enumerate(arriving):
        first, second = strict.enter(trial, 1, value, se), lenient.enter(trial, 1, value, se)
        assert second.cutoff == first.cutoff
        assert first.stop or not second.stop
        if first.stop and not second.stop:
            assert value - tolerance * se <= first.cutoff


def test_promotion_waits_for_others_and_then_takes_the_best():
    asha = Asha([1, 3], 3, promote=True)
    assert [asha.enter(trial, 1, value).stop for trial, value in enumerate([3.0, 2.0])] == [True, True]
    assert asha.promotable({0, 1}) is None
    assert asha.enter(2, 1, 9.0).stop is True
    assert asha.promotable({0, 1, 2}) == 1
    asha.release(1, 0)
    assert asha.enter(1, 2, 7.0).stop is False, "it was let go on, whatever it has now"
    assert asha.promotable({0, 2}) is None, "one of three went on"
    assert asha.enter(3, 1, 1.0).stop is False, "at once among the best third"


def test_the_best_of_a_rung_waits_for_nobody_when_nothing_else_is_left():
    asha = Asha([1, 2], 2, promote=True)
    for trial, value in enumerate([3.0, 2.0]):
        asha.enter(trial, 1, value)
    assert asha.promotable({0, 1}) == 1
    asha.release(1, 0)
    assert asha.enter(1, 2, 1.0).stop is True
    assert asha.promotable({0, 1}) is None
    assert asha.promotable({0, 1}, at_the_end=True) == 1
    asha.release(1, 1)
    assert asha.promotable({0}, at_the_end=True) is None, "one of two went on"


def test_a_leader_that_died_fills_no_place_when_nothing_else_is_left():
    asha = Asha([1, 2], 2, promote=True)
    for trial, value in enumerate([1.0, 2.0, 3.0]):
        asha.enter(trial, 1, value)
    assert asha.promotable({0, 1, 2}) == 0
    asha.release(0, 0)
    assert asha.promotable({1, 2}, gone={0}) is None, "as long as others may come, its value was a value"
    assert asha.promotable({1, 2}, at_the_end=True) is None, "it trains"
    assert asha.promotable({1, 2}, at_the_end=True, gone={0}) == 1
    assert asha.promotable({2}, at_the_end=True, gone={0}) is None, "one of the two that live went on"
    assert asha.promotable({2}, at_the_end=True, gone={0, 1}) == 2


def test_a_leader_that_ended_for_too_little_variety_fills_no_place_when_nothing_else_is_left():
    asha = Asha([1, 2], 2, promote=True, variety=0.2)
    for trial, value in enumerate([1.0, 2.0]):
        asha.enter(trial, 1, value, variety=0.5)
    asha.release(0, 0)
    assert asha.enter(0, 2, 1.0, variety=0.1).alike
    assert asha.promotable({1}) is None
    assert asha.promotable({1}, at_the_end=True) == 1


def test_of_equals_the_first_to_come_is_promoted():
    asha = Asha([1], 2, promote=True)
    for trial in range(4):
        asha.enter(trial, 1, 1.0)
    assert asha.promotable({3, 2, 1, 0}) == 0
    assert asha.promotable({3, 2, 1}) == 1
    assert asha.promotable({3, 2}) is None


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=40),
    st.sampled_from([1.5, 2, 3, 4]),
    st.randoms(use_true_random=False),
)
def test_promotion_lets_one_in_so_many_past_each_rung(values, reduction, chance):
    """With ties, in any order of work; and one restored from its records at any time decides alike."""
    rungs = [1.0, 2.0, 4.0]
    asha, written = Asha(rungs, reduction, promote=True), []
    new, running, waiting, gone = list(range(len(values))), [], {}, {0: set(), 1: set(), 2: set()}

    def restored():
        again = Asha(rungs, reduction, promote=True)
        again.load(written)
        for index, there in gone.items():
            for trial in there:
                again.release(trial, index)
        return again

    while new or running or asha.promotable(waiting) is not None:
        if chance.random() < 0.1:
            asha = restored()
        if (again := asha.promotable(waiting)) is not None:
            assert restored().promotable(waiting) == again
            at = waiting.pop(again)
            asha.release(again, at)
            gone[at].add(again)
            running.append((again, at + 1))
        elif new and (not running or chance.random() < 0.6):
            running.append((new.pop(0), 0))
        else:
            trial, at = running.pop(chance.randrange(len(running)))
            if at == len(rungs):
                continue
            decision = asha.enter(trial, rungs[at], float(values[trial]))
            written += [(rungs[index], trial, value, None, False) for index, value in decision.entries]
            assert asha.enter(trial, rungs[at], 99.0).stop == decision.stop, (
                "asking again gives the same answer"
            )
            if decision.stop:
                waiting[trial] = at
            else:
                gone[at].add(trial)
                running.append((trial, at + 1))
    for index, there in enumerate(asha.contents.values()):
        # One that was among the best when it came may have been overtaken since.
        assert len(gone[index]) >= int(len(there) / reduction + 1e-9)
        leading = sorted(there, key=lambda trial: there[trial])[: int(len(there) / reduction + 1e-9)]
        assert gone[index].issuperset(leading), "at the end nobody waits who is among the best"


def test_who_has_come_past_a_rung_that_was_not_open_to_it_waits_where_it_was_stopped() -> None:
    """A trial that ended at an older, shorter budget was measured on more pictures than others are there by now."""
    asha = Asha((1.0, 2.0, 4.0), 2.0, promote=True)
    for trial, value in enumerate((0.1, 0.2, 0.3, 0.4)):
        asha.enter(trial, 1.0, value)
    asha.enter(0, 2.0, 0.05, open_to={0})
    assert asha.contents[2.0] == {}
    for trial, value in ((1, 0.1), (2, 0.11), (0, 0.9)):
        asha.enter(trial, 4.0, value, open_to={2})
    assert asha.promotable({0}) is None, "it is the worst at its last rung"
    assert asha.promotable({0, 1}) in (None, 1)
