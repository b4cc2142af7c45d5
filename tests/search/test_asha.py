"""Asynchronous successive halving: closed forms, edges, and agreement with Ray's scheduler."""

import math
import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.errors import WorkError
from sweep.search.asha import Asha, Decision
from sweep.search.survivors import expected_survivors


def test_first_goes_on_then_best_third():
    asha = Asha([1, 3], 3)
    assert asha.enter(0, 1, 5.0) == Decision(False, 0, 1.0, None, [(0, 5.0)])
    assert asha.enter(1, 1, 5.0).stop is False  # a tie with the cutoff goes on
    assert asha.enter(2, 1, 5.1).stop is True
    assert asha.enter(3, 1, 4.0).stop is False
    # Before this one: 4, 5, 5, 5.1; a third of the way between the first and the last of them is 5.
    assert asha.enter(4, 1, 4.9).cutoff == 5.0
    assert asha.contents == {1.0: {0: 5.0, 1: 5.0, 2: 5.1, 3: 4.0, 4: 4.9}, 3.0: {}}


def test_below_the_first_rung_nothing_happens():
    asha = Asha([2, 4], 2)
    assert asha.enter(0, 1.9, 7.0) == Decision()
    assert asha.contents == {2.0: {}, 4.0: {}}


def test_between_rungs_the_earlier_judgement_stands():
    asha = Asha([1, 9], 2)
    for trial in range(4):
        asha.enter(trial, 1, float(trial))
    assert asha.enter(0, 2, 100.0).entries == []
    assert asha.enter(0, 2, 100.0).stop is False
    assert asha.enter(3, 2, 0.0).stop is True


def test_several_rungs_at_once_are_all_entered_and_the_highest_decides():
    asha = Asha([1, 2, 4], 2)
    asha.enter(0, 1, 0.0)
    decision = asha.enter(1, 5, 9.0)
    assert decision.entries == [(0, 9.0), (1, 9.0), (2, 9.0)]
    assert (decision.rung, decision.rung_kimg) == (2, 4.0)
    assert decision.stop is False, "nobody was at the highest rung, though at the first one it is the worst"


def test_a_clock_one_ulp_short_of_the_rung_has_reached_it():
    asha = Asha([12.004], 2)
    assert asha.enter(0, math.nextafter(12.004, 0), 1.0).rung == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_only_finite_values(value):
    asha = Asha([1], 2)
    with pytest.raises(ValueError, match="finite"):
        asha.enter(0, 1, value)
    assert asha.contents == {1.0: {}}


def test_huge_values_do_not_overflow_into_nan():
    asha = Asha([1], 2)
    asha.enter(0, 1, -1.7e308)
    asha.enter(1, 1, 1.7e308)
    assert asha.enter(2, 1, 1e307).stop is True


@pytest.mark.parametrize(("rungs", "reduction"), [([2, 2], 3), ([3, 1], 3), ([1], 1), ([1], math.nan)])
def test_impossible_ladders_are_refused(rungs, reduction):
    with pytest.raises(ValueError, match="must"):
        Asha(rungs, reduction)


def test_without_rungs_everyone_goes_on():
    assert Asha([], 3).enter(0, 100, 1e9) == Decision()


@pytest.mark.parametrize(
    "entry",
    [
        *((5.0, 0, 1.0, None, False), (1.0, 0, math.nan, None, False), (1.0, 7, 2.0, None, False)),
        *((1.0, 7, 1.0, 0.5, False), (1.0, 7, 1.0, None, True)),
    ],
)
def test_load_refuses_what_does_not_fit(entry):
    asha = Asha([1.0], 2)
    asha.load([(1.0, 7, 1.0, None, False), (1.0, 7, 1.0, None, False)])
    with pytest.raises(WorkError, match="rungs"):
        asha.load([entry])


reports = st.lists(st.tuples(st.integers(0, 9), st.floats(-1e6, 1e6)), max_size=60)


