"""Checkpoints that are written while training goes on, and trials that are taken up from one of long ago."""

import itertools
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from helpers.commands import TIMES, fine, run, small

from ganlib.metrics import Evaluator
from ganlib.training.fit import Fit
from sweep.driver.director import Director
from sweep.driver.events import Next
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder
from sweep.worker.apart import Background
from sweep.worker.messages import Assignment, Evaluated, Fault, Paused, Report
from sweep.worker.pack import Pack
from sweep.worker.trial_run import TrialRun

EPOCHS = 6
SPEC = small(
    data={"count": 64},
    train={"lr_g": 1e-3, "epochs": EPOCHS},
    evaluate={"n_real": 32},
    collapse={"enabled": False},
    search={"trials": 1},
)
ROLLBACK = small(
    data={"count": 64},
    train={"lr_g": 1e-3, "epochs": EPOCHS},
    evaluate={"n_real": 32},
    collapse={"enabled": False, "policy": "rollback", "max_rollbacks": 1},
    search={"trials": 1},
)
PASSING = TIMES | {"attempt", "failures"}
KIMGS = [round(0.064 * (i + 1), 3) for i in range(EPOCHS)]

Drive = Callable[[Director], None]


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the time between two checkpoints."""
    return lambda value: monkeypatch.setattr("sweep.worker.checkpoints.SAVE_SECONDS", value)


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


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [row for row in Store(open_folder(folder / "small")).rows("events") if row["kind"] == kind]


def kept(folder: Path) -> dict[str, bytes]:
    found = (path for path in (folder / "small").rglob("*") if path.suffix in (".safetensors", ".png"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "small" / "checkpoints").rglob("*.ckpt"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a sweep that is left alone, made once for each spec."""
    made: dict[str, Path] = {}

    def alone(spec: str = SPEC) -> Path:
        if spec not in made:
            made[spec] = tmp_path_factory.mktemp("alone")
            (made[spec] / "spec.yaml").write_text(spec)
            fine("run", made[spec] / "spec.yaml", "--local", "--storage", made[spec])
        return made[spec]

    return alone


# In the background


