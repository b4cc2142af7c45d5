"""The training loop: when it evaluates, that it repeats itself, and that it can be cut anywhere."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from helpers.networks import MeanPicture, bits, plain
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganlib.clock import kimg_of, pictures_of
from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.errors import RequestError
from ganlib.metrics import Evaluator, NonFiniteError, Score, pairwise_similarity, pixel_std
from ganlib.models.latents import fixed_latents
from ganlib.training import checkpoint
from ganlib.training.fit import GRID, Fit, Interrupted, fit

Make = Callable[..., Any]


def cut(count: int) -> Callable[[], bool]:
    """An ``interrupt`` that lets ``count`` steps pass."""
    left = iter(range(count))
    return lambda: next(left, None) is None


# When evaluations come


class NoStep:
    """Takes its batches and learns nothing."""

    def __init__(self, take: int) -> None:
        self.take = take

    def __call__(self, batches: Iterator[Tensor]) -> None:
        for _ in range(self.take):
            next(batches)

    def schedule(self, kimg: float, lr_factor: float, progress: float, epoch: float) -> None:
        pass

    def read_means(self) -> None:
        pass

    @property
    def pictures_per_step(self) -> int:
        return 1


class Clock(Fit):
    """Training without training: yields the pictures shown at each evaluation."""

    def _evaluate(self, *_: Any) -> int:  # type: ignore[override]
        return self.stream.shown


def clock(images: int, batch: int, take: int, every: float, unit: str, **budget: float) -> Clock:
    config = TrialConfig(
        data=DataConfig(size=28),
        model=ModelConfig(width=4, latent_dim=1),
        train=TrainConfig(batch_size=batch, **budget),
        evaluate=EvaluateConfig(every=every, unit=unit),
        collapse=CollapseConfig(),
    )
    run = Clock(config, np.zeros((images, 28, 28, 3), np.uint8), MeanPicture())
    run.step = NoStep(take)  # type: ignore[assignment]
    return run


@settings(max_examples=40, deadline=None)
@given(
    images=st.integers(8, 400),
    batch=st.integers(2, 8),
    take=st.integers(1, 3),
    every=st.integers(1, 40),
    budget=st.integers(1, 60),
)
def test_evaluations_come_at_multiples_of_the_interval_and_at_the_end(
    images: int, batch: int, take: int, every: int, budget: int
) -> None:
    """Tenths of epochs, which floats cannot hold: 1.1 epochs of 300 pictures are 330, not 330.00000000000006."""
    run = clock(images, batch, take, every / 10, "epochs", epochs=budget / 10)
    whole, interval = Fraction(budget * images, 10), Fraction(every * images, 10)
    targets = [interval * k for k in range(1, math.ceil(whole / interval))] + [whole]
    # An evaluation comes after the first step that reaches its target; targets that one step passes share one.
    step = batch * take
    expected = sorted({math.ceil(target / step) * step for target in targets})
    assert list(run) == expected
    assert next(run, None) is None


def test_a_quotient_that_floats_round_down_is_no_extra_evaluation() -> None:
    assert 0.3 / 0.1 < 3
    assert list(clock(100, 10, 1, 0.1, "kimg", kimg=0.5)) == [100, 200, 300, 400, 500]


@pytest.mark.parametrize("unit", ["epochs", "kimg"])
@pytest.mark.parametrize("every", [1e-9, 0.100000001, 0.1 + 0.2, 1 / 3])
def test_kimg_strictly_grows_whatever_the_interval(unit: str, every: float) -> None:
    shown = list(clock(100, 10, 1, every, unit, kimg=0.3))
    assert shown == sorted(set(shown))
    assert shown[-1] == 300


def test_a_budget_smaller_than_a_batch_is_one_step() -> None:
    assert list(clock(100, 10, 1, 1.0, "epochs", kimg=1e-9)) == [10]


def test_epochs_and_kimg_are_two_names_for_one_clock() -> None:
    assert kimg_of(2.5, "epochs", 4000) == kimg_of(10.0, "kimg", 4000) == 10
    assert pictures_of(10.0) == 10_000
    assert pictures_of(0.1 + 0.2) == 300
    assert pictures_of(0.3001) == 301
    by_epochs = clock(200, 8, 1, 0.5, "epochs", epochs=2.0)
    by_kimg = clock(200, 8, 1, 0.1, "kimg", kimg=0.4)
    assert list(by_epochs) == list(by_kimg) == [104, 200, 304, 400]


# What evaluations say


def test_an_evaluation_counts_what_was_shown(pictures: Make, trial_config: Make) -> None:
    run = fit(trial_config(epochs=3.0), pictures(), MeanPicture())
    evaluations = list(run)
    assert [evaluation.kimg for evaluation in evaluations] == [0.04, 0.08, 0.12]
    assert [evaluation.epoch for evaluation in evaluations] == [1, 2, 3]
    assert [evaluation.step for evaluation in evaluations] == [5, 10, 15]
    assert [evaluation.last for evaluation in evaluations] == [False, False, True]
    assert all(evaluation.seconds_train > 0 < evaluation.seconds_eval for evaluation in evaluations)
    assert evaluations[0].real_similarity == 0.25


def test_pictures_shown_to_a_critic_count_every_time(pictures: Make, trial_config: Make) -> None:
    run = fit(trial_config(loss="wgan-gp", epochs=2.0), pictures(), MeanPicture())
    first, second = run
    assert (first.kimg, first.step, second.kimg, second.step) == (0.04, 1, 0.08, 2)
    assert not first.probabilities


def test_the_grid_shows_the_fixed_latents_through_the_average(pictures: Make, trial_config: Make) -> None:
    run = fit(trial_config(epochs=1.0), pictures(), MeanPicture())
    (evaluation,) = run
    expected = run.step.sample(fixed_latents(GRID, 16))
    assert evaluation.made.shape == (GRID, 32, 32, 3)
    assert evaluation.made.dtype == np.uint8
    assert np.array_equal(evaluation.made, expected.permute(0, 2, 3, 1).numpy())
    assert evaluation.pixel_std == pixel_std(expected)
    assert evaluation.similarity == pairwise_similarity(expected)


def test_metrics_are_always_taken_from_the_same_latents(pictures: Make, trial_config: Make) -> None:
    scorer = MeanPicture()
    run = fit(trial_config(epochs=2.0), pictures(), scorer)
    first, second = run
    for evaluation in (first, second):
        assert evaluation.score is not None
    latents = fixed_latents(5, 16)
    assert torch.equal(
        scorer.seen[1], torch.cat([run.step.sample(latents[:3]), run.step.sample(latents[3:])])
    )
    assert not torch.equal(scorer.seen[0], scorer.seen[1])


def test_learning_rates_fall_at_milestones_in_epochs(pictures: Make, trial_config: Make) -> None:
    config = trial_config(epochs=4.0, lr_g=0.002, lr_d=0.004, gamma=0.5, milestones=[1.0, 3.0])
    config = config.model_copy(update={"evaluate": EvaluateConfig(every=0.2, n_fake=5)})  # after every step
    evaluations = list(fit(config, pictures(), MeanPicture()))
    # The step that ends epoch 1 is still the old rate's; the first one of epoch 2 is not.
    factors = [1.0] * 5 + [0.5] * 10 + [0.25] * 5
    assert [e.lr_g for e in evaluations] == pytest.approx([0.002 * factor for factor in factors])
    assert [e.lr_d for e in evaluations] == pytest.approx([0.004 * factor for factor in factors])


# The same numbers twice, and cut in pieces


TRICKS: dict[str, Any] = {
    **{"diffaugment": ["color", "translation"], "ada_target": 0.1, "ada_kimg": 0.1, "instance_noise": 0.3},
    **{"soft_labels": 0.1, "label_flip_p": 0.1, "equalize_p": 0.3, "r1_gamma": 1.0, "r1_every": 3},
    "model": {"d_norm": "spectral", "d_dropout": 0.2},
}
"""Those that draw numbers or change in training."""
PENALTIES: dict[str, Any] = {
    **{"loss": "rpgan", "r1_gamma": 1.0, "r2_gamma": 1.0, "r2_every": 2, "dragan_weight": 1.0, "gp_every": 3},
    **{"precision": "bf16", "diffaugment": ["color"]},
}


def run_of(config: TrialConfig, pictures: np.ndarray, seed: int = 0, **options: Any) -> Fit:
    return fit(config, pictures, MeanPicture(), seed=seed, **options)


@pytest.mark.parametrize("options", [{}, {"loss": "wgan-gp", "critic_steps": 2}, {"precision": "bf16"}])
def test_the_same_configuration_and_seed_give_the_same_numbers(
    options: dict[str, Any], pictures: Make, trial_config: Make
) -> None:
    config = trial_config(augment_p=0.3, gamma=0.5, milestones=[1.0], **options)
    first, second = run_of(config, pictures()), run_of(config, pictures())
    assert [plain(evaluation) for evaluation in first] == [plain(evaluation) for evaluation in second]
    assert bits(first) == bits(second)
    other = run_of(config, pictures(), seed=1)
    assert plain(next(other))["grid"] != plain(next(run_of(config, pictures())))["grid"]


def test_another_process_gives_the_same_numbers(pictures: Make, trial_config: Make, tmp_path: Any) -> None:
    config = trial_config(epochs=1.0)
    np.save(tmp_path / "pictures.npy", pictures())
    code = """
