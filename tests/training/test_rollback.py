"""`collapse.policy: rollback`: a run that dies goes on from its last healthy checkpoint, but not for ever."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.sweeps.commands import fine
from helpers.training.networks import MeanPicture
from helpers.training.steps import same

from ganlib.config import (
    CollapseConfig,
    DataConfig,
    EvaluateConfig,
    ModelConfig,
    PhotosConfig,
    TrainConfig,
    TrialConfig,
)
from ganlib.steps.adversarial import AdversarialStep
from ganlib.training import checkpoint
from ganlib.training.collapse import Signals, judge
from ganlib.training.fit import Fit
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder
from sweep.worker.rows import signals_of

SPEC = """
name: small
data: {source: avatars, count: 96, size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: {type: categorical, choices: [1e-3, 1.1e-3]}, batch_size: 16, epochs: 6}
evaluate: {every: 1, n_fake: 32, n_real: 48}
search: {sampler: grid, trials: 2}
collapse: {policy: rollback, lr_factor: 0.5, max_rollbacks: MOST, flat_std: 0.0, similarity: 1.0}
"""


def run(tmp_path: Path, most: int) -> Store:
    (tmp_path / "spec.yaml").write_text(SPEC.replace("MOST", str(most)))
    fine("run", str(tmp_path / "spec.yaml"), "--local", "--storage", str(tmp_path / "runs"))
    return Store(open_folder(tmp_path / "runs" / "small"))


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch):
    """Makes the generator of trials with the larger rate NaN whenever that many pictures have been shown."""

    def poison(*kimgs: float) -> None:
        original = Fit._schedule

        def schedule(self: Fit) -> None:
            original(self)
            if self.config.train.lr_g > 1e-3 and self.kimg in kimgs:
                with torch.no_grad():
                    next(self.step.generator.parameters()).fill_(float("nan"))

        monkeypatch.setattr(Fit, "_schedule", schedule)

    return poison


def split(store: Store) -> tuple[dict, dict]:
    """The row of the trial that is left alone, and of the poisoned one."""
    return tuple(sorted(store.rows("trials"), key=lambda row: row["param.train.lr_g"]))


def test_a_run_comes_back_and_its_clock_grows(tmp_path: Path, poison) -> None:
    poison(0.24)  # in the third epoch
    store = run(tmp_path, most=1)
    well, ill = split(store)
    assert (well["status"], ill["status"], ill["verdict"]) == ("finished", "finished", None)
    rows = store.part("metrics", ill["trial"])
    assert [row["verdict"] for row in rows] == [None, None, "non_finite", None, None, None]
    assert [row["rolled_back"] for row in rows] == [False, False, True, False, False, False]
    kimgs = [row["kimg"] for row in rows]
    assert kimgs == sorted(set(kimgs))
    # Smaller steps from there on; the other trial never slows down.
    assert [row["lr_g"] for row in rows] == pytest.approx([1.1e-3] * 3 + [0.55e-3] * 3)
    assert [row["lr_g"] for row in store.part("metrics", well["trial"])] == pytest.approx([1e-3] * 6)
    assert ill["best_value"] == min(row["kid"] for row in rows if row["verdict"] is None)
    (event,) = [row for row in store.rows("events") if row["kind"] == "rollback"]
    assert event["trial"] == ill["trial"]
    assert "not a finite number" in event["detail"]


def test_it_is_bounded(tmp_path: Path, poison) -> None:
    poison(0.144, 0.24, 0.336)
    store = run(tmp_path, most=2)
    _, ill = split(store)
    assert (ill["status"], ill["verdict"]) == ("collapsed", "non_finite")
    kinds = [row["kind"] for row in store.rows("events") if row["trial"] == ill["trial"]]
    assert kinds == ["rollback", "rollback", "collapse"]


def test_without_a_healthy_checkpoint_it_begins_anew(tmp_path: Path, poison) -> None:
    poison(0.048)  # before the first evaluation
    store = run(tmp_path, most=1)
    _, ill = split(store)
    assert ill["status"] == "finished"
    assert [row["verdict"] for row in store.part("metrics", ill["trial"])] == ["non_finite"] + [None] * 5


def test_at_the_last_step_there_is_nothing_to_go_on_with(tmp_path: Path, poison) -> None:
    poison(0.56)
    _, ill = split(run(tmp_path, most=3))
    assert (ill["status"], ill["verdict"]) == ("collapsed", "non_finite")


def test_fresh_noise_and_old_weights(pictures, trial_config) -> None:
    """Straight from the library: same weights, other random numbers, a clock that does not go back."""
    fit = Fit(trial_config(), pictures(), MeanPicture())
    next(fit)
    state = fit.state()
    next(fit)
    before = fit.kimg
    fit.roll_back(state, 0.5)
    assert fit.kimg == before
    assert fit.rollbacks == 1
    assert fit.lr_factor == 0.5
    step: AdversarialStep = fit.step
    for name, tensor in step.generator.state_dict().items():
        assert torch.equal(tensor, state["step"]["generator"][name])
    assert not torch.equal(step.random.get_state(), state["step"]["random"])
    assert {"rollbacks": 1, "lr_factor": 0.5}.items() <= fit.state().items()


AGES: dict[str, dict[str, Any]] = {
    "the average's ramp": {"model": {"width": 4, "latent_dim": 4}, "ema_kimg": 10.0},
    "growth": {
        "model": {"family": "stylegan", "width": 4, "latent_dim": 4},
        "grow_kimg": 0.03,
        "fade_kimg": 0.02,
    },
    "pretraining": {
        "model": {"family": "cartoongan", "width": 4, "blocks": 1},
        "pretrain": 1.0,
        "loss": "lsgan",
    },
}
"""Keys of what follows how long networks were trained."""


def aged(name: str, pictures, resume: dict[str, Any] | None = None) -> Fit:
    train = {"batch_size": 8, "precision": "fp32", "kimg": 0.4, **AGES[name]}
    translates = name == "pretraining"
    config = TrialConfig(
        data=DataConfig(size=32),
        photos=PhotosConfig(source="photos") if translates else None,
        model=ModelConfig(**train.pop("model")),
        train=TrainConfig(**train),
        evaluate=EvaluateConfig(every=0.08, unit="kimg", n_fake=16),
        collapse=CollapseConfig(),
    )
    photos = pictures(20, seed=1) if translates else None
    return Fit(config, pictures(), MeanPicture(), photos=photos, resume=resume)


def ages(fit: Fit, steps: int = 12) -> list[tuple]:
    """What the step is told of its networks' age, as it trains."""
    found = []
    for _ in range(steps):
        fit._train_until(fit.stream.shown + 1)
        growth = getattr(fit.step.generator, "growth", None)
        grown = None if growth is None else (growth.reached, growth.fading, growth.side)
        found.append((fit.step.averaging.keep.item(), fit.step.pretraining, grown))
    return found


