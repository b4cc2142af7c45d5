"""A trial whose machine is about to go leaves a checkpoint after its step, and goes on elsewhere."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.sweeps.commands import TINY, fine
from helpers.sweeps.commands import run as run_command

from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder
from sweep.worker.faults import fault_of
from sweep.worker.lent import Lent
from sweep.worker.messages import Assignment, Paused
from sweep.worker.trial_run import TrialRun

TIMES = {"seconds_train", "seconds_eval", "time", "attempt"}


def metrics(folder: Path) -> list[dict]:
    rows = Store(open_folder(folder) / "tiny").rows("metrics")
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def after_steps(count: int) -> Callable[[], str]:
    """A warning that comes before the next step but ``count``."""
    left = iter(range(count))
    return lambda: "" if next(left, None) is not None else "its machine is being taken away"


def while_measured(done: set[tuple[int, float]], runs: list[TrialRun]) -> Callable[[], str]:
    """A warning that comes in the midst of each evaluation of the last run that is not yet ``done``."""

    def leaving() -> str:
        run = runs[-1]
        if run.fit is None or not run.measures:
            return ""
        if (this := (run.assignment.trial, run.fit.kimg)) in done:
            return ""
        done.add(this)
        return "its machine is being taken away"

    return leaving


def moved(
    storage: Path, timeout: float, leaving: Callable[[list[TrialRun]], Callable[[], str]], patience: float
) -> list[float]:
    """Run a sweep as a runner does it whose machines are taken away; returns how far trials were then.

    Args:
        storage: Of the sweep.
        timeout: Of the assignments.
        leaving: Makes what is asked by a trial whether it is to leave, of the trials so far.
        patience: Seconds that are waited for an evaluation.
    """
    left: list[float] = []
    runs: list[TrialRun] = []
    quiet = SimpleNamespace(
        dump_traceback_later=lambda *_, **__: None, cancel_dump_traceback_later=lambda: None
    )

    def run(self: object, director: Director, beat: Callable[[], None]) -> None:
        while isinstance(assignment := director.next(), Assignment):
            lent = Lent(leaving=leaving(runs), patience=lambda: patience)
            runs.append(trial := TrialRun(replace(assignment, timeout=timeout), lent))
            try:
                for report in trial:
                    if not director.report(report):
                        break
            except Exception as error:
                assert trial.fit is not None
                left.append(trial.fit.kimg)
                director.fail(assignment.trial, assignment.attempt, fault_of(error))
            trial.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sweep.worker.watchdog.faulthandler", quiet)
        patch.setattr("sweep.runners.local.LocalRunner.run", run)
        options = ("--set", "resources.max_failures=0")
        (storage / "spec.yaml").write_text(TINY)
        fine("run", storage / "spec.yaml", "--local", "--storage", storage, *options)
    return left


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storage of a sweep that is left alone."""
    storage = tmp_path_factory.mktemp("leaving")
    (storage / "spec.yaml").write_text(TINY)
    fine("run", storage / "spec.yaml", "--local", "--storage", storage)
    return storage


def has_lost_nothing(storage: Path, alone: Path, left: list[float]) -> None:
    """A sweep whose trials have ``left`` their machines is as one that was left alone, and tells of it."""
    assert metrics(storage) == metrics(alone)
    store = Store(open_folder(storage) / "tiny")
    assert {row["status"] for row in store.rows("trials")} == {"finished"}
    told = [row for row in store.rows("events") if row["kind"] == "preempted"]
    assert len(told) == len(left)
    assert json.loads(told[0]["detail"])["reason"] == "PreemptedError: its machine is being taken away"
    assert sum(row["preemptions"] for row in store.rows("trials")) == len(left)
    assert all(row["failures"] == 0 for row in store.rows("trials"))
    assert "preempted: trial" in fine("show", "tiny", "--storage", storage)
    fine("check", "tiny", "--storage", storage)


@pytest.mark.parametrize("timeout", [0.0, 600.0])
def test_a_trial_moves_and_loses_no_step(timeout: float, alone: Path, tmp_path: Path) -> None:
    left = moved(tmp_path, timeout, lambda runs: after_steps(5), patience=5.0)
    assert len(left) >= 2
    has_lost_nothing(tmp_path, alone, left)


def test_a_trial_moves_and_loses_no_evaluation(slow: None, alone: Path, tmp_path: Path) -> None:
    left = moved(tmp_path, 600.0, partial(while_measured, set()), patience=0.0)
    assert left == [row["kimg"] for row in metrics(alone)], "in the midst of each, also of the last"
    has_lost_nothing(tmp_path, alone, left)


def test_an_interruption_in_the_midst_of_the_last_evaluation(
    alone: Path, slow: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Ctrl-C, which the lease tells to trials: `sweep resume` makes that evaluation."""
    (tmp_path / "spec.yaml").write_text(TINY)

    def run(self: object, director: Director, beat: Callable[[], None]) -> None:
        assignment = director.next()
        assert isinstance(assignment, Assignment)
        trial = TrialRun(replace(assignment, timeout=0.0), Lent(turn=60.0, patience=lambda: 0.0))
        while not isinstance(report := trial.advance(), Paused):
            if report is not None:
                director.report(report)
            assert trial.fit is not None
            trial._tenant.over = trial.measures and trial.fit.kimg == 0.128
        director.report(report)
        trial.close()

    with monkeypatch.context() as patch:
        patch.setattr("sweep.runners.local.LocalRunner.run", run)
        told = run_command("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path)
    assert told.exit_code == 1
    assert [row["kimg"] for row in metrics(tmp_path)] == [0.064]
    fine("resume", "tiny", "--local", "--storage", tmp_path)
    assert metrics(tmp_path) == metrics(alone)
    fine("check", "tiny", "--storage", tmp_path)
