"""Numbers are what was asked for, or refused: nothing is clipped in silence, none is a text, none is meaningless."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_fidelity.metric_kid import kid_features_to_metric

from ganlib.errors import RequestError
from ganlib.metrics import fid_infinity_from_features, kid_from_features
from ganlib.metrics.distances.infinity import measurable_fid_infinity
from ganlib.metrics.real import RealStatistics
from ganlib.training.collapse import Verdict
from sweep.cli.pictures.score import _infinity
from sweep.records.schemas import to_json


def features(n: int, seed: int, d: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("size", [2, 31, 59, 60])
def test_subsets_are_as_large_as_asked_for(size: int) -> None:
    x, y = features(60, 0), features(80, 1) + 0.2
    theirs = kid_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        kid_subsets=5,
        kid_subset_size=size,
        rng_seed=7,
        verbose=False,
    )
    for ours in (
        kid_from_features(x, y, subsets=5, subset_size=size, seed=7),
        RealStatistics(x).kid(y, subsets=5, subset_size=size, seed=7),
    ):
        assert ours.mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
        assert ours.se > 0  # also where each subset is all of a set


@pytest.mark.parametrize("size", [61, 1000])
def test_larger_subsets_than_there_are_pictures_are_refused(size: int) -> None:
    with pytest.raises(
        RequestError, match=rf"subset_size is {size}, but the smaller set has only 60 .* 30 would"
    ):
        kid_from_features(features(60, 0), features(80, 1), subset_size=size)


def test_without_a_size_it_is_half_of_the_smaller_set() -> None:
    x, y = features(60, 0), features(80, 1)
    assert kid_from_features(x, y) == kid_from_features(x, y, subset_size=30)


@given(st.integers(0, 30), st.floats(0, 0.2))
def test_a_negative_extrapolation_is_none(seed: int, shift: float) -> None:
    x, y = torch.from_numpy(features(40, seed)), torch.from_numpy(features(40, seed + 100) + shift)
    plain, found = fid_infinity_from_features(x, y), measurable_fid_infinity(x, y)
    assert found == (plain if plain.value >= 0 else None)
    assert measurable_fid_infinity(x[:9], y) is None


def test_what_cannot_be_measured_is_said_in_words() -> None:
    found: dict[str, Any] = {"fid_infinity": None, "identity": {"n_fake": 12, "n_real": 40}}
    assert _infinity(found) == "closer to 0 than 12 generated and 40 real pictures can tell"
    found["identity"]["n_fake"] = 9
    assert _infinity(found) == "not measurable with fewer than 10 generated or real pictures"


numbers = st.floats() | st.floats(width=32).map(np.float32) | st.integers()
values = st.recursive(
    numbers | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_json_holds_numbers_or_null_and_never_a_text(value: Any) -> None:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    def check(item: Any) -> None:
        assert not isinstance(item, str)
        for part in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
            check(part)

    check(json.loads(to_json(value), parse_constant=refuse))


def test_a_verdict_holds_numbers_or_null() -> None:
    verdict = Verdict("non_finite", 1.0, 1, "why", {"a": math.nan, "b": -math.inf, "c": 2.0})
    assert verdict.to_dict()["numbers"] == {"a": None, "b": None, "c": 2.0}


def test_no_json_of_the_tool_can_hold_another_token() -> None:
    """What is written to a file or the screen goes through `to_json`, or refuses NaN itself."""
    root = Path(__file__).parents[2]
    for name in (
        "sweep/commands/run.py",
        "sweep/commands/inside/confirm.py",
        "sweep/commands/exporting/export.py",
    ):
        assert "json.dumps" not in (root / name).read_text(), name
