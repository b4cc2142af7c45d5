"""What befalls trials of one process, and all of them at once: they end as trials alone would."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.sweeps.commands import fine, run
from helpers.sweeps.packed import PACKED, events, rows, weights, without_packing

from ganlib.steps.adversarial import AdversarialStep
from sweep.driver.director import Director
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Fault
from sweep.worker.pack import Pack
from sweep.worker.trial_run import TrialRun


def test_all_leave_a_machine_that_is_taken_away_and_lose_no_step(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, told = [0], list[tuple[int, str]]()
    failed = Director.fail

    def leaving() -> str:
        asked[0] += 1
        return "its machine is being taken away" if asked[0] > 12 and len(told) < 2 else ""

    def fail(self: Director, trial: int, attempt: int, fault: Fault) -> None:
        told.append((trial, fault.kind))
        failed(self, trial, attempt, fault)

    made = Pack.__init__
    monkeypatch.setattr(Pack, "__init__", lambda self, *given: made(self, *given, leaving=leaving))
    monkeypatch.setattr(Director, "fail", fail)
    storage = spec.parent / "left"
    fine("run", spec, "--local", "--storage", storage, *PACKED)
    assert sorted(told) == [(0, "preempted"), (1, "preempted")]
    folder = storage / "packed"
    assert {event["trial"] for event in events(folder, "preempted")} == {0, 1}
    assert not events(folder, "restart"), "it is no failure"
    assert weights(folder) == weights(alone)
    fine("check", "packed", "--storage", storage)


def test_one_is_sent_away_and_loses_no_step_and_the_other_stays(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds, turn = [0], Pack.round

    def send_away(self: Pack) -> Any:
        rounds[0] += 1
        if rounds[0] == 12:
            self.send_away((1, 0), "its worker was told to go")
        return turn(self)

    monkeypatch.setattr(Pack, "round", send_away)
    storage = spec.parent / "sent-away"
    fine("run", spec, "--local", "--storage", storage, *PACKED)
    folder = storage / "packed"
    assert [event["trial"] for event in events(folder, "preempted")] == [1]
    assert not events(folder, "restart"), "it is no failure"
    assert weights(folder) == weights(alone)
    fine("check", "packed", "--storage", storage)


def test_all_leave_in_the_midst_of_evaluations_and_lose_none(
    spec: Path, alone: Path, slow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these is interrupted until its trial has left in it once, also the last ones."""
    packs, left = list[Pack](), set[tuple[int, float]]()
    leave, made = TrialRun._leave_checkpoint, Pack.__init__

    def measured() -> set[tuple[int, float]]:
        runs = [slot.run for slot in packs[0]._slots.values()]
        return {(run.assignment.trial, run.fit.kimg) for run in runs if run and run.fit and run.measures}

    def leaving() -> str:
        return "its machine is being taken away" if measured() - left else ""

    def leave_checkpoint(self: TrialRun) -> None:
        assert self.fit is not None
        if self.measures:
            left.add((self.assignment.trial, self.fit.kimg))
        leave(self)

    def make(self: Pack, *given: Any) -> None:
        made(self, *given, leaving=leaving)
        packs.append(self)

    monkeypatch.setattr(Pack, "__init__", make)
    monkeypatch.setattr(TrialRun, "_leave_checkpoint", leave_checkpoint)
    storage = spec.parent / "midst"
    fine("run", spec, "--local", "--storage", storage, *PACKED, "--set", "resources.max_preemptions=50")
    folder = storage / "packed"
    assert {trial for trial, kimg in left if kimg == 0.192} == {0, 1, 2, 3}
    assert [row | {"attempt": 0} for row in rows(folder)["metrics"]] == [
        row | {"attempt": 0} for row in rows(alone)["metrics"]
    ]
    assert not events(folder, "restart")
    assert weights(folder) == weights(alone)
    fine("check", "packed", "--storage", storage)


def test_a_rollback_is_that_of_a_trial_alone(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = AdversarialStep.__call__
    seed = rows(alone)["trials"][1]["seed"]
    steps: Counter[int] = Counter()

    def step(self: AdversarialStep, batches: Any) -> None:
        entered(self, batches)
        steps[self.seed] += 1
        if self.seed == seed and steps[seed] == 6:  # in the second interval
            with torch.no_grad():
                next(self.generator.parameters()).fill_(torch.nan)

    monkeypatch.setattr(AdversarialStep, "__call__", step)
    found = {}
    for name, options in (("single", ()), ("packed", PACKED)):
        steps.clear()
        storage = spec.parent / f"back-{name}"
        fine("run", spec, "--local", "--storage", storage, "--set", "collapse.policy=rollback", *options)
        assert [event["trial"] for event in events(storage / "packed", "rollback")] == [1]
        found[name] = without_packing(rows(storage / "packed")), weights(storage / "packed")
        fine("check", "packed", "--storage", storage)
    assert found["packed"] == found["single"]


def test_a_full_disk_stops_all_and_fails_none(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote, full = LocalFolder.write, [3]

    def write(self: LocalFolder, path: str, data: bytes) -> None:
        if path.startswith("images/0"):  # a sample
            full[0] -= 1
            if full[0] < 0:
                raise StorageError(f"could not write '{path}': the disk is full")
        wrote(self, path, data)

    storage = ["--storage", spec.parent / "full"]
    folder = spec.parent / "full" / "packed"
    with monkeypatch.context() as patch:
        patch.setattr(LocalFolder, "write", write)
        done = run("run", spec, "--local", *storage, *PACKED)
        assert done.exit_code == 1
        assert "the disk is full" in done.output
        assert "Traceback" not in done.output
    assert not events(folder, "restart")
    assert all(row["failures"] == 0 for row in rows(folder)["trials"])
    fine("resume", "packed", "--local", *storage)
    assert weights(folder) == weights(alone)
    fine("check", "packed", *storage)
