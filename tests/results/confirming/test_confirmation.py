"""What fresh seeds say: intervals, who may have won, and how that is read from the records."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from helpers.sweeps.synthetic import KINDS, make_sweep
from hypothesis import assume, given
from hypothesis import strategies as st

from sweep.commands.inside.confirm import extended
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.results.confirming import confirmation
from sweep.results.confirming.confirmation import Confirmation, label, read_confirmation, told_apart
from sweep.results.confirming.repeats import Repeats, Run

values = st.lists(st.floats(-10, 10), min_size=2, max_size=8)


def repeats(trial: int, *numbers: float, lost: dict[str, int] | None = None) -> Repeats:
    runs = [Run(number, 100 + number, value, 1.0) for number, value in enumerate(numbers)]
    return Repeats(trial, runs, lost or {}, 0)


@given(values)
def test_the_interval_is_scipys(numbers: list[float]) -> None:
    assume(np.std(numbers) > 1e-3)
    expected = scipy.stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
    interval = repeats(0, *numbers).interval
    # Below three values it says nothing, and where it reaches past zero it is none: KID and FID are not negative.
    if len(numbers) < 3 or expected.low * expected.high < -1e-9:
        assert interval is None
    elif interval is not None:
        assert interval == pytest.approx(tuple(expected), abs=1e-9)
    else:
        assert min(map(abs, expected)) < 1e-9


def test_the_interval_of_known_numbers() -> None:
    one = repeats(0, 11.0, 12.0, 13.0)
    assert (one.mean, one.spread) == (12.0, 1.0)
    half = 4.302653 / math.sqrt(3)
    assert one.interval == pytest.approx((12 - half, 12 + half), abs=1e-5)
    assert repeats(0, 1.0).interval is None
    assert repeats(0, 1.0).spread is None
    assert repeats(0).mean is None


def test_seeds_that_say_too_little_give_no_interval_and_say_how_many_are_missing() -> None:
    pair, wide = repeats(0, 11.0, 12.0), repeats(0, 1.0, 2.0, 3.0)
    assert pair.interval is None
    assert pair.spread is not None
    assert wide.interval is None  # -0.5 to 4.5: no KID or FID is below zero
    assert label(Confirmation("kid", [pair]), 0) == (
        "mean 11.5 of 2 fresh seeds (no interval yet: needs 1 more seed)"
    )
    assert "no interval yet: needs " in label(Confirmation("kid", [wide]), 0)


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=8))
def test_so_many_more_seeds_make_an_interval_worth_having(numbers: list[float]) -> None:
    assume(np.std(numbers) > 1e-3)
    one = repeats(0, *numbers)
    n = len(numbers) + one.lacking
    assert 3 <= n <= 50
    half = scipy.stats.t.ppf(0.975, n - 1) * one.spread / math.sqrt(n)
    assert half <= 0.25 * one.mean * (1 + 1e-9) or n == 50
    if one.lacking:
        fewer = n - 1
        half = scipy.stats.t.ppf(0.975, fewer - 1) * one.spread / math.sqrt(fewer)
        assert fewer < 3 or half > 0.25 * one.mean


def test_what_is_said_of_the_winner() -> None:
    far = Confirmation("kid", [repeats(3, 0.10, 0.11, 0.10), repeats(1, 0.50, 0.52, 0.51)])
    assert told_apart(far).startswith("trial 3 is better than trial 1 (moderated t-test, p = ")
    near = Confirmation("kid", [repeats(3, 0.1, 0.3, 0.2), repeats(1, 0.2, 0.1, 0.4)])
    assert told_apart(near).startswith("trial 3 cannot be told from trial 1")
    assert near.comparison is not None
    assert "two configurations" in told_apart(Confirmation("kid", [repeats(3, 0.1, 0.3)]))
    few = Confirmation("kid", [repeats(3, 0.10, 0.11, 0.10), repeats(1, 0.50, 0.52)])
    assert few.comparison is None
    assert "with 3 seeds each are needed" in told_apart(few)


def test_who_may_have_won() -> None:
    """Whoever cannot be told from the best mean, but nobody whose runs died, or who is clearly worse."""
    first, near = repeats(3, 0.10, 0.12, 0.11), repeats(1, 0.11, 0.13, 0.12)
    far, dead = repeats(4, 0.50, 0.52, 0.51), repeats(5, 0.10, 0.12, 0.11, lost={"d_saturated": 1})
    few = repeats(6, 0.9, 0.91)
    assert Confirmation("kid", [first, near, far, few, dead]).undecided == [3, 1]
    assert Confirmation("kid", [dead]).undecided == [5]


def test_a_trial_without_fresh_seeds_is_one_seed() -> None:
    found = Confirmation("kid", [repeats(3, 0.1, 0.3, lost={"d_saturated": 1})])
    assert label(None, 3) == label(found, 4) == "one seed"
    text = label(found, 3)
    assert text.startswith("mean 0.2 of 2 fresh seeds (no interval yet: needs")
    assert text.endswith("1 d_saturated")
    text = label(Confirmation("kid", [repeats(3, 0.10, 0.11, 0.12)]), 3)
    assert text.startswith("mean 0.11 of 3 fresh seeds, 95 % interval 0.0")


def test_a_configuration_whose_fresh_seeds_all_died_is_not_called_one_seed() -> None:
    found = Confirmation("kid", [repeats(3, lost={"d_saturated": 2, "flat_image": 1}), repeats(4)])
    assert label(found, 3) == "no result of 3 fresh seeds, 2 d_saturated, 1 flat_image"
    assert label(found, 4) == "one seed", "its runs are to come"


@pytest.fixture
def confirmed_sweep(tmp_path: Path) -> Sweep:
    """Trials 0 and 2 with three runs each; of 2, one collapsed and one has not ended."""
    sweep = make_sweep(tmp_path, trials=3, pictures=False)
    plan = extended([], [0, 2], 3, [])
    folder = sweep.folder / "confirm"
    folder.write("sweep.json", json.dumps({"plan": [asdict(run) for run in plan], "metric": "kid"}).encode())
    outcomes: list[tuple[str, float | None]] = [
        ("finished", 0.5),
        ("finished", 0.1),
        ("finished", 0.7),
        ("collapsed", 0.01),
        ("finished", 0.6),
    ]
    for number, (status, value) in enumerate(outcomes):
        dead = "flat_image" if status == "collapsed" else None
        row = {"trial": number, "status": status, "best_value": value and value / 2, "verdict": dead}
        # A run counts with its result, not with what it saw on the way.
        Store(folder).put_trial(row | {"result": value, "result_kimg": None if value is None else 1.0})
    return sweep


def test_records_are_read_by_configuration(confirmed_sweep: Sweep) -> None:
    found = read_confirmation(confirmed_sweep)
    assert found is not None
    assert [one.trial for one in found.repeats] == [0, 2]
    first, second = found.repeats
    assert first.values == [0.5, 0.7, 0.6]
    assert first.pending == 0
    # The better number, but it died once: it comes second, and the dead run's value does not count.
    assert second.values == [0.1]
    assert second.lost == {"flat_image": 1}
    assert second.pending == 1
    assert found.comparison is None
    assert [run.number for run in first.runs] == [0, 2, 4]


def test_a_run_counts_once_it_was_measured(confirmed_sweep: Sweep) -> None:
    store = Store(confirmed_sweep.folder / "confirm")
    store.put_trial({"trial": 0, "result": None, "result_kimg": None})
    store.put_trial({"trial": 2, "result": None})  # measured, and not a number
    found = read_confirmation(confirmed_sweep)
    assert found is not None
    first = found.of(0)
    assert first is not None
    assert first.values == [0.6]
    assert first.pending == 1
    assert first.lost == {"without a number": 1}


def test_a_broken_record_is_named(confirmed_sweep: Sweep) -> None:
    confirmed_sweep.folder.write("confirm/sweep.json", b"{}")
    with pytest.raises(confirmation.WorkError, match=r"confirm/sweep.json' is broken"):
        read_confirmation(confirmed_sweep)


def test_nothing_to_read_yet(tmp_path: Path) -> None:
    assert read_confirmation(make_sweep(tmp_path, trials=1, pictures=False)) is None


def test_the_probability_of_being_best_is_told() -> None:
    near = Confirmation(
        "kid", [repeats(3, 0.10, 0.12, 0.11), repeats(1, 0.11, 0.13, 0.12)], {3: 3, 1: 1, 8: 1}
    )
    assert sum(near.chances.values()) == pytest.approx(1)
    assert near.chances[3] > near.chances[1]
    assert label(near, 3).endswith(f", the best with {round(100 * near.chances[3])} %")
    assert label(near, 8) == label(near, 1)  # the same configuration, in another trial
    dead = repeats(5, 0.01, lost={"d_saturated": 1})
    assert 5 not in Confirmation("kid", [*near.repeats, dead]).chances
    assert Confirmation("kid", [repeats(3, 0.1, 0.2)]).chances == {}


def test_trials_of_one_configuration_are_known_by_their_values(confirmed_sweep: Sweep) -> None:
    store = Store(confirmed_sweep.folder, KINDS)
    first, second = store.trial(0), store.trial(1)
    assert first is not None
    assert second is not None
    store.put_trial(second | {"params": first["params"]})
    found = read_confirmation(confirmed_sweep)
    assert found is not None
    assert found.of(1) is found.of(0)
    assert found.of(1) is not None


def test_no_probability_is_told_where_nothing_can_be_compared() -> None:
    """With two seeds each there is no interval, and a number beside that would claim more than is known."""
    few = Confirmation("kid", [repeats(3, 0.1, 0.2), repeats(1, 0.3, 0.4), repeats(2, 0.1, 0.2, 0.3)])
    assert few.comparison is None
    assert few.chances == {}
    assert "the best with" not in label(few, 3)
