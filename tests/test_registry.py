"""Hints at the name that was meant."""

import pytest

from ganlib.registry import did_you_mean


@pytest.mark.parametrize(
    ("word", "choices", "meant"),
    [
        ("varient", ["variety", "variant", "tolerance"], "variant"),
        ("varient", ["variant", "variety"], "variant"),
        ("DC-GAN", ["stylegan", "dcgan"], "dcgan"),
        ("smothing", ["smoothing", "something"], "smoothing"),
    ],
)
def test_the_nearest_name_is_meant(word: str, choices: list[str], meant: str) -> None:
    assert did_you_mean(word, choices) == f", did you mean '{meant}'?"


def test_nothing_is_guessed_where_nothing_is_near() -> None:
    assert did_you_mean("quux", ["dcgan", "stylegan"]) == ""