class Slow:
    """Holds back the writes of checkpoints until they may go on, or lets them fail."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.go_on, self.begun, self.full = threading.Event(), threading.Event(), False
        self.threads: set[threading.Thread] = set()
        write = LocalFolder.write

        def slowly(folder: LocalFolder, path: str, data: bytes) -> None:
            if path.endswith(".ckpt"):
                self.threads.add(threading.current_thread())
                self.begun.set()
                assert self.go_on.wait(60)
                if self.full:
                    raise StorageError("the disk is full")
            write(folder, path, data)

        patch.setattr(LocalFolder, "write", slowly)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    held = Slow(monkeypatch)
    yield held
    held.go_on.set()


def begin(director: Director) -> TrialRun:
    assignment = director.next()
    assert isinstance(assignment, Assignment)
    return TrialRun(replace(assignment, timeout=0.0))


def test_training_goes_on_while_a_checkpoint_is_written(
    tmp_path: Path, slow: Slow, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drive(director: Director) -> None:
        with closing(begin(director)) as trial:
            said = [next(trial) for _ in range(4)]
            assert [report.kimg for report in said] == KIMGS[:4]
            assert slow.begun.wait(10)
            assert checkpoints(tmp_path) == []
            slow.go_on.set()
        # Only the first: while it was being written, none was due.
        assert checkpoints(tmp_path) == ["000-000000000064-good.ckpt"]
        for report in said:
            director.report(report)
        director.interrupt()

    seconds(0.0)
    driven(tmp_path, drive, monkeypatch)
    assert threading.current_thread() not in slow.threads


def test_what_is_written_is_what_was(
    tmp_path: Path, slow: Slow, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, alone: Any
) -> None:
    """Not what training has made of it meanwhile: who goes on from it comes to the same end."""

    def drive(director: Director) -> None:
        with closing(begin(director)) as trial:
            for _ in range(3):
                director.report(next(trial))
            slow.go_on.set()
        director.interrupt()

    seconds(0.0)
    assert driven(tmp_path, drive, monkeypatch) == 1
    assert len(checkpoints(tmp_path)) == 1
    fine("resume", "small", "--local", "--storage", tmp_path)
    assert records(tmp_path) == records(alone())
    assert kept(tmp_path) == kept(alone())


def test_a_pause_is_told_when_its_checkpoint_lies_there(
    tmp_path: Path, slow: Slow, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[Report, list[str]]] = []

    def drive(director: Director) -> None:
        with closing(begin(director)) as trial:
            director.report(next(trial))
            trial._tenant.over = True

            def pause() -> None:
                said.append((next(trial), checkpoints(tmp_path)))

            asked = threading.Thread(target=pause)
            asked.start()
            assert slow.begun.wait(10)
            time.sleep(0.05)
            assert said == []
            slow.go_on.set()
            asked.join(60)
        director.report(said[0][0])
        director.interrupt()

    seconds(math.inf)
    driven(tmp_path, drive, monkeypatch)
    ((report, there),) = said
    assert isinstance(report, Paused)
    assert there == ["000-000000000064.ckpt"]


def test_an_error_of_the_disk_comes_with_the_next_report(
    tmp_path: Path, slow: Slow, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, alone: Any
) -> None:
    def drive(director: Director) -> None:
        with closing(begin(director)) as trial:
            director.report(next(trial))
            slow.full = True
            slow.go_on.set()
            trial.checkpoints._background._thread.submit(lambda: None).result()
            with pytest.raises(StorageError, match="the disk is full"):
                next(trial)
        director.fail(0, 0, Fault("storage", "the disk is full"))

    seconds(0.0)
    assert driven(tmp_path, drive, monkeypatch) == 1
    assert checkpoints(tmp_path) == []
    assert [row["kimg"] for row in records(tmp_path)["metrics"]] == KIMGS[:1]
    slow.full = False
    fine("resume", "small", "--local", "--storage", tmp_path)
    # What had been evaluated when the disk was full was not measured again.
    assert records(tmp_path) == records(alone())


def test_the_end_waits_and_a_neighbour_does_not(
    tmp_path: Path, slow: Slow, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two trials in one process: the first is held back at its end."""
    monkeypatch.setattr("sweep.worker.pack.TURN_SECONDS", 1e-3)
    before: list[Report] = []

    def drive(director: Director) -> None:
        pack = Pack(0.0, 2)
        first, second = (director.next() for _ in range(2))
        assert isinstance(first, Assignment)
        assert isinstance(second, Assignment)
        pack.begin(first)
        begun = False
        while len(pack):
            for attempt, report in pack.round():
                assert not isinstance(report, Fault), report
                if not slow.go_on.is_set():
                    before.append(report)
                (pack.want if director.report(report) else pack.leave)(attempt)
            if slow.begun.is_set() and not begun:
                begun = True
                pack.begin(second)
            if sum(isinstance(r, Evaluated) and r.trial == 1 for r in before) == EPOCHS - 1:
                slow.go_on.set()

    seconds(math.inf)
    two = SPEC.replace("trials: 1", "trials: 2") + 'resources: {packing: "on", max_concurrent: 2}\n'
    assert driven(tmp_path, drive, monkeypatch, two) == 0
    told = Counter(report.trial for report in before if isinstance(report, Evaluated))
    assert told == {0: EPOCHS - 1, 1: EPOCHS - 1}, "the last report promises a checkpoint"
    fine("check", "small", "--storage", tmp_path)


def test_one_thing_at_a_time_and_an_error_stays() -> None:
    background, order, held = Background("test"), [], threading.Event()

    def first() -> None:
        held.wait(10)
        order.append(1)

    def fail() -> None:
        raise StorageError("gone")

    background(first)
    assert background.busy
    background.check()
    held.set()
    background(lambda: order.append(2))
    background.wait()
    assert order == [1, 2]
    background(fail)
    for ask in (background.wait, background.check, lambda: background(first)):
        with pytest.raises(StorageError, match="gone"):
            ask()
    background.leave()


# From a checkpoint of long ago


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


def test_slow_intervals_have_a_checkpoint_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=16.0)
    seen: list[list[str]] = []

    def drive(director: Director) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("sweep.worker.checkpoints.time", SimpleNamespace(monotonic=lambda: next(clock)))
            with closing(begin(director)) as trial:
                for _ in range(3):
                    director.report(next(trial))
                    trial.checkpoints.settle()
                    seen.append(checkpoints(tmp_path))
        director.interrupt()

    driven(tmp_path, drive, monkeypatch)
    names = [f"000-{round(kimg * 1000):012d}-good.ckpt" for kimg in KIMGS]
    assert seen == [names[:1], names[:2], names[1:3]]


# What evaluations measure


@pytest.mark.parametrize(("metric", "on_the_way"), [("kid", False), ("mmd", True), ("mind", True)])
def test_evaluations_measure_what_trials_are_ranked_by_and_results_all(
    metric: str, on_the_way: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small(train={"epochs": 1}, search={"trials": 1, "metric": metric})
    assert driven(tmp_path, train, monkeypatch, spec) == 0
    told = records(tmp_path)
    for name in ("mmd", "mmd_se", "mind"):
        assert {row[name] is not None for row in told["metrics"]} == {on_the_way}
        assert {row[name] is not None for row in told["results"]} == {True}
    assert told["trials"][0]["result"] == told["results"][0][metric]
    assert {math.isfinite(row[metric]) for row in told["metrics"]} == {True}
