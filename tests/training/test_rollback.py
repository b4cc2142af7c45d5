"""`collapse.policy: rollback`: a run that dies goes on from its last healthy checkpoint, but not for ever."""

from pathlib import Path

import pytest
import torch
from helpers.sweeps.commands import fine
from helpers.training.networks import MeanPicture

from ganlib.steps.adversarial import AdversarialStep
from ganlib.training.fit import Fit
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder

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
