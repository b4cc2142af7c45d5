"""Numbers, times and values as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep import formatting


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.012344, 0.00043, "0.01234 ± 0.00043"),
        (0.5, 0.1, "0.50 ± 0.10"),
        (187.2, 12.0, "187 ± 12"),
        (0.5, None, "0.5"),
        (0.5, 0.0, "0.5"),
        (None, 0.1, "–"),
        (float("nan"), 0.1, "nan"),
    ],
)
def test_a_value_with_its_error(value: float | None, error: float | None, shown: str) -> None:
    assert formatting.with_error(value, error) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0.0 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (4320, "1 h 12 min"),
        (86400 * 2 + 3600 * 3, "2 d 3 h"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert formatting.duration(seconds) == shown


def test_other_words() -> None:
    assert [formatting.size(n) for n in (0, 999, 1000, 123_456, 99_960, 2.5e9)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "123 kB",
        "100 kB",
        "2.5 GB",
    ]
    assert formatting.short_names(["a.lr", "b.lr", "b.loss"]) == ["a.lr", "b.lr", "loss"]
    assert formatting.trial_numbers([3, 1, 2, 7]) == "trials 1-3, 7"
    assert formatting.trial_numbers([4]) == "trial 4"
    assert [formatting.kimg(n) for n in (40.5, 12.0, 1234.5, None)] == ["40.5", "12", "1,234.5", "–"]
    assert [formatting.value(v) for v in (None, True, 1e-5, 64, [0.5, 0.999])] == [
        "–",
        "yes",
        "1e-05",
        "64",
        "[0.5, 0.999]",
    ]


def test_no_probability_is_written_as_certain() -> None:
    told = [formatting.percent(share) for share in (0.0, 0.004, 0.55, 0.996)]
    assert told == ["under 1 %", "under 1 %", "55 %", "over 99 %"]


def test_settings_near_one_are_told_apart() -> None:
    written = [formatting.value(v) for v in (0.9, 0.99, 0.9995, 0.9999, 0.999913, -0.9995, 1.0005, 1.0, 1.2)]
    assert written == ["0.9", "0.99", "0.9995", "0.9999", "0.999913", "-0.9995", "1.0005", "1", "1.2"]


@given(st.floats(-1, 1))
def test_a_setting_is_written_to_three_digits(item: float) -> None:
    told = float(formatting.value(item))
    assert told == pytest.approx(item, rel=0.0051, abs=1e-300)
    assert 1 - told == pytest.approx(1 - item, rel=0.06, abs=1e-300)


def test_what_is_small_is_not_written_as_nothing() -> None:
    told = [formatting.brief(v) for v in (0.0, 0.00003, -0.00002, 0.0005, 0.0123456, 12.34, None)]
    assert told == ["0.0000", "3e-05", "-2e-05", "0.0005", "0.0123", "12.3", "-"]
