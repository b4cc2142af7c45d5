"""Warnings of translators: each flaw with its figures, and nothing where there is none."""

import math

import pytest

from sweep.results.translation import warnings_of

FINE = {"tint": 1.5, "chroma": 0.95, "chequer": 1.02}


def test_each_flaw_is_named_with_its_figures() -> None:
    assert warnings_of(FINE | {"tint": 7.345}) == [
        "tint: the mean colour is 7.34 from that of the drawings in Lab (CIE76), above 5"
    ]
    assert warnings_of(FINE | {"chroma": 0.424}) == ["grey: 42% of the drawings' chroma, below 70%"]
    assert warnings_of(FINE | {"chequer": 2.281}) == [
        "chequerboard: 2.28 times the drawings' energy at the Nyquist frequency, above 1.5"
    ]


def test_flaws_come_together() -> None:
    assert [text.split(":")[0] for text in warnings_of({"tint": 9.0, "chroma": 0.0, "chequer": 3.0})] == [
        "tint",
        "grey",
        "chequerboard",
    ]


@pytest.mark.parametrize("row", [FINE, {}, dict.fromkeys(FINE), dict.fromkeys(FINE, math.nan), {"kid": 0.1}])
def test_where_nothing_is_wrong_or_known_nothing_is_said(row: dict[str, float | None]) -> None:
    assert warnings_of(row) == []


def test_limits_themselves_are_within() -> None:
    assert warnings_of({"tint": 5.0, "chroma": 0.7, "chequer": 1.5}) == []
