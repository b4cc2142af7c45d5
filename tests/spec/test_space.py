"""Distributions and conditions: how they are read, refused, and handed to Optuna."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.spec.distributions import Categorical, Float, Int
from sweep.spec.problems import SpecError
from sweep.spec.space import GRID_LIMIT, Space
from sweep.spec.specification import parse


def space(*overrides):
    return parse("train: {epochs: 4}", overrides=overrides).space


def problems(*overrides, text="train: {epochs: 4}"):
    with pytest.raises(SpecError) as caught:
        parse(text, overrides=overrides)
    return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


# ---- one distribution ------------------------------------------------------------------------------------


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


# ---- conditions ------------------------------------------------------------------------------------------

LOSS = "train.loss={type: categorical, choices: [bce, lsgan]}"


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


# ---- a space at work -------------------------------------------------------------------------------------

CHAIN = Space(
    {
        "a": Categorical(("x", "y")),
        "b": Int(1, 3, when={"a": ("x",)}),
        "c": Float(0.0, 1.0, step=0.5, when={"b": (1, 3), "a": ("x",)}),
    }
)


def test_grid_is_every_valid_combination_once():
    assert CHAIN.grid() == [
        {"a": "x", "b": 1, "c": 0.0},
        {"a": "x", "b": 1, "c": 0.5},
        {"a": "x", "b": 1, "c": 1.0},
        {"a": "x", "b": 2},
        {"a": "x", "b": 3, "c": 0.0},
        {"a": "x", "b": 3, "c": 0.5},
        {"a": "x", "b": 3, "c": 1.0},
        {"a": "y"},
    ]
    assert Space({}).grid() == [{}]


def test_grids_that_cannot_be():
    with pytest.raises(ValueError, match="continuous"):
        Space({"a": Float(0, 1)}).grid()
    assert Space({"a": Int(1, 10**9)}).grid() is None
    assert Space({str(n): Int(1, 10) for n in range(4)}).grid() is not None
    assert Space({str(n): Int(1, 10) for n in range(5)}).grid() is None, f"more than {GRID_LIMIT}"
    assert problems("search.sampler=grid", "train.gamma={type: float, low: 0.5, high: 1}") == [
        "train.gamma: is continuous; the sampler grid needs a step (without log) or categorical choices"
    ]
    assert problems("search.sampler=grid", "train.batch_size={type: int, low: 2, high: 8, log: true}") == [
        "train.batch_size: is continuous; the sampler grid needs a step (without log) or categorical choices"
    ]
    assert (
        "10000 combinations"
        in problems(
            "search.sampler=grid",
            "train.batch_size={type: int, low: 2, high: 8000}",
            "model.latent_dim={type: int, low: 1, high: 4096}",
        )[0]
    )


def test_cmaes_needs_a_number():
    assert "cmaes needs a float or int" in problems("search.sampler=cmaes", LOSS)[0]
    assert space("search.sampler=cmaes", "train.gamma={type: float, low: 0.5, high: 1}")


def test_decimal_steps_have_no_rounding():
    assert Float(0.8, 1.0, step=0.1).grid() == [0.8, 0.9, 1.0]
    assert Float(0.0, 0.3, step=0.1).grid() == [0.0, 0.1, 0.2, 0.3]


def test_kinds_for_columns():
    kinds = Space(
        {
            "float": Float(0, 1),
            "int": Int(0, 1),
            "str": Categorical(("a", "b")),
            "bool": Categorical((True, False)),
            "whole": Categorical((1, 2)),
            "mixed numbers": Categorical((1, 0.5)),
            "null": Categorical((None, 5)),
            "lists": Categorical(([1], [2])),
            "anything": Categorical(("a", 5)),
        }
    ).kinds()
    assert list(kinds.values()) == ["float", "int", "str", "bool", "int", "float", "json", "json", "json"]


def test_what_is_drawn_is_active_and_in_range():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = set()
    for _ in range(60):
        trial = study.ask()
        params = CHAIN.suggest(trial)
        assert params in CHAIN.grid()
        assert trial.params == params
        assert trial.distributions == CHAIN.distributions(params)
        seen.add(str(params))
    assert len(seen) == len(CHAIN.grid())
    with pytest.raises(ValueError, match="not in the search space: z"):
        CHAIN.distributions({"z": 3})


def test_corners_are_complete_or_a_fixed_sample():
    every, complete = CHAIN.corners(100)
    assert complete
    assert {"a": "x", "b": 3, "c": 1.0} in every
    some, complete = CHAIN.corners(3)
    assert (len(some), complete) == (3, False)
    assert CHAIN.corners(3)[0] == some


numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@given(low=numbers, steps=st.integers(0, 200), step=st.floats(0.001, 10).map(lambda x: round(x, 3)))
def test_a_grid_of_floats_is_what_optuna_may_suggest(low, steps, step):
    from decimal import Decimal

    high = float(Decimal(str(low)) + steps * Decimal(str(step)))
    distribution = Float(low, high, step=step)
    grid = distribution.grid()
    assert (len(grid), grid[0], grid[-1]) == (steps + 1, low, high)
    theirs = distribution.optuna()
    assert all(theirs.low <= value <= theirs.high for value in grid)


def test_equality_includes_order_and_conditions():
    one, other = Int(1, 2), Int(1, 2, when={"a": (1,)})
    assert Space({"a": one, "b": other}) == Space({"a": one, "b": other})
    assert Space({"a": one, "b": one}) != Space({"b": one, "a": one})
    assert Space({"a": one, "b": other}) != Space({"a": one, "b": one})
    assert Space({}) != {}


def test_every_type_of_distribution_is_read_and_worded() -> None:
    from sweep.spec.distributions import TYPES, Distribution
    from sweep.spec.read_distribution import _KEYS, _READERS

    assert set(TYPES) == set(_KEYS) == set(_READERS)
    assert set(TYPES.values()) == set(get_args(Distribution))
