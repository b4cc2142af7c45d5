"""Values that change in training: their shapes, and that the networks are trained with them."""

import itertools
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.training.networks import MeanPicture, bits, plain
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganlib.config import TrainConfig, TrialConfig
from ganlib.config.schedules import Schedule, value_at
from ganlib.losses.regularisers import R1
from ganlib.steps.numbers import Numbers
from ganlib.training import checkpoint
from ganlib.training.fit import Fit, Interrupted

Make = Callable[..., Any]
CPU = torch.device("cpu")


def schedule(start: float, to: float, **options: Any) -> Schedule[float]:
    return Schedule[float].model_validate({"from": start, "to": to, **options})


# Shapes


@pytest.mark.parametrize(
    ("shape", "progress", "share"),
    [
        *(
            (shape, progress, share)
            for shape in ("cosine", "linear")
            for progress, share in [(0.0, 0.0), (0.4, 0.5)]
        ),
        *((shape, progress, 1.0) for shape in ("cosine", "linear") for progress in (0.8, 0.9, 1.0)),
        ("linear", 0.2, 0.25),
        ("cosine", 0.2, (1 - math.sqrt(0.5)) / 2),
        ("cosine", 0.6, (1 + math.sqrt(0.5)) / 2),
    ],
)
def test_shapes_at_known_places(shape: str, progress: float, share: float) -> None:
    down, up = schedule(2.0, 0.5, shape=shape, until=0.8), schedule(0.5, 2.0, shape=shape, until=0.8)
    assert down.at(progress) == pytest.approx(2.0 - 1.5 * share, rel=1e-12)
    assert up.at(progress) == pytest.approx(0.5 + 1.5 * share, rel=1e-12)


def test_ends_are_exact_and_cosine_over_the_whole_budget_is_the_default() -> None:
    one = schedule(0.1, 0.7)
    assert (one.shape, one.until, one.at(0.0), one.at(1.0)) == ("cosine", 1.0, 0.1, 0.7)
    assert [bool(schedule(*ends)) for ends in ((0, 0), (0, 1), (1, 0))] == [False, True, True]
    assert (value_at(0.3, 0.5), value_at(one, 1.0)) == (0.3, 0.7)


Numbers_ = st.floats(0, 1e6, allow_subnormal=False)


@given(
    ends=st.tuples(Numbers_, Numbers_),
    shape=st.sampled_from(["cosine", "linear"]),
    until=st.floats(0.01, 1),
    places=st.lists(st.floats(0, 1), min_size=2).map(sorted),
)
def test_values_go_one_way_and_stay_between_the_ends(
    ends: tuple[float, float], shape: str, until: float, places: list[float]
) -> None:
    one = schedule(*ends, shape=shape, until=until)
    values = [one.at(progress) for progress in places]
    assert all(min(ends) <= value <= max(ends) for value in values)
    tolerance = 1e-12 * max(ends)  # of the cosine
    sign = 1 if ends[0] <= ends[1] else -1
    assert all(sign * (b - a) >= -tolerance for a, b in itertools.pairwise(values))


# Configurations


