"""Checkpoints that are written while training goes on."""

import itertools
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
from helpers.sweeps.commands import fine
from helpers.sweeps.driven import (
    EPOCHS,
    KIMGS,
    SPEC,
    checkpoints,
    driven,
    kept,
    records,
)

from sweep.driver.director import Director
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder
from sweep.worker.apart import Background
from sweep.worker.messages import Assignment, Evaluated, Fault, Paused, Report
from sweep.worker.pack import Pack
from sweep.worker.trial_run import TrialRun


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
