"""Verdicts: crafted histories at and around each threshold."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from helpers.training.verdicts import kind
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.config import CollapseConfig
from ganlib.training.collapse import RULES, Signals, judge

LIMITS = CollapseConfig(
    patience=2,
    warmup_steps=300,
    saturated_score=0.995,
    similarity=0.85,
    flat_std=0.05,
    blowup=5.0,
    identity_change=0.2,
    identity_kid=0.75,
    inverted=0.4,
)
NAN, INF = math.nan, math.inf
HEALTHY = Signals(
    kimg=40.0,
    step=1000,
    loss_g=1.5,
    loss_d=0.9,
    score_real=0.7,
    score_fake=0.3,
    probabilities=True,
    pixel_std=0.2,
    real_pixel_std=0.2,
    similarity=0.35,
    real_similarity=0.3,
    metric=100.0,
)
UNCHANGED = {"change": 0.199, "kid": 0.076, "baseline_kid": 0.1, "baseline_kid_se": 0.01}
# At these thresholds: just beyond, and just within.
DEAD = {
    "flat_image": {"pixel_std": 0.0099},
    "low_diversity": {"similarity": 0.3 + 0.7 * 0.851},
    "identity_map": UNCHANGED,
    "inverted": {"luminance": -0.401},
    "d_saturated": {"score_real": 0.9951, "score_fake": 0.0049},
    "metric_blowup": {"metric": 500.1},
}
ALIVE = {
    "flat_image": [{"pixel_std": 0.0101}, {"pixel_std": 0.0011, "real_pixel_std": 0.02}],
    "low_diversity": [
        {"similarity": 0.3 + 0.7 * 0.849},
        {"similarity": 0.99, "real_similarity": 0.95},
        {"variety": 0.051},
    ],
    "identity_map": [
        UNCHANGED | {"change": 0.201},
        UNCHANGED | {"kid": 0.074},
        UNCHANGED | {"baseline_kid_se": 0.034},
        UNCHANGED | {"baseline_kid_se": NAN},
        UNCHANGED | {"baseline_kid": -0.001, "baseline_kid_se": 0.0},
        UNCHANGED | {"pretraining": True},
        *(UNCHANGED | {name: None} for name in UNCHANGED),
    ],
    "inverted": [
        {"luminance": -0.399},
        {"luminance": -0.399, "baseline_luminance": 0.5},
        {"luminance": -0.699, "baseline_luminance": -0.5},
        {"luminance": None, "baseline_luminance": -0.5},
    ],
    "d_saturated": [
        {"score_real": 0.9949, "score_fake": 0.0049},
        {"score_real": 0.9951, "score_fake": 0.0051},
        {"score_real": 0.999, "score_fake": 0.001, "probabilities": False},
        {"score_real": 0.001, "score_fake": 0.999},
    ],
    "metric_blowup": [{"metric": 499.9}, {"metric": 0.0}, {"metric": 500.1, "real_metric": 100.1}],
}


def test_features_without_variety_are_low_diversity_whatever_the_pixels_say() -> None:
    verdict = judge(history(*[{"variety": 0.049}] * 2), LIMITS)
    assert kind(verdict) == "low_diversity"
    assert "vary 4.9% as much as those of real ones, below 5.0%" in verdict.reason
    assert verdict.numbers["variety"] == 0.049
    assert judge(history({"variety": 0.049}, {"variety": None}), LIMITS) is None


def history(*changes: dict[str, Any], start: int = 1000) -> list[Signals]:
    """Healthy evaluations 1000 steps apart, changed one by one."""
    return [
        replace(HEALTHY, step=start + 1000 * i, kimg=HEALTHY.kimg * (i + 1), **change)
        for i, change in enumerate(changes)
    ]


def limits(**change: Any) -> CollapseConfig:
    return LIMITS.model_copy(update=change)


@pytest.mark.parametrize("name", RULES)
def test_exactly_this_verdict_beyond_the_threshold(name: str) -> None:
    verdict = judge(history({}, DEAD[name], DEAD[name]), LIMITS)
    assert verdict is not None
    assert verdict.kind == name
    assert (verdict.step, verdict.kimg) == (3000, 120.0)
    for signal, value in DEAD[name].items():
        assert verdict.numbers[signal] == value


@pytest.mark.parametrize(("name", "change"), [(name, change) for name in RULES for change in ALIVE[name]])
def test_no_verdict_just_within_the_threshold(name: str, change: dict[str, Any]) -> None:
    assert judge(history({}, change, change), LIMITS) is None


@pytest.mark.parametrize("name", RULES)
def test_patience_counts_evaluations_in_a_row(name: str) -> None:
    dead = DEAD[name]
    patient = limits(patience=3)
    assert judge(history({}, dead), LIMITS) is None
    assert judge(history({}, dead, {}), LIMITS) is None
    assert judge(history({}, dead, {}, dead), LIMITS) is None
    assert judge(history({}, dead, dead), patient) is None
    assert kind(judge(history({}, dead, dead, dead), patient)) == name
    assert kind(judge(history({}, dead), limits(patience=1))) == name


@pytest.mark.parametrize("name", RULES)
def test_two_ways_of_dying_in_a_row_are_not_one(name: str) -> None:
    for other in set(RULES) - {name}:
        assert judge(history({}, DEAD[name], DEAD[other]), LIMITS) is None


@pytest.mark.parametrize("name", RULES)
def test_no_verdict_before_the_warmup(name: str) -> None:
    dead = [
        replace(signals, step=step)
        for signals, step in zip(history({}, *[DEAD[name]] * 3), (100, 200, 299, 300), strict=True)
    ]
    assert judge(dead[:3], LIMITS) is None
    assert kind(judge(dead, LIMITS)) == name
    assert kind(judge(dead[:3], limits(warmup_steps=299))) == name


@pytest.mark.parametrize("name", RULES)
def test_thresholds_are_the_configurations(name: str) -> None:
    looser = {
        "flat_image": limits(flat_std=0.04),
        "low_diversity": limits(similarity=0.9),
        "identity_map": limits(identity_change=0.19),
        "inverted": limits(inverted=0.41),
        "d_saturated": limits(saturated_score=0.999),
        "metric_blowup": limits(blowup=6.0),
    }
    assert judge(history({}, DEAD[name], DEAD[name]), looser[name]) is None
    assert judge(history({}, DEAD[name], DEAD[name]), limits(enabled=False)) is None


def test_the_first_rule_that_holds_is_named() -> None:
    names = ["flat_image", "low_diversity", "identity_map", "inverted", "d_saturated", "metric_blowup"]
    assert list(RULES) == names
    for i in range(len(names)):
        everything = {key: value for name in names[i:] for key, value in DEAD[name].items()}
        assert kind(judge(history({}, everything, everything), LIMITS)) == names[i]
    both = DEAD["flat_image"] | {"loss_g": NAN}
    assert kind(judge(history({}, both, both), LIMITS)) == "non_finite"


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("name", ["loss_g", "loss_d", "score_real", "score_fake", "pixel_std"])
def test_non_finite_is_called_at_once(name: str, value: float) -> None:
    (first,) = history({name: value}, start=1)
    for these in (LIMITS, limits(enabled=False), limits(patience=9)):
        verdict = judge([first], these)
        assert verdict is not None
        assert verdict.kind == "non_finite"
        assert name in verdict.reason
        assert verdict.step == 1


def test_a_metric_that_could_not_be_computed_is_non_finite() -> None:
    verdict = judge(history({"metric": None}), LIMITS)
    assert kind(verdict) == "non_finite"
    assert verdict is not None
    assert "generated pictures" in verdict.reason


def test_the_past_is_forgiven() -> None:
    """Only what is now counts: a run that was resumed from before its collapse lives."""
    assert judge(history({"loss_g": NAN}, {"metric": None}, {}), LIMITS) is None


def test_blowup_compares_with_the_best_before() -> None:
    metrics = [50.0, 10.0, 40.0, 51.0, 52.0]
    verdict = judge(history(*({"metric": metric} for metric in metrics)), LIMITS)
    assert verdict is not None
    assert verdict.numbers == {"metric": 52.0, "best": 10.0}
    assert judge(history({"metric": 1.0}, {"metric": 1.0}), LIMITS) is None
    # A slow climb is not one either, nor a bad first value.
    assert judge(history({"metric": 500.0}, {"metric": 100.0}, {"metric": 400.0}), LIMITS) is None
    assert judge(history({"metric": 0.0}, {"metric": 9.0}, {"metric": 9.0}), LIMITS) is None, (
        "no best to multiply"
    )


def test_real_pictures_that_are_all_alike_accuse_nobody() -> None:
    assert judge(history(*[{"similarity": 1.0, "real_similarity": 1.0}] * 3), LIMITS) is None


def test_reasons_are_sentences_with_their_numbers() -> None:
    verdict = judge(history({}, DEAD["low_diversity"], DEAD["low_diversity"]), LIMITS)
    assert verdict is not None
    assert verdict.reason == (
        "generated pictures resemble each other by 0.896 (real ones: 0.300), 85% of the way to identical, above 85%"
    )
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    assert json.loads(text)["kind"] == "low_diversity"
    broken = judge(history({"loss_g": NAN, "loss_d": INF}), LIMITS)
    assert broken is not None
    numbers = json.loads(json.dumps(broken.to_dict(), allow_nan=False))["numbers"]
    assert (numbers["loss_g"], numbers["loss_d"], numbers["score_real"]) == (None, None, 0.7)
    assert "loss_g is nan, loss_d is inf" in broken.reason


numbers = st.floats(allow_nan=True, allow_infinity=True)
signals = st.builds(
    Signals,
    kimg=st.floats(0, 1e3),
    step=st.integers(0, 2000),
    loss_g=numbers,
    loss_d=numbers,
    score_real=st.floats(0, 1),
    score_fake=st.floats(0, 1),
    probabilities=st.booleans(),
    pixel_std=st.floats(0, 0.5),
    real_pixel_std=st.floats(0, 0.5),
    similarity=st.floats(-1, 1),
    real_similarity=st.floats(-1, 1),
    metric=st.none() | numbers,
)


@settings(deadline=None)
@given(past=st.lists(signals, max_size=4), now=signals)
def test_any_history_gets_a_verdict_that_can_be_stored_or_none(past: list[Signals], now: Signals) -> None:
    verdict = judge([*past, now], LIMITS)
    assert (
        judge([*past, now], LIMITS) == verdict or verdict.kind == "non_finite"
    )  # NaN is not equal to itself
    assert (kind(verdict) == "non_finite") == (not now.finite or now.metric is None)
    if verdict:
        json.dumps(verdict.to_dict(), allow_nan=False)
