"""A space at work."""

import pytest
from helpers.sweeps.spaces import LOSS, problems, space
from hypothesis import given
from hypothesis import strategies as st

from sweep.spec.distributions import Categorical, Float, Int
from sweep.spec.space import GRID_LIMIT, Space

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
