"""Recorded steps, with a stand-in for CUDA graphs: they do what steps do, and other trials go on with them."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from helpers.training.fake_cases import CASES, Case, moving
from helpers.training.recorded import bits, step_of, stream, train
from helpers.training.rehearsal import Rehearsal

from ganlib.augment import ada
from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.steps.capture import MOVES, SWITCHES, UNSEEN, WARM, recorded

SAME = {
    "cyclegan",
    "cartoongan",
    "float32",
    "loss lsgan",
    "loss mse",
    "stylegan with classes, growing, style_mixing",
}
"""Cases that differ from another one by what no recording depends on, or have a test of their own."""
OF_CARDS = {"optimizer rmsprop", "momentum and weight decay"}
"""Cases whose optimizer reads its rate on a processor, and not on a card."""


@pytest.mark.parametrize("name", sorted(CASES.keys() - SAME - OF_CARDS))
def test_recorded_steps_are_the_steps_that_they_were_recorded_of(name: str) -> None:
    case = CASES[name]
    moving = isinstance(case.train.get("betas", (0, 0))[1], dict)
    period = ada.INTERVAL if case.train.get("ada_target") else case.period
    steps, recorder = (WARM + 2) * period, Rehearsal()
    played, plain = step_of(case, recorder), step_of(case)
    for one in (played, plain):
        train(one, stream(case), steps)
    assert bits(played.state()) == bits(plain.state())
    assert played.read_means() == plain.read_means()
    assert played.player is not None
    assert recorder.warmed + recorder.played == steps
    # Numbers that are in the kernels themselves cannot move in a recording.
    assert recorder.played == (0 if moving else steps - WARM * recorder.recorded)
    assert not played.refused
    if moving:
        train(played, stream(case), MOVES, start=steps)
        assert "moves from step to step" in played.refused
    assert bool(recorder.recorded) != moving


def test_each_case_of_terms_that_are_due_has_a_recording() -> None:
    case = Case(train={"r1_gamma": 1.0, "r1_every": 3, "ada_target": 0.6})
    recorder = Rehearsal()
    train(step_of(case, recorder), stream(case), 48)
    assert recorder.recorded == 4  # both, one of the two, and none


def test_growing_networks_are_recorded_anew_at_each_size() -> None:
    case = replace(CASES["stylegan with classes, growing, style_mixing"], size=32)
    case = replace(case, train={"style_mixing": 0.9, "grow_kimg": 0.04, "fade_kimg": 0.04})
    recorder = Rehearsal()
    played, plain = step_of(case, recorder), step_of(case)
    for one in (played, plain):
        train(one, stream(case), 38)
    assert bits(played.state()) == bits(plain.state())
    assert played.generator.growth.doublings == 3.0
    assert recorder.recorded == 7  # four sizes, and three that are faded in


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adagrad"])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_state_that_is_loaded_goes_on_with_the_recordings(optimizer: str, earlier: bool) -> None:
    case = Case(train={"optimizer": optimizer, "momentum": 0.9} if optimizer != "adam" else {})
    recorder = Rehearsal()
    played, plain, batches, others = step_of(case, recorder), step_of(case), stream(case), stream(case)
    for one, source in ((played, batches), (plain, others)):
        train(one, source, 2 if earlier else 0)
    state = deepcopy(played.state())
    kept = bits(state)
    for one, source in ((played, batches), (plain, others)):
        train(one, source, WARM + 1)
        one.load_state(state)
        train(one, source, 3, start=2)
    assert bits(state) == kept
    assert bits(played.state()) == bits(plain.state())
    assert recorder.recorded == 1


def test_another_stream_is_recorded_anew() -> None:
    recorder = Rehearsal()
    played, plain = step_of(Case(), recorder), step_of(Case())
    for _ in range(2):
        for one in (played, plain):
            train(one, stream(Case()), WARM + 2)
    assert bits(played.state()) == bits(plain.state())
    assert recorder.recorded == 2


BEFORE: dict[str, Any] = {
    **{"lr_g": 1e-3, "lr_d": 1e-3, "smoothing": 1.0, "augment_p": 0.9, "equalize_p": 0.9},
    **{"instance_noise": 0.3, "r1_gamma": 2.0, "r2_gamma": 2.0, "ema_kimg": 1.0},
}
AFTER: dict[str, Any] = {
    **{
        "lr_g": moving(1e-4, 1e-5),
        "lr_d": 3e-4,
        "smoothing": moving(0.8, 0.9),
        "augment_p": moving(0.1, 0.5),
    },
    **{
        "equalize_p": 0.2,
        "instance_noise": 0.1,
        "r1_gamma": moving(0.5, 0.1),
        "r2_gamma": 0.3,
        "ema_kimg": 0.1,
    },
}


def key_of(**train: Any) -> str:
    config = TrialConfig(
        data=DataConfig(size=32),
        model=ModelConfig(),
        train=TrainConfig(**train),
        evaluate=EvaluateConfig(),
        collapse=CollapseConfig(),
    )
    return recorded(config.model_dump(mode="json"))


def test_a_step_that_is_taken_over_is_a_fresh_one() -> None:
    recorder, batches = Rehearsal(), stream(Case())
    used, fresh, plain = (
        step_of(Case(train=BEFORE), recorder),
        step_of(Case(train=AFTER)),
        step_of(Case(train=AFTER)),
    )
    train(used, batches, WARM + 2)
    used.take_over(fresh)
    batches.begin(5, 0)
    others = stream(Case())
    others.begin(5, 0)
    train(used, batches, WARM + 2)
    train(plain, others, WARM + 2)
    assert bits(used.state()) == bits(plain.state())
    assert used.read_means() == plain.read_means()
    assert recorder.recorded == 1
    assert recorder.warmed == WARM


def test_what_a_recording_knows_tells_steps_apart() -> None:
    assert (
        key_of(**BEFORE)
        == key_of(**AFTER)
        == key_of(**AFTER, milestones=[1], gamma=0.5, decay_from=0.5, kimg=3)
    )
    others: list[dict[str, Any]] = [
        {"r1_gamma": 0.0},
        {"equalize_p": 0.0},
        {"loss": "hinge"},
        {"batch_size": 8},
        {"betas": [0.0, 0.99]},
        {"weight_decay": 0.1},
        {"label_g": 0.9},
        {"d_steps": 2},
        {"r1_every": 2},
    ]
    keys = [key_of(**BEFORE), *(key_of(**{**BEFORE, **other}) for other in others)]
    assert len(set(keys)) == len(keys)


def test_every_key_that_a_recording_does_not_know_is_tried() -> None:
    assert {*UNSEEN, *SWITCHES} == BEFORE.keys() | {"milestones", "gamma", "decay_from", "epochs", "kimg"}
