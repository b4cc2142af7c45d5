"""Trials that are taken up from a checkpoint of long ago."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.sweeps.commands import fine, small
from helpers.sweeps.driven import EPOCHS, KIMGS, SPEC, checkpoints, driven, kept, records, train

from ganlib.metrics import Evaluator
from ganlib.training.fit import Fit
from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder
from sweep.worker.messages import Evaluated

ROLLBACK = small(
    data={"count": 64},
    train={"lr_g": 1e-3, "epochs": EPOCHS},
    evaluate={"n_real": 32},
    collapse={"enabled": False, "policy": "rollback", "max_rollbacks": 1},
    search={"trials": 1},
)


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [row for row in Store(open_folder(folder / "small")).rows("events") if row["kind"] == kind]


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the evaluations that are really made."""
    count, score = [0], Evaluator.score

    def counted(self: Evaluator, *args: Any, **options: Any) -> Any:
        count[0] += 1
        return score(self, *args, **options)

    monkeypatch.setattr(Evaluator, "score", counted)
    return count


@pytest.mark.parametrize("told", [4, 3], ids=["recorded", "not-recorded"])
def test_a_lost_worker_costs_training_and_nothing_else(
    told: int,
    tmp_path: Path,
    seconds: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    alone: Any,
    scored: list[int],
) -> None:
    expected = records(alone()), kept(alone())
    seconds(math.inf)
    scored[0] = 0

    def drive(director: Director) -> None:
        first = train(director, 4, told)
        assert checkpoints(tmp_path) == []
        second = train(director)
        assert [r.kimg for r in (*first[:told], *second) if isinstance(r, Evaluated)] == KIMGS
        director.abandon()

    assert driven(tmp_path, drive, monkeypatch) == 0
    assert scored == [EPOCHS + 1], "each once, and the result"
    assert (records(tmp_path), kept(tmp_path)) == expected
    fine("check", "small", "--storage", tmp_path)


def test_training_is_not_done_a_third_time(
    tmp_path: Path, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, alone: Any
) -> None:
    def drive(director: Director) -> None:
        train(director, 3)
        train(director, 1)
        assert checkpoints(tmp_path) == ["001-000000000192-good.ckpt"]
        train(director)
        director.abandon()

    seconds(math.inf)
    assert driven(tmp_path, drive, monkeypatch) == 0
    assert records(tmp_path) == records(alone())


def test_what_is_on_record_stays_where_numbers_differ(
    tmp_path: Path, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: the second attempt computes something else, and what is on record and its best stay."""
    real = Fit.__init__

    def otherwise(self: Fit, *args: Any, **options: Any) -> None:
        real(self, *args, **options)
        with torch.no_grad():
            for weight in self.step.generator.parameters():
                weight.mul_(1.001)

    before: list[Any] = []

    def drive(director: Director) -> None:
        train(director, 4)
        before.extend([records(tmp_path)["metrics"], kept(tmp_path)])
        with monkeypatch.context() as patch:
            patch.setattr(Fit, "__init__", otherwise)
            train(director, 1)
        train(director)
        director.abandon()

    seconds(math.inf)
    assert driven(tmp_path, drive, monkeypatch) == 0
    rows, files = before
    assert records(tmp_path)["metrics"][:4] == rows
    grids = {path: data for path, data in files.items() if path.endswith(".png")}
    assert {path: data for path, data in kept(tmp_path).items() if path in grids} == grids
    (result,) = records(tmp_path)["results"]
    assert result["problem"] is None
    fine("check", "small", "--storage", tmp_path)


def test_a_damaged_history_costs_evaluations_and_nothing_else(
    tmp_path: Path,
    seconds: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    alone: Any,
    scored: list[int],
) -> None:
    expected = records(alone()), kept(alone())
    scored[0] = 0

    def drive(director: Director) -> None:
        train(director, 4)
        (history,) = (tmp_path / "small" / "checkpoints").rglob("*-history.json")
        history.write_bytes(history.read_bytes()[:-9])
        train(director)
        director.abandon()

    seconds(math.inf)
    assert driven(tmp_path, drive, monkeypatch) == 0
    assert scored == [4 + EPOCHS + 1]
    assert (records(tmp_path), kept(tmp_path)) == expected
    (event,) = events(tmp_path, "damaged_checkpoint")
    assert "-history.json" in json.loads(event["detail"])["path"]
    fine("check", "small", "--storage", tmp_path)


@pytest.mark.parametrize("lost", [2, 3, 4])
@pytest.mark.parametrize("torn", [0, 1, 3])
def test_a_rollback_is_the_same_whenever_a_worker_is_lost(
    torn: int,
    lost: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: Callable[[float], None],
    alone: Any,
) -> None:
    """It goes to the newest healthy evaluation, however seldom checkpoints are: torn ones are made again."""
    schedule = Fit._schedule

    def poisoned(self: Fit) -> None:
        schedule(self)
        if self.kimg == 0.144 and not self.rollbacks:  # in the third epoch
            with torch.no_grad():
                next(self.step.generator.parameters()).fill_(float("nan"))

    monkeypatch.setattr(Fit, "_schedule", poisoned)
    seconds(math.inf)

    def drive(director: Director) -> None:
        train(director, lost)
        for path in sorted((tmp_path / "small" / "checkpoints").rglob("*.ckpt"), reverse=True)[:torn]:
            path.write_bytes(path.read_bytes()[:1000])
        train(director)
        director.abandon()

    assert driven(tmp_path, drive, monkeypatch, ROLLBACK) == 0
    expected = alone(ROLLBACK)
    assert [row["rolled_back"] for row in records(expected)["metrics"]] == [False, False, True] + [False] * 3
    assert records(tmp_path) == records(expected)
    assert kept(tmp_path) == kept(expected)
    assert len(events(tmp_path, "rollback")) == 1
    fine("check", "small", "--storage", tmp_path)


def test_a_trial_that_is_stopped_keeps_where_it_was(
    tmp_path: Path, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = SPEC.replace("trials: 1", "trials: 3").replace(
        "lr_g: 0.001", "lr_g: {type: categorical, choices: [1e-3, 2e-3]}"
    )
    spec += "asha: {grace: 2, reduction: 3, max: 6}\nkeep: {stopped: all}\n"
    (tmp_path / "spec.yaml").write_text(spec)
    seconds(math.inf)
    fine("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path)
    stopped = [row for row in records(tmp_path)["trials"] if row["status"] == "stopped"]
    assert stopped
    for row in stopped:
        (path,) = (tmp_path / "small" / "checkpoints" / f"{row['trial']:05d}").glob("*.ckpt")
        assert path.name == f"000-{round(row['kimg'] * 1000):012d}.ckpt"
    fine("check", "small", "--storage", tmp_path)