def test_a_schedule_goes_through_json_pickle_and_plain_values() -> None:
    config = TrainConfig.model_validate(
        {"lr_g": {"from": 0, "to": 1e-3, "until": 0.1}, "betas": [0.5, {"from": 0.9, "to": 0.99}]}
    )
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
    assert TrainConfig.model_validate(config.model_dump()) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert config.model_dump()["lr_g"] == {"from": 0.0, "to": 1e-3, "shape": "cosine", "until": 0.1}
    numbers = TrainConfig(lr_g=1e-3).model_dump()
    assert (numbers["lr_g"], numbers["betas"], numbers["r1_gamma"]) == (1e-3, (0.5, 0.999), 0.0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lr_g", {"from": 1e-3, "to": 2}),
        ("lr_g", {"from": 0, "to": 0}),
        ("lr_d", {"from": 1e-3, "to": 0, "until": 0.5}),
        ("lr_d", 0),
        ("betas", [0.5, {"from": 0.9, "to": 1}]),
        ("betas", [{"from": 0.9, "to": 0.5}, 0.99]),
        ("smoothing", {"from": 0.9, "to": 0}),
        ("augment_p", {"from": 0, "to": 1.1}),
        ("r1_gamma", {"from": 1, "to": -1}),
        ("ema_kimg", {"from": 1, "to": 10, "shape": "cos"}),
        ("ema_kimg", {"from": 1, "to": 10, "until": 0}),
        ("gamma", {"from": 1, "to": 0.5}),
    ],
)
def test_bounds_of_a_key_hold_for_both_ends(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        TrainConfig.model_validate({key: value})


# Training


def test_numbers_are_one_tensor_each_that_keeps_up() -> None:
    train = TrainConfig.model_validate(
        {"r1_gamma": {"from": 2, "to": 0.5, "shape": "linear"}, "smoothing": 0.9}
    )
    numbers = Numbers(train, CPU)
    gamma, smoothing = numbers["r1_gamma"], numbers["smoothing"]
    seen = []
    for progress in (0.0, 0.5, 1.0):
        numbers.schedule(progress)
        seen.append((gamma.item(), round(smoothing.item(), 6)))
    assert seen == [(2.0, 0.9), (1.25, 0.9), (0.5, 0.9)]
    assert numbers["r1_gamma"] is gamma


MOVING: dict[str, Any] = {
    "lr_g": {"from": 0.004, "to": 0.001, "shape": "linear"},
    "lr_d": {"from": 0, "to": 0.002, "until": 0.5},
    "betas": [0.5, {"from": 0.9, "to": 0.99}],
    "r1_gamma": {"from": 2.0, "to": 0.2},
    "augment_p": {"from": 0, "to": 0.5, "until": 0.5},
    "smoothing": {"from": 0.8, "to": 1},
    "ema_kimg": {"from": 0.0, "to": 0.01, "shape": "linear"},
}
KEPT: dict[str, Any] = {
    **{"lr_g": 0.002, "lr_d": 0.001, "betas": [0.5, 0.95], "r1_gamma": 1.3},
    **{"augment_p": 0.3, "smoothing": 0.85, "ema_kimg": 0.05},
}


def run_of(config: TrialConfig, pictures: Any, **options: Any) -> Fit:
    return Fit(config, pictures, MeanPicture(), **options)


def still(key: str, value: Any) -> Any:
    if key == "betas":
        return [value[0], {"from": value[1], "to": value[1]}]
    return {"from": value, "to": value}


def test_from_a_value_to_itself_is_that_value_to_the_last_bit(pictures: Make, trial_config: Make) -> None:
    constant = run_of(trial_config(**KEPT), pictures())
    numbers = [plain(evaluation) for evaluation in constant]
    standing = run_of(trial_config(**{key: still(key, value) for key, value in KEPT.items()}), pictures())
    assert [plain(evaluation) for evaluation in standing] == numbers
    assert bits(standing) == bits(constant)


def test_every_step_has_the_values_of_its_share_of_the_budget(pictures: Make, trial_config: Make) -> None:
    run = run_of(trial_config(epochs=4.0, evaluate={"every": 0.2, "n_fake": 5}, **MOVING), pictures())
    train = run.config.train
    for number, evaluation in enumerate(run):
        progress, kimg = number / 20, (number + 1) * 0.008
        assert evaluation.lr_g == pytest.approx(0.004 - 0.003 * progress)
        assert evaluation.lr_d == pytest.approx(value_at(train.lr_d, progress))
        step = run.step
        assert step.numbers["r1_gamma"].item() == pytest.approx(value_at(train.r1_gamma, progress))
        assert step.judge.labels.draw(torch.Size([8]), torch.Size([8])).smoothing.item() == pytest.approx(
            value_at(train.smoothing, progress)
        )
        assert step.augment_p.item() == pytest.approx(value_at(train.augment_p, progress))
        for one in (step.optimizer_g, step.optimizer_d):
            assert one.param_groups[0]["betas"] == (0.5, value_at(train.betas[1], progress))
        half_life = min(0.01 * progress, 0.05 * kimg)
        assert step.averaging.keep.item() == pytest.approx(0.5 ** (0.008 / half_life) if half_life else 0.0)


def test_what_lowers_learning_rates_multiplies(pictures: Make, trial_config: Make) -> None:
    """A schedule, milestones, ``decay_from`` and a rollback's factor, at once."""
    changes = {
        "milestones": [1.0],
        "gamma": 0.5,
        "decay_from": 0.5,
        "lr_g": {"from": 0, "to": 0.004, "shape": "linear"},
    }
    run = run_of(trial_config(epochs=4.0, evaluate={"every": 0.2, "n_fake": 5}, **changes), pictures())
    for number, evaluation in enumerate(run):
        progress = number / 20
        late = 1.0 if number <= 10 else (1 - progress) / 0.5
        factor = (1.0 if number < 5 else 0.5) * late * (0.1 if number > 14 else 1.0)
        assert evaluation.lr_g == pytest.approx(0.004 * progress * factor)
        assert evaluation.lr_d == pytest.approx(2e-4 * factor)
        if number == 14:
            run.roll_back(run.state(), 0.1)


@pytest.mark.parametrize("steps", [0, 3, 7])
def test_an_interrupted_run_goes_on_to_the_last_bit(steps: int, pictures: Make, trial_config: Make) -> None:
    config = trial_config(epochs=2.0, **MOVING)
    whole = run_of(config, pictures())
    evaluations = [plain(evaluation) for evaluation in whole]
    left = iter(range(steps))
    begun, early = run_of(config, pictures(), interrupt=lambda: next(left, None) is None), []
    with pytest.raises(Interrupted):
        for evaluation in begun:
            early.append(plain(evaluation))
    state = checkpoint.load(checkpoint.dump(begun.state()), "state")
    again = run_of(config, pictures(), resume=state)
    assert early + [plain(evaluation) for evaluation in again] == evaluations
    assert bits(again) == bits(whole)


def test_a_longer_budget_stretches_what_is_to_come(pictures: Make, trial_config: Make) -> None:
    """As ``decay_from``: the share is one of the budget that holds now."""
    rates = {"lr_g": {"from": 0.004, "to": 0.0, "shape": "linear"}}
    short = run_of(trial_config(epochs=1.0, **rates), pictures())
    (first,) = short
    longer = run_of(trial_config(epochs=2.0, **rates), pictures(), resume=short.state())
    (second,) = longer
    assert (first.lr_g, second.lr_g) == (pytest.approx(0.004 * 0.2), pytest.approx(0.004 * 0.1))


def test_second_moment_of_adam_takes_the_rate_of_each_step() -> None:
    """Closed form: v after two steps on gradients g is b2 (1 - b1) g^2 + (1 - b2) g^2."""
    from ganlib.steps.optimizers import optimizer, set_betas

    network = torch.nn.Linear(1, 1, bias=False)
    adam = optimizer("adam", network, 0.1, TrainConfig(), CPU)
    for beta in (0.9, 0.99):
        set_betas(adam, (0.0, beta))
        network.weight.grad = torch.full_like(network.weight, 2.0)
        adam.step()
    (state,) = adam.state.values()
    assert state["exp_avg_sq"].item() == pytest.approx(0.99 * 0.1 * 4 + 0.01 * 4, rel=1e-6)
    sgd = optimizer("sgd", network, 0.1, TrainConfig(), CPU)
    set_betas(sgd, (0.0, 0.9))
    assert "betas" not in sgd.param_groups[0]


def test_a_penalty_of_a_scalar_is_that_of_a_number() -> None:
    real = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    def critic(x: torch.Tensor) -> torch.Tensor:
        return x.square().sum((1, 2, 3))

    random = torch.Generator()
    assert torch.equal(
        R1(torch.tensor(0.7)).penalty(critic, real, real, random), R1(0.7).penalty(critic, real, real, random)
    )


@pytest.mark.parametrize("family", ["stylegan", "stylegan2"])
def test_other_steps_keep_to_it(family: str, pictures: Make, trial_config: Make) -> None:
    options = {"grow_kimg": 0.02} if family == "stylegan" else {"path_weight": 2.0}
    model = {"family": family, "latent_dim": 8, "mapping_layers": 1}
    run = run_of(trial_config(epochs=1.0, model=model, **options, **MOVING), pictures())
    (evaluation,) = run
    assert evaluation.lr_g == pytest.approx(0.004 - 0.003 * 0.8)
    assert run.step.numbers["r1_gamma"].item() == pytest.approx(value_at(run.config.train.r1_gamma, 0.8))
