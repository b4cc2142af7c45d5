"""Verdicts on translators: those that draw nothing or negatives are called dead, and no others."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.config import CollapseConfig
from ganlib.metrics import Baseline, Extremes, TranslationScore
from ganlib.training import collapse
from ganlib.training.collapse import RULES, Signals, Verdict, healthy, judge
from ganlib.training.evaluation import Evaluation
from sweep.worker.rows import signals_of

LIMITS = CollapseConfig()
NEW = ("identity_map", "inverted")
CYCLEGAN = Signals(
    kimg=1.0,
    step=400,
    loss_g=0.8,
    loss_d=0.1,
    score_real=0.9,
    score_fake=0.1,
    probabilities=False,
    pixel_std=0.2,
    real_pixel_std=0.2,
    similarity=0.35,
    real_similarity=0.3,
    metric=100.0,
    change=0.6,
    luminance=0.8,
    kid=0.1,
    baseline_kid=0.35,
    baseline_kid_se=0.006,
    baseline_luminance=0.4,
)


def history(*changes: dict[str, Any], every: int = 100, start: int = 400) -> list[Signals]:
    return [replace(CYCLEGAN, step=start + every * i, **change) for i, change in enumerate(changes)]


def kind(verdict: Verdict | None) -> str | None:
    return verdict.kind if verdict else None


IDENTITY = {"change": 0.03, "luminance": 1.0, "kid": 0.35}
NEGATIVE = {"change": 2.0, "luminance": -0.95, "kid": 0.2}


def test_a_run_that_returns_its_photographs_is_an_identity_map() -> None:
    verdict = judge(history({}, IDENTITY, IDENTITY), LIMITS)
    assert verdict is not None
    assert verdict.kind == "identity_map"
    assert verdict.reason == (
        "the drawings are the photographs: they differ by 3.0% of what unrelated ones do, below 30.0%, and their KID "
        "0.35 is above 60% of that of the photographs as they are (0.35)"
    )
    numbers = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))["numbers"]
    assert numbers == {"change": 0.03, "kid": 0.35, "baseline_kid": 0.35, "baseline_kid_se": 0.006}


def test_a_run_that_makes_negatives_is_inverted() -> None:
    verdict = judge(history({}, NEGATIVE, NEGATIVE), LIMITS)
    assert verdict is not None
    assert verdict.kind == "inverted"
    assert verdict.reason == (
        "the drawings are negatives: their luminance and that of their photographs correlate by -0.95, below -0.40"
    )


def run(*points: tuple[float, float, float]) -> list[Signals]:
    """Evaluations every 150 steps from 150 on: change, luminance, and KID as a share of the baseline."""
    changes = [{"change": change, "luminance": light, "kid": 0.35 * share} for change, light, share in points]
    return history(*changes, every=150, start=150)


HEALTHY = {
    "adventurer to lorelei": run(
        (0.54, 0.82, 0.46), (0.54, 0.82, 0.32), (0.57, 0.79, 0.29), (0.59, 0.77, 0.30)
    ),
    "adventurer to pixel-art": run(
        (0.63, 0.68, 0.73), (0.69, 0.61, 0.30), (0.70, 0.59, 0.41), (0.72, 0.55, 0.65)
    ),
}
"""CycleGANs with the weights of the paper between two styles of avatars, as they were measured."""


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_not_accused(name: str) -> None:
    past = HEALTHY[name]
    for end in range(1, len(past) + 1):
        assert judge(past[:end], LIMITS.model_copy(update={"warmup_steps": 0})) is None
        assert healthy(past[:end], LIMITS)


def test_a_run_whose_cycle_is_all_that_counts_is_an_identity_map() -> None:
    """A CycleGAN without its adversarial loss from adventurer to pixel-art, as it was measured: blurred photographs."""
    shares = (0.58, 0.63, 0.62, 0.63, 0.64, 0.64)
    points = zip((0.345, 0.317, 0.302, 0.297, 0.290, 0.287), (0.89,) * 6, shares, strict=True)
    past = run(*points)
    assert [kind(judge(past[:end], LIMITS)) for end in range(1, 7)] == [None] * 4 + ["identity_map"] * 2


def test_a_translator_that_need_not_change_much_is_not_accused_where_it_draws() -> None:
    assert judge(history(*[{"change": 0.05, "kid": 0.1}] * 3), LIMITS) is None
    assert judge(history(*[{"change": 0.05, "kid": -0.001}] * 3), LIMITS) is None


def test_equal_domains_leave_nothing_to_draw() -> None:
    equal = {"change": 0.0, "kid": 0.0011, "baseline_kid": 0.001, "baseline_kid_se": 0.0006}
    assert judge(history(*[equal] * 3), LIMITS) is None


def test_young_runs_and_one_evaluation_are_not_accused() -> None:
    for dead in (IDENTITY, NEGATIVE):
        assert judge(history(dead, dead, start=50), LIMITS) is None
        assert judge(history({}, dead), LIMITS) is None
        assert judge(history(dead, {}, dead), LIMITS) is None


def test_steps_count_from_the_end_of_learning_from_content_alone() -> None:
    """A CartoonGAN begins as an identity, and is given as long as others to leave it."""
    learning = IDENTITY | {"pretraining": True}
    past = history(*[learning] * 4, *[IDENTITY] * 3, start=200)
    kinds = [kind(judge(past[:end], LIMITS)) for end in range(1, 8)]
    assert kinds == [None] * 5 + ["identity_map"] * 2
    impatient = LIMITS.model_copy(update={"warmup_steps": 0})
    assert [kind(judge(past[:end], impatient)) for end in range(1, 8)] == [None] * 5 + ["identity_map"] * 2
    assert healthy(past[:4], LIMITS)
    assert not healthy(past[:5], LIMITS)


def test_dark_drawings_of_bright_photographs_are_no_negatives() -> None:
    """White lines on black of black lines on white: unrelated ones correlate by -0.6 already."""
    dark = {"luminance": -0.7, "baseline_luminance": -0.6}
    assert judge(history(*[dark] * 3), LIMITS) is None
    assert kind(judge(history(*[dark | {"luminance": -0.99}] * 3), LIMITS)) == "inverted"


# ---- others are judged as ever -----------------------------------------------------------------------------

numbers = st.floats(allow_nan=True, allow_infinity=True)
without = st.builds(
    Signals,
    kimg=st.floats(0, 1e3),
    step=st.integers(0, 2000),
    loss_g=st.floats(-10, 10) | numbers,
    loss_d=st.floats(-10, 10),
    score_real=st.floats(0, 1) | st.floats(0.99, 1),
    score_fake=st.floats(0, 1) | st.floats(0, 0.01),
    probabilities=st.booleans(),
    pixel_std=st.floats(0, 0.5) | st.floats(0, 0.01),
    real_pixel_std=st.floats(0, 0.5),
    similarity=st.floats(-1, 1) | st.floats(0.9, 1),
    real_similarity=st.floats(-1, 1),
    metric=st.none() | st.floats(0, 1000),
    variety=st.none() | st.floats(0, 1),
    kid=st.none() | numbers,
)


@settings(deadline=None)
@given(past=st.lists(without, min_size=1, max_size=4))
def test_families_that_do_not_translate_are_judged_as_without_these_rules(past: list[Signals]) -> None:
    limits = LIMITS.model_copy(update={"patience": 1})
    found = repr(judge(past, limits)), healthy(past, limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collapse, "RULES", {name: rule for name, rule in RULES.items() if name not in NEW})
        assert found == (repr(judge(past, limits)), healthy(past, limits))


# ---- from an evaluation ------------------------------------------------------------------------------------


def evaluation(**changes: Any) -> Evaluation:
    score = TranslationScore(
        100.0, 0.1, 0.01, 50, 40, "tiny", "", vendi=2.0, change=0.6, luminance=0.8, kid_back=0.2
    )
    plain: dict[str, Any] = {name: 0.5 for name in ("loss_g", "loss_d", "score_real", "score_fake")}
    plain |= {"accuracy_real": 0.5, "accuracy_fake": 0.5, "kimg": 1.0, "epoch": 1.0, "step": 400}
    plain |= {"probabilities": False, "lr_g": 1e-4, "lr_d": 1e-4, "pixel_std": 0.2, "similarity": 0.3}
    plain |= {"real": Extremes(0.2, 0.3, 3.0, 1.0), "score": score, "stage": 0, "seconds_train": 1.0}
    plain |= {"seconds_eval": 1.0, "grid": np.zeros(0), "made": np.zeros(0), "last": False}
    return Evaluation(**{name: plain[name] for name in plain} | changes)


def test_signals_of_a_translator_are_read_from_its_evaluation() -> None:
    found = signals_of(evaluation(baseline=Baseline(40, 300.0, 0.35, 0.006, -0.1), pretraining=True))
    assert (found.change, found.luminance, found.kid, found.variety) == (0.6, 0.8, 0.1, 0.5)
    assert (found.baseline_kid, found.baseline_kid_se, found.baseline_luminance) == (0.35, 0.006, -0.1)
    assert found.pretraining
    plain = signals_of(evaluation())
    assert plain.baseline_kid is plain.baseline_kid_se is plain.baseline_luminance is None
    assert not plain.pretraining
    lost = signals_of(evaluation(score=None))
    assert lost.change is lost.luminance is lost.kid is lost.metric is None
