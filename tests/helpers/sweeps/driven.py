"""Sweeps of one trial that tests drive by hand, and what they leave."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.sweeps.commands import TIMES, run, small
from sweep.driver.director import Director
from sweep.driver.events import Next
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS
from sweep.storage.opening import open_folder
from sweep.worker.messages import Fault, Report
from sweep.worker.trial_run import TrialRun

EPOCHS = 6
SPEC = small(
    data={"count": 64},
    train={"lr_g": 1e-3, "epochs": EPOCHS},
    evaluate={"n_real": 32},
    collapse={"enabled": False},
    search={"trials": 1},
)
PASSING = TIMES | {"attempt", "failures"}
KIMGS = [round(0.064 * (i + 1), 3) for i in range(EPOCHS)]
Drive = Callable[[Director], None]


def driven(folder: Path, drive: Drive, monkeypatch: pytest.MonkeyPatch, spec: str = SPEC) -> int:
    """Run a sweep with ``drive`` in the place of the local runner; returns the exit code."""
    folder.mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(spec)
    begun = (folder / "small" / "sweep.json").exists()
    command = ("resume", "small") if begun else ("run", folder / "spec.yaml")
    with monkeypatch.context() as patch:
        patch.setattr("sweep.runners.local.LocalRunner.run", lambda self, director, beat: drive(director))
        return run(*command, "--local", "--storage", folder).exit_code


def train(director: Director, most: float = math.inf, hand_in: float = math.inf) -> list[Report]:
    """Train what is handed out; the worker is lost after ``most`` evaluations, of which ``hand_in`` are told."""
    assignment = director.next()
    said: list[Report] = []
    if isinstance(assignment, Next):
        return said
    with closing(TrialRun(replace(assignment, timeout=0.0))) as trial:
        for report in trial:
            said.append(report)
            told = len(said) <= hand_in
            if (told and not director.report(report)) or len(said) >= most:
                break
    if len(said) >= most:
        director.fail(assignment.trial, assignment.attempt, Fault("died", "lost"))
    return said


def records(folder: Path) -> dict[str, list[dict[str, Any]]]:
    store = Store(open_folder(folder / "small"))
    return {
        name: [{k: comparable(v) for k, v in row.items() if k not in PASSING} for row in store.rows(name)]
        for name in SCHEMAS
        if name != "events"
    }


def comparable(value: object) -> object:
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def kept(folder: Path) -> dict[str, bytes]:
    found = (path for path in (folder / "small").rglob("*") if path.suffix in (".safetensors", ".png"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "small" / "checkpoints").rglob("*.ckpt"))