@pytest.mark.parametrize("name", AGES)
def test_fresh_networks_are_young_whatever_the_clock_says(name: str, pictures) -> None:
    young = ages(aged(name, pictures))
    assert len({*young}) > 1, "there is something that follows the age"
    fit = aged(name, pictures)
    fit._train_until(200)
    assert ages(fit, 1)[0] != young[0]
    steps, kimg, epoch = fit.steps, fit.kimg, fit.epoch
    fit.roll_back(None, 0.5)
    assert (fit.steps, fit.kimg, fit.epoch) == (steps, kimg, epoch)
    assert ages(fit) == young


@pytest.mark.parametrize("name", AGES)
def test_fresh_networks_of_a_rollback_go_on_from_a_checkpoint_to_the_last_bit(name: str, pictures) -> None:
    fit = aged(name, pictures)
    fit._train_until(100)
    fit.roll_back(None, 0.5)
    fit._train_until(150)
    saved = checkpoint.load(checkpoint.dump(fit.state()), "saved")
    other = aged(name, pictures, resume=saved)
    assert other.restarted_at == fit.restarted_at
    assert ages(other) == ages(fit)
    assert same(fit.state()["step"], other.state()["step"])


def test_networks_of_a_checkpoint_are_as_old_as_they_were(pictures) -> None:
    fit = aged("growth", pictures)
    fit._train_until(40)
    older = fit.state()
    fit.roll_back(None, 0.5)
    began = fit.restarted_at
    assert began == (fit.stream.shown, fit.steps)
    fit._train_until(100)
    newer = fit.state()
    fit.roll_back(newer, 0.5)
    assert fit.restarted_at == began
    fit.roll_back(older, 0.5)
    assert fit.restarted_at == (0, 0)
    del older["restarted_at"]  # of an older version
    assert aged("growth", pictures, resume=older).restarted_at == (0, 0)


def test_fresh_networks_are_judged_when_they_have_warmed_up(pictures, trial_config) -> None:
    config = trial_config(epochs=6.0, collapse={"warmup_steps": 6, "patience": 1})
    fit = Fit(config, pictures(), MeanPicture())  # with an evaluation at every fifth step
    verdicts: list[bool] = []
    history: list[Signals] = []
    for evaluation in fit:
        history.append(replace(signals_of(evaluation), pixel_std=1e-6))  # flat whenever it is judged
        verdicts.append(judge(history, config.collapse) is not None)
        if verdicts[-1] and not fit.rollbacks:
            fit.roll_back(None, 0.5)
            history.clear()
    assert verdicts == [False, True, False, True, True, True]
