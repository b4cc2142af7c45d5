"""Keys that are searched only where others have certain values."""

import pytest
from helpers.sweeps.spaces import LOSS, problems, space

from sweep.spec.specification import parse


def smoothing(when, ends="low: 0.8, high: 1"):
    return f"train.smoothing={{type: float, {ends}, when: {when}}}"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{train.loss: bce}", {"train.loss": ("bce",)}),
        ("{train.loss: [bce, lsgan]}", {"train.loss": ("bce", "lsgan")}),
        ("{train.loss: bce, model.family: dcgan}", {"train.loss": ("bce",)}),
        ("{data.size: 64}", {}),
        ("{train.batch_size: [64, 128]}", {}),
        ("null", {}),
        ("{}", {}),
    ],
)
def test_conditions_are_read(when, expected):
    found = space(LOSS, smoothing(when))
    assert found["train.smoothing"].when == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{train.los: bce}", ".train.los: unknown key, did you mean 'train.loss'?"),
        ("{loss: bce}", ".loss: unknown key, did you mean 'train.loss'?"),
        ("{search.trials: 16}", ".search.trials: cannot be used in a condition"),
        ("{train.loss: wgan-pg}", ".train.loss: unknown loss 'wgan-pg', did you mean 'wgan-gp'?"),
        ("{train.loss: wgan-gp}", ".train.loss: can never hold: train.loss is never 'wgan-gp', it is {type"),
        ("{train.loss: []}", ".train.loss: can never hold: the list of values is empty"),
        ("{data.size: 32}", ".data.size: can never hold: data.size is 64, not 32"),
        ("{data.size: [28, 32]}", ".data.size: can never hold: data.size is 64, not 28 or 32"),
        ("{train.batch_size: '64'}", ".train.batch_size: must be a whole number, got '64'"),
        ("{train.smoothing: 0.9}", ".train.smoothing: a condition needs a categorical or int key"),
        ("bce", ": must be a mapping such as {train.loss: bce}, got 'bce'"),
        ("[train.loss]", ": must be a mapping such as {train.loss: bce}, got ['train.loss']"),
    ],
)
def test_conditions_are_refused(when, expected):
    text = "data: {size: 64}\ntrain: {epochs: 4, batch_size: 64}"
    (only, *rest) = problems(LOSS, smoothing(when), text=text)
    assert only.startswith("train.smoothing.when" + expected)
    assert not rest or "circle" in rest[0]


def test_an_int_can_be_a_condition():
    steps = "train.critic_steps={type: int, low: 1, high: 9, step: 2}"
    assert space(steps, smoothing("{train.critic_steps: [3, 5]}"))["train.smoothing"].when
    for value in (2, 11, "null"):
        (only,) = problems(steps, smoothing(f"{{train.critic_steps: {value}}}"))
        assert "can never hold" in only


def test_conditions_in_a_circle():
    found = problems(
        "train.loss={type: categorical, choices: [bce, lsgan], when: {model.variant: simple}}",
        "model.variant={type: categorical, choices: [simple, buffed], when: {train.loss: bce}}",
    )
    assert found == [
        f"{path}.when: conditions go in a circle: model.variant, train.loss"
        for path in ("train.loss", "model.variant")
    ]


def test_conditions_that_exclude_each_other():
    (only,) = problems(
        LOSS,
        "model.variant={type: categorical, choices: [simple, buffed], when: {train.loss: bce}}",
        smoothing("{model.variant: simple, train.loss: lsgan}"),
    )
    assert only == "train.smoothing.when: can never hold: its keys exclude it"


def test_a_key_comes_after_those_it_depends_on():
    found = space(
        "model.variant={type: categorical, choices: [simple, buffed], when: {train.loss: bce}}",
        LOSS,
        "train.gamma={type: float, low: 0.5, high: 1}",
    )
    assert list(found) == ["train.loss", "model.variant", "train.gamma"]


def test_the_order_in_the_file_means_nothing():
    parts = ["lr_g: {type: float, low: 0.1, high: 1}", "lr_d: {type: float, low: 0.1, high: 1}", "epochs: 3"]
    first, second = ("train: {" + ", ".join(order) + "}" for order in (parts, parts[::-1]))
    assert parse(first) == parse(second)
