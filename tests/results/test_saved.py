"""What stopping trials has saved: as far as the longest trial came, which is not always as far as one might have."""

import pytest

from sweep.results.summary import furthest_saved, longest, seconds_saved, until

ROWS = [
    {"status": "finished", "kimg": 30.0, "seconds_train": 50.0, "seconds_eval": 10.0},
    {"status": "expired", "kimg": 20.0, "seconds_train": 40.0, "seconds_eval": 0.0},
    {"status": "stopped", "kimg": 10.0, "seconds_train": 18.0, "seconds_eval": 2.0},
    {"status": "collapsed", "kimg": None, "seconds_train": None, "seconds_eval": None},
]


def test_a_stopped_trial_saves_what_it_would_have_taken_at_its_pace() -> None:
    assert longest(ROWS) == 30
    assert longest([]) == 0
    assert [seconds_saved(row, longest(ROWS)) for row in ROWS] == [0, 0, pytest.approx(40), 0]
    assert seconds_saved(ROWS[2], longest(ROWS[2:])) == 0, "nobody has gone further"


def test_nothing_is_saved_where_the_time_was_used_up() -> None:
    """What one trial did not take, another did."""
    assert furthest_saved(ROWS) == 0
    assert [seconds_saved(row, furthest_saved(ROWS)) for row in ROWS] == [0, 0, 0, 0]
    others = [row for row in ROWS if row["status"] != "expired"]
    assert furthest_saved(others) == longest(others) == 30


def test_a_time_is_told_beside_the_budget() -> None:
    assert until({"search": {"time": "15m"}}) == " at most, until the time is over (15m)"
    assert until({"search": {"time": None}}) == until({}) == ""