@given(st.lists(st.floats(-1e200, 1e200), min_size=1, max_size=40), st.floats(1.01, 20))
def test_the_cutoff_is_numpys_percentile_to_the_last_bit(values, reduction):
    asha = Asha([1], reduction)
    for trial, value in enumerate(values):
        asha.enter(trial, 1, value)
    expected = -np.percentile(-np.array(values), (1 - 1 / reduction) * 100)
    assert asha.enter(len(values), 1, 0.0).cutoff == expected


@given(reports, st.floats(1.1, 8), st.integers(0, 59))
def test_restored_in_the_middle_decides_the_same(reported, reduction, middle):
    whole, halves = Asha([1, 2, 4], reduction), Asha([1, 2, 4], reduction)
    clock: dict[int, int] = {}
    written: list[tuple[float, int, float, float | None, bool]] = []
    for position, (trial, value) in enumerate(reported):
        if position == middle:
            halves = Asha([1, 2, 4], reduction)
            halves.load(written)
        clock[trial] = clock.get(trial, 0) + 1
        decision = whole.enter(trial, clock[trial], value)
        assert halves.enter(trial, clock[trial], value) == decision
        assert halves.enter(trial, clock[trial], value) == Decision(
            decision.stop, decision.rung, decision.rung_kimg, decision.cutoff, []
        ), "asking again gives the same answer"
        written += [(whole.rungs[index], trial, entered, None, False) for index, entered in decision.entries]
    assert halves.contents == whole.contents


@pytest.fixture(scope="module")
def ray_scheduler():
    return pytest.importorskip("ray.tune.schedulers").AsyncHyperBandScheduler


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    trials=st.integers(1, 25),
    reduction=st.sampled_from([1.5, 2, 2.5, 3, 4]),
    grace=st.integers(1, 3),
    ties=st.booleans(),
)
def test_decides_as_ray_does(ray_scheduler, seed, trials, reduction, grace, ties):
    draw, budget = random.Random(seed), 20
    theirs = ray_scheduler(
        time_attr="t", metric="m", mode="min", max_t=budget, grace_period=grace, reduction_factor=reduction
    )
    ours = Asha([grace * reduction**k for k in range(12) if grace * reduction**k < budget], reduction)
    clock = dict.fromkeys(range(trials), 0.0)
    for number in clock:
        theirs.on_trial_add(None, SimpleNamespace(trial_id=str(number)))
    while clock:
        number = draw.choice(list(clock))
        clock[number] += 0.5  # no coarser than the distance between any two rungs
        value = float(draw.randint(0, 5)) if ties else draw.gauss(0, 1) * 10 ** draw.randint(-6, 6)
        trial = SimpleNamespace(trial_id=str(number))
        action = theirs.on_trial_result(None, trial, {"t": clock[number], "m": value})
        stop = clock[number] >= budget or ours.enter(number, clock[number], value).stop
        assert stop == (action == "STOP")
        if stop:
            del clock[number]


def test_expected_survivors_of_one_rung_in_closed_form():
    # p(0) = 1, p(m) = 1/3 + 1/(3(m + 1)): 1 + 63/3 + (H_64 - 1)/3.
    harmonic = sum(1 / k for k in range(1, 65))
    assert expected_survivors(64, [7.0], 3) == [(7.0, pytest.approx(1 + 21 + (harmonic - 1) / 3))]
    assert expected_survivors(0, [1.0], 3) == [(1.0, 0)]
    assert expected_survivors(1, [1.0, 2.0], 3) == [(1.0, 1), (2.0, 1)]
    assert expected_survivors(5, [], 3) == []


def test_expected_survivors_agrees_with_simulation():
    rungs, draw = [1.0, 3.0], random.Random(5)
    totals = [0, 0]
    for _ in range(200):
        asha = Asha(rungs, 3)
        for trial in range(40):
            for index, rung in enumerate(rungs):
                if asha.enter(trial, rung, draw.random()).stop:
                    break
                totals[index] += 1
    for total, (_, expected) in zip(totals, expected_survivors(40, rungs, 3), strict=True):
        assert total / 200 == pytest.approx(expected, rel=0.06)
