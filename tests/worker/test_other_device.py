"""A sweep that was begun on a GPU goes on on a CPU, and says what that has changed."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.sweeps.commands import TINY, fine, run

from ganlib.steps.adversarial import AdversarialStep
from ganlib.training import checkpoint
from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder
from sweep.worker.messages import Assignment, Evaluated
from sweep.worker.trial_run import TrialRun


def only_begin(self: object, director: Director, beat: Callable[[], None]) -> None:
    """Stand in for a runner: the first trial ends behind its first evaluation, as if its process had been lost."""
    assignment = director.next()
    assert isinstance(assignment, Assignment)
    with closing(TrialRun(replace(assignment, timeout=0.0))) as trial:
        report = next(trial)
    assert isinstance(report, Evaluated)
    director.report(report)
    director.interrupt()


def test_a_checkpoint_of_a_gpu_goes_on_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spec.yaml").write_text(TINY)
    storage = ["--storage", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr("sweep.worker.checkpoints.SAVE_SECONDS", 0.0)
        patch.setattr("sweep.runners.local.LocalRunner.run", only_begin)
        assert run("run", tmp_path / "spec.yaml", "--local", *storage).exit_code == 1
    (path,) = (tmp_path / "tiny" / "checkpoints").glob("*/*.ckpt")
    state = checkpoint.load(path.read_bytes(), path.name)
    state["fit"]["step"]["random"] = torch.zeros(16, dtype=torch.uint8)
    path.write_bytes(checkpoint.dump(state))
    fine("resume", "tiny", "--local", *storage)
    (event,) = [
        row for row in Store(open_folder(tmp_path) / "tiny").rows("events") if row["kind"] == "reseeded"
    ]
    assert event["trial"] == 0
    assert "another kind of device than cpu" in json.loads(event["detail"])["reason"]
    assert "reseeded: trial 0: the checkpoint at 0.064 kimg is of another kind" in fine(
        "show", "tiny", *storage
    )
    fine("check", "tiny", *storage)


def test_steps_that_could_not_be_recorded_are_told_once_a_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spec.yaml").write_text(TINY)
    monkeypatch.setattr(AdversarialStep, "refused", "operation not permitted when stream is capturing")
    fine("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path)
    events = Store(open_folder(tmp_path) / "tiny").rows("events")
    told = [(row["trial"], json.loads(row["detail"])) for row in events if row["kind"] == "eager"]
    trials = {row["trial"] for row in Store(open_folder(tmp_path) / "tiny").rows("trials")}
    assert sorted(trial for trial, _ in told) == sorted(trials)
    assert "eager: trial" in fine("show", "tiny", "--storage", tmp_path)
