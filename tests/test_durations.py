"""Lengths of time, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.durations import seconds, text


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        *[("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("1.5h", 5400), ("1d", 86400), ("45s", 45)],
        *[("90 min", 5400), (" 1h 30m ", 5400)],
    ],
)
def test_lengths_of_time(written: str, wanted: float) -> None:
    assert seconds(written) == wanted


@pytest.mark.parametrize("written", ["", "0", "h", "two hours", "2h and more", "-2h", "0h"])
def test_what_is_no_length_of_time(written: str) -> None:
    with pytest.raises(ValueError, match=r"is no length of time; write 2h, 90m or 1h30m"):
        seconds(written)


@pytest.mark.parametrize("written", ["2", " 30 ", "1.5", "9" * 400])
def test_a_number_without_a_unit(written: str) -> None:
    with pytest.raises(ValueError, match=r"has no unit; write .{1,40}m for minutes, or 2h or 1h30m$"):
        seconds(written)


@given(st.integers(1, 10**7))
def test_what_is_written_is_read_again(length: int) -> None:
    assert seconds(text(length)) == length
    assert seconds(text(length - 0.5)) == length


@pytest.mark.parametrize("written", ["9" * 400 + "h", "99999999999999d", "36501d"])
def test_lengths_that_no_clock_can_show_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is longer than 36500 days"):
        seconds(written)
    assert seconds("36500d") == 36500 * 86400
