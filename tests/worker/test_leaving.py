"""A trial whose machine is about to go leaves a checkpoint after its step, and goes on elsewhere."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.sweeps.commands import TINY, fine

from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder
from sweep.worker.faults import fault_of
from sweep.worker.lent import Lent
from sweep.worker.messages import Assignment
from sweep.worker.trial_run import TrialRun

TIMES = {"seconds_train", "seconds_eval", "time", "attempt"}


def metrics(folder: Path) -> list[dict]:
    rows = Store(open_folder(folder) / "tiny").rows("metrics")
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def after_steps(count: int) -> Callable[[], str]:
    """A warning that comes before the next step but ``count``."""
    left = iter(range(count))
    return lambda: "" if next(left, None) is not None else "its machine is being taken away"


@pytest.mark.parametrize("timeout", [0.0, 600.0])
def test_a_trial_moves_and_loses_no_step(
    timeout: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spec.yaml").write_text(TINY)
    fine("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path / "alone")
    left: list[float] = []
    quiet = SimpleNamespace(
        dump_traceback_later=lambda *_, **__: None, cancel_dump_traceback_later=lambda: None
    )
    monkeypatch.setattr("sweep.worker.watchdog.faulthandler", quiet)

    def run(self: object, director: Director, beat: Callable[[], None]) -> None:
        """As a runner does it whose machines last for five steps."""
        while isinstance(assignment := director.next(), Assignment):
            trial = TrialRun(replace(assignment, timeout=timeout), Lent(leaving=after_steps(5)))
            try:
                for report in trial:
                    if not director.report(report):
                        break
            except Exception as error:
                assert trial.fit is not None
                left.append(trial.fit.kimg)
                director.fail(assignment.trial, assignment.attempt, fault_of(error))
            trial.close()

    monkeypatch.setattr("sweep.runners.local.LocalRunner.run", run)
    fine(
        "run",
        tmp_path / "spec.yaml",
        "--local",
        "--storage",
        tmp_path / "moved",
        "--set",
        "resources.max_failures=0",
    )
    assert len(left) >= 2
    assert metrics(tmp_path / "moved") == metrics(tmp_path / "alone")
    store = Store(open_folder(tmp_path / "moved") / "tiny")
    moved = [row for row in store.rows("events") if row["kind"] == "preempted"]
    assert len(moved) == len(left)
    assert json.loads(moved[0]["detail"])["reason"] == "PreemptedError: its machine is being taken away"
    assert sum(row["preemptions"] for row in store.rows("trials")) == len(left)
    assert all(row["failures"] == 0 for row in store.rows("trials"))
    assert "preempted: trial" in fine("show", "tiny", "--storage", tmp_path / "moved")
    fine("check", "tiny", "--storage", tmp_path / "moved")
