"""Training repeats itself, and can be cut anywhere."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training.networks import MeanPicture, bits, plain
from helpers.training.tricks import TRICKS

from ganlib.config import TrialConfig
from ganlib.training import checkpoint
from ganlib.training.fit import Fit, Interrupted, fit

Make = Callable[..., Any]


def cut(count: int) -> Callable[[], bool]:
    """An ``interrupt`` that lets ``count`` steps pass."""
    left = iter(range(count))
    return lambda: next(left, None) is None


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


def test_the_time_of_a_run_goes_on_while_others_have_their_turns(
    pictures: Make, trial_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stands still where it is not trained: between a checkpoint and the next process, while it is measured."""
    now = [100.0]
    monkeypatch.setattr("ganlib.training.fit.time.perf_counter", lambda: now[0])
    config, asked = trial_config(epochs=2.0), iter([False, False, True])
    run = run_of(config, pictures(), interrupt=lambda: next(asked, False))
    with pytest.raises(Interrupted):
        next(run)
    now[0] += 7
    state = through_a_file(run.state())
    assert next(run).seconds_train == 7
    now[0] += 20
    assert next(run).seconds_train == 0
    now[0] += 20
    resumed = run_of(config, pictures(), resume=state)
    assert next(resumed).seconds_train == 7


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
