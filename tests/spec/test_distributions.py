"""One distribution: how it is read, and what is refused."""

from typing import get_args

import pytest
from helpers.sweeps.spaces import problems, space

from sweep.spec.distributions import Categorical, Float, Int


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("train.lr_g", "{type: float, low: 1e-5, high: 1e-3, log: true}", Float(1e-5, 1e-3, log=True)),
        ("train.lr_g", "{type: float, low: 1e-5, high: 1, step: null}", Float(1e-5, 1.0)),
        ("train.gamma", "{type: float, low: 0.8, high: 1, step: 0.1}", Float(0.8, 1.0, step=0.1)),
        ("train.gamma", "{type: float, low: 0.8, high: 0.8}", Float(0.8, 0.8)),
        ("model.width", "{type: int, low: 8, high: 64, step: 8}", Int(8, 64, step=8)),
        ("train.batch_size", "{type: int, low: 2, high: 64, log: true}", Int(2, 64, log=True)),
        ("train.gp_weight", "{type: int, low: 1, high: 10}", Int(1, 10)),
        ("train.loss", "{type: categorical, choices: [bce]}", Categorical(("bce",))),
        ("train.lr_g", "{type: categorical, choices: [1, 1e-4]}", Categorical((1.0, 1e-4))),
        ("train.critic_steps", "{type: categorical, choices: [null, 5]}", Categorical((None, 5))),
        ("train.milestones", "{type: categorical, choices: [[], [20, 30]]}", Categorical(([], [20.0, 30.0]))),
    ],
)
def test_is_read(key, text, expected):
    assert dict(space(f"{key}={text}")) == {key: expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{low: 0, high: 1}", ": a distribution needs a type: float, int, categorical"),
        ("{}", ": a distribution needs a type"),
        ("{type: null}", ": a distribution needs a type"),
        ("{type: [float]}", ".type: must be one of 'float', 'int', 'categorical'; got ['float']"),
        (
            "{type: flaot}",
            ".type: must be one of 'float', 'int', 'categorical'; got 'flaot', did you mean 'float'?",
        ),
        ("{type: float, low: 0}", ": high is missing"),
        ("{type: float, high: 1}", ": low is missing"),
        ("{type: float, low: null, high: 1}", ".low: must be a number, got null"),
        ("{type: float, low: 1, high: 0.5}", ": low 1 is greater than high 0.5"),
        ("{type: float, low: 0, high: .inf}", ".high: must be finite, got .inf"),
        ("{type: float, low: '0', high: 1}", ".low: must be a number, got '0'"),
        ("{type: float, low: true, high: 1}", ".low: must be a number, got true"),
        ("{type: float, low: 0, high: 1, log: true}", ": log needs a low above 0, got 0"),
        (
            "{type: float, low: 0.1, high: 1, log: true, step: 0.1}",
            ": log and step cannot be combined, got step 0.1",
        ),
        ("{type: float, low: 0, high: 1, log: 1}", ".log: must be true or false, got 1"),
        ("{type: float, low: 0, high: 1, step: 0}", ": step must be above 0, got 0"),
        ("{type: float, low: 0, high: 1, step: -0.1}", ": step must be above 0, got -0.1"),
        (
            "{type: float, low: 0, high: 1, step: 0.3}",
            ": high 1 is not low plus a multiple of step 0.3; the last",
        ),
        (
            "{type: float, low: 0, high: 1, step: 1e-300}",
            ": step 1e-300 is too small for a range from 0 to 1",
        ),
        ("{type: float, low: 0, high: 1, lo: 3}", ".lo: unknown key, did you mean 'low'?"),
        ("{type: float, low: 0, high: 1.5}", ".high: must be at most 1, got 1.5"),
        ("{type: float, low: -1, high: 0.5}", ".low: must be at least 0, got -1"),
        ("{type: int, low: 0.5, high: 1}", ".low: must be a whole number, got 0.5"),
        ("{type: categorical}", ".choices: must be a list of at least one choice"),
        ("{type: categorical, choices: []}", ".choices: must be a list of at least one choice, got []"),
        ("{type: categorical, choices: 0.5}", ".choices: must be a list of at least one choice, got 0.5"),
        ("{type: categorical, choices: [0.5, 0.5]}", ".choices[1]: 0.5 is given twice"),
        ("{type: categorical, choices: [1, 1.0]}", ".choices[1]: 1.0 is given twice"),
        ("{type: categorical, choices: [0.5, 2]}", ".choices[1]: must be at most 1, got 2"),
        (
            "{type: categorical, choices: [0.5], low: 3}",
            ".low: unknown key (known keys: type, choices, when)",
        ),
    ],
)
def test_is_refused(text, expected):
    (only,) = problems(f"train.augment_p={text}")
    assert only.startswith("train.augment_p" + expected)


def test_types_must_suit_the_key():
    assert problems("model.width={type: float, low: 16, high: 64}") == [
        f"model.width.{end}: this key takes whole numbers; use type: int" for end in ("low", "high")
    ]
    assert problems("train.loss={type: float, low: 0, high: 0}")[0].startswith(
        "train.loss.low: must be text, got 0"
    )
    assert (
        problems("train.betas={type: float, low: 0, high: 0}")[0]
        == "train.betas.low: must be a list, got 0; write [0]"
    )
    # 18 is not a multiple of 4; only the ends of a range are tried.
    assert problems("model.width={type: int, low: 16, high: 18}") == [
        "model.width.high: must be a multiple of 4, got 18"
    ]


def test_choices_must_go_together():
    """A rule between two keys, broken only by one combination of two choices."""
    assert problems("model.variant={type: categorical, choices: [simple, giant]}", "model.width=32") == [
        "model.variant: unknown variant 'giant' of family 'dcgan' (choices: simple, extended, buffed, extra)"
    ]


def test_every_type_of_distribution_is_read_and_worded() -> None:
    from sweep.spec.distributions import TYPES, Distribution
    from sweep.spec.reading.distribution import _KEYS, _READERS

    assert set(TYPES) == set(_KEYS) == set(_READERS)
    assert set(TYPES.values()) == set(get_args(Distribution))