import hashlib, json, sys
from ganlib.metrics import Extremes
import numpy as np, torch
from ganlib.config import TrialConfig
from ganlib.training.fit import Fit
class Scorer:
    def extremes(self, n_fake): return Extremes(0.2, 0.25, 2.0, 0.0)
    def score(self, generate, n_fake, extent): return None
torch.set_num_threads(int(sys.argv[3]))
config = TrialConfig.model_validate_json(sys.argv[1])
(e,) = Fit(config, np.load(sys.argv[2], mmap_mode="r"), Scorer(), seed=4)
print(json.dumps([e.loss_g, e.loss_d, e.score_real, hashlib.sha256(e.made.tobytes()).hexdigest()]))
"""
    threads = str(torch.get_num_threads())
    arguments = [config.model_dump_json(), str(tmp_path / "pictures.npy"), threads]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    (here,) = run_of(config, pictures(), seed=4)
    import hashlib

    digest = hashlib.sha256(here.made.tobytes()).hexdigest()
    assert json.loads(done.stdout) == [here.loss_g, here.loss_d, here.score_real, digest]


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    return checkpoint.load(checkpoint.dump(state), "state")


@pytest.mark.parametrize(
    "options", [{}, {"loss": "wgan-gp", "critic_steps": 2}, {"precision": "bf16"}, TRICKS, PENALTIES]
)
@pytest.mark.parametrize("done", [0, 1, 2])
def test_resuming_after_an_evaluation_goes_on_to_the_last_bit(
    done: int, options: dict[str, Any], pictures: Make, trial_config: Make
) -> None:
    config = trial_config(epochs=3.0, augment_p=0.3, gamma=0.5, milestones=[1.5], **options)
    whole = run_of(config, pictures())
    evaluations = [plain(evaluation) for evaluation in whole]
    begun = run_of(config, pictures())
    for _ in range(done):
        next(begun)
    again = run_of(config, pictures(), resume=through_a_file(begun.state()))
    assert [plain(evaluation) for evaluation in again] == evaluations[done:]
    assert bits(again) == bits(whole)


@pytest.mark.parametrize(
    ("steps", "options"), [(0, {}), (1, {}), (5, {}), (7, {}), (12, {}), (1, TRICKS), (7, TRICKS)]
)
def test_interrupting_after_any_step_goes_on_to_the_last_bit(
    steps: int, options: dict[str, Any], pictures: Make, trial_config: Make
) -> None:
    """40 pictures in batches of 6 also cut epochs and evaluations across batches."""
    config = trial_config(epochs=2.0, batch_size=6, augment_p=0.3, **options)
    whole = run_of(config, pictures())
    evaluations = [plain(evaluation) for evaluation in whole]
    begun, early = run_of(config, pictures(), interrupt=cut(steps)), []
    with pytest.raises(Interrupted):
        for evaluation in begun:
            early.append(plain(evaluation))
    assert begun.steps == steps
    again = run_of(config, pictures(), resume=through_a_file(begun.state()))
    # The interrupted interval's means are over all its steps, also those before the interruption.
    assert early + [plain(evaluation) for evaluation in again] == evaluations
    assert bits(again) == bits(whole)


@pytest.mark.parametrize("options", [{}, TRICKS, PENALTIES])
def test_an_evaluation_that_was_made_before_can_be_passed_over(
    options: dict[str, Any], pictures: Make, trial_config: Make
) -> None:
    """From any step before it, with interruptions: all that follows is the same to the last bit."""
    config = trial_config(epochs=3.0, batch_size=6, augment_p=0.3, **options)
    whole = run_of(config, pictures())
    evaluations = [plain(evaluation) for evaluation in whole]
    begun = run_of(config, pictures(), interrupt=cut(3))
    with pytest.raises(Interrupted):
        next(begun)
    asked = iter([False, False, True, False, True])
    again = run_of(
        config, pictures(), resume=through_a_file(begun.state()), interrupt=lambda: next(asked, False)
    )
    for evaluation in evaluations[:2]:
        while again.measured_kimg < evaluation["kimg"]:
            with suppress(Interrupted):
                again.pass_over(evaluation["kimg"])
    assert [plain(evaluation) for evaluation in again] == evaluations[2:]
    assert bits(again) == bits(whole)
    assert again._seconds == 0.0


def test_an_interrupted_run_can_simply_be_asked_again(pictures: Make, trial_config: Make) -> None:
    config = trial_config(epochs=1.0)
    asked = iter([False, False, True])
    run = run_of(config, pictures(), interrupt=lambda: next(asked, False))
    with pytest.raises(Interrupted):
        next(run)
    assert [plain(evaluation) for evaluation in run] == [plain(e) for e in run_of(config, pictures())]


def test_a_state_is_not_changed_by_training_on(pictures: Make, trial_config: Make) -> None:
    config = trial_config(epochs=3.0)
    run = run_of(config, pictures())
    next(run)
    state = run.state()
    rest = [plain(evaluation) for evaluation in run]
    for _ in range(2):
        assert [plain(e) for e in run_of(config, pictures(), resume=state)] == rest


def test_how_often_one_looks_does_not_change_what_is_seen(pictures: Make, trial_config: Make) -> None:
    often = run_of(trial_config(evaluate={"every": 0.2}), pictures())
    seldom = run_of(trial_config(evaluate={"every": 2.0}), pictures())
    (*_, last), (only,) = often, seldom
    assert bits(often) == bits(seldom)
    assert np.array_equal(last.made, only.made)


def test_a_longer_budget_goes_on_from_a_finished_run(pictures: Make, trial_config: Make) -> None:
    short = run_of(trial_config(epochs=1.0), pictures())
    list(short)
    longer = run_of(trial_config(epochs=2.0), pictures(), resume=through_a_file(short.state()))
    assert [evaluation.kimg for evaluation in longer] == [0.08]
    whole = run_of(trial_config(epochs=2.0), pictures())
    list(whole)
    assert bits(longer) == bits(whole)


# What goes wrong


def test_a_run_needs_a_budget(pictures: Make, trial_config: Make) -> None:
    config = trial_config()
    without = config.model_copy(update={"train": TrainConfig(batch_size=8)})
    with pytest.raises(RequestError, match=r"train\.epochs or train\.kimg"):
        fit(without, pictures(), MeanPicture())


def test_pictures_of_another_size_are_refused(pictures: Make, trial_config: Make) -> None:
    with pytest.raises(RequestError, match=r"data\.size is 32.*\(40, 28, 28, 3\)"):
        fit(trial_config(), pictures(size=28), MeanPicture())


def test_fewer_pictures_than_a_batch_are_refused(pictures: Make, trial_config: Make) -> None:
    with pytest.raises(RequestError, match=r"batch_size is 8.*only 7 pictures"):
        fit(trial_config(), pictures(7), MeanPicture())


def test_a_generator_that_is_no_longer_finite_is_not_scored(pictures: Make, trial_config: Make) -> None:
    scorer = MeanPicture()
    run = fit(trial_config(epochs=1.0), pictures(), scorer)
    with torch.no_grad():
        run.step.generator.layers[0].weight.fill_(float("nan"))
    (evaluation,) = run
    assert evaluation.score is None
    assert not scorer.seen
    assert math.isnan(evaluation.loss_g)
    assert math.isnan(evaluation.pixel_std)
    assert math.isnan(evaluation.similarity)


def test_features_that_are_not_finite_are_no_score(pictures: Make, trial_config: Make) -> None:
    class Refuses(MeanPicture):
        def score(self, generate: Callable[[int], Tensor], n_fake: int, extent: str) -> Score:
            raise NonFiniteError("features are NaN")

    (evaluation,) = fit(trial_config(epochs=1.0), pictures(), Refuses())
    assert evaluation.score is None
    assert math.isfinite(evaluation.loss_g)


def test_an_error_in_the_evaluator_surfaces(pictures: Make, trial_config: Make) -> None:
    class Breaks(MeanPicture):
        def score(self, generate: Callable[[int], Tensor], n_fake: int, extent: str) -> Score:
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        next(fit(trial_config(epochs=1.0), pictures(), Breaks()))


@pytest.mark.parametrize("size", [28, 64])
def test_with_the_real_evaluator(size: int, pictures: Make, trial_config: Make) -> None:
    images = pictures(24, size)
    config = trial_config(size=size, epochs=2.0, evaluate={"every": 2.0, "n_fake": 8, "kid_subset_size": 8})
    evaluator = Evaluator(images, "discs", config.evaluate)
    first, second = ([plain(e) for e in fit(config, images, evaluator)] for _ in range(2))
    assert first == second
    score = first[0]["score"]
    assert score["fid"] > 0
    assert (score["n_fake"], score["n_real"]) == (8, 16)  # 8 are held out for the floor
    assert 0 <= first[0]["real"]["similarity"] <= 1
    assert first[0]["real"]["pixel_std"] > 0
