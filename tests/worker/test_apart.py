"""Signs of life while something long is measured: an evaluation in training, or the result of a trial."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner
from helpers.sweeps.commands import TIMES
from torch import Tensor

from ganlib.metrics import Evaluator, Score
from ganlib.training.fit import Interrupted
from sweep.cli import cli
from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder
from sweep.worker.apart import Apart
from sweep.worker.messages import Assignment, Pulse, Report
from sweep.worker.trial_run import TrialRun

SPEC = """
name: slow
data: {source: avatars, count: 64, size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: 1e-3, lr_d: 1e-3, epochs: 2, batch_size: 16}
evaluate: {every: 1, n_fake: 32, n_real: 32, batch_size: 8, kid_subsets: 2}
search: {trials: 1, seed: 3}
"""
SLOW = 0.1


def run_with(spec: Path, monkeypatch: pytest.MonkeyPatch, timeout: float) -> list[Report]:
    """Run a sweep as a worker under Ray does that is watched for signs of life (0: that is not watched)."""
    said: list[Report] = []

    def run(self: object, director: Director, beat: object) -> None:
        while isinstance(assignment := director.next(), Assignment):
            trial = TrialRun(replace(assignment, timeout=timeout))
            for report in trial:
                said.append(report)
                if not director.report(report):
                    break
            trial.close()

    with monkeypatch.context() as patch:
        patch.setattr("sweep.runners.local.LocalRunner.run", run)
        CliRunner().invoke(
            cli,
            ["run", str(spec), "--local", "--storage", str(spec.parent / f"{timeout:g}")],
            catch_exceptions=False,
        )
    return said


def while_measured(said: list[Report]) -> list[list[Report]]:
    """The signs of life during each measurement: training said none after its last step."""
    found: list[list[Report]] = []
    since = 0
    for index, report in enumerate(said):
        if not isinstance(report, Pulse):
            found.append([one for one in said[since:index] if one.kimg == report.kimg])
            since = index + 1
    return found


def rows(folder: Path) -> dict[str, list[dict]]:
    store = Store(open_folder(folder / "slow"))
    return {
        name: [{key: value for key, value in row.items() if key not in TIMES} for row in store.rows(name)]
        for name in ("metrics", "results", "events")
    }


def test_evaluations_and_results_are_heard_of_and_give_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Evaluator.score

    def slow(
        self: Evaluator, generate: Callable[[int], Tensor], n_fake: int | None = None, extent: str = "usual"
    ) -> Score:
        def slowly(count: int) -> Tensor:
            time.sleep(SLOW)
            return generate(count)

        return real(self, slowly, n_fake, extent)

    monkeypatch.setattr(Evaluator, "score", slow)
    monkeypatch.setattr("sweep.worker.trial_run.PULSE_SECONDS", SLOW / 4)
    quiet = SimpleNamespace(
        dump_traceback_later=lambda *_, **__: None, cancel_dump_traceback_later=lambda: None
    )
    monkeypatch.setattr("sweep.worker.watchdog.faulthandler", quiet)
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    said = run_with(spec, monkeypatch, timeout=600)
    assert [len(pulses) >= 3 for pulses in while_measured(said)] == [True] * 3, "each takes four batches"
    assert while_measured(run_with(spec, monkeypatch, timeout=0)) == [[], [], []]
    assert rows(tmp_path / "600") == rows(tmp_path / "0")


class Log:
    def __init__(self) -> None:
        self.said: list[str] = []

    def apart(self, seconds: float) -> Apart:
        return Apart(lambda: seconds, lambda: self.said.append("heard"), lambda: self.said.append("over"))


def test_work_goes_on_in_one_thread_while_it_is_asked_for() -> None:
    apart, go_on, threads = Log().apart(0.01), threading.Event(), []

    def work() -> int:
        threads.append(threading.current_thread())
        while not go_on.is_set():
            apart.alive()
            time.sleep(0.001)
        return len(threads)

    for number in (1, 2):
        go_on.clear()
        for _ in range(3):
            with pytest.raises(Interrupted):
                apart(work)
        go_on.set()
        assert apart(work) == number
    assert threads[0] is threads[1] is not threading.current_thread()


def test_nobody_says_of_work_that_hangs_that_it_lives() -> None:
    log, go_on = Log(), threading.Event()
    apart = log.apart(0.01)
    assert apart.lives()
    for _ in range(3):
        with pytest.raises(Interrupted):
            apart(lambda: go_on.wait(10))
        assert not apart.lives()
    apart.alive()
    assert apart.lives()
    assert not apart.lives()
    log.said.clear()
    go_on.set()
    while True:
        with contextlib.suppress(Interrupted):
            assert apart(lambda: False) is True
            break
    assert apart.lives()
    assert log.said == ["over", "heard"], "whoever takes the result is watched again"


def test_an_error_is_that_of_the_work() -> None:
    def work() -> None:
        raise TimeoutError("the disk")

    with pytest.raises(TimeoutError, match="the disk"):
        Log().apart(10)(work)


def test_work_that_is_left_ends_at_its_next_sign() -> None:
    apart, ended = Log().apart(0.01), threading.Event()

    def work() -> None:
        try:
            while True:
                apart.alive()
                time.sleep(0.001)
        finally:
            ended.set()

    with pytest.raises(Interrupted):
        apart(work)
    apart.leave()
    assert ended.is_set()


def test_the_thread_computes_with_as_many_threads() -> None:
    before = torch.get_num_threads()
    for count in (1, 2):
        torch.set_num_threads(count)
        assert Log().apart(10)(torch.get_num_threads) == count
    torch.set_num_threads(before)


def thread_of(apart: Apart) -> threading.Thread:
    return apart(threading.current_thread)


def test_a_trial_measures_in_the_thread_of_one_that_has_ended() -> None:
    first, beside = Log().apart(10), Log().apart(10)
    used, other = thread_of(first), thread_of(beside)
    assert used is not other
    first.leave()
    first.leave()
    again, third = Log().apart(10), Log().apart(10)
    assert thread_of(again) is used
    assert thread_of(third) not in (used, other), "one thread is of one trial"
    for apart in (beside, again, third):
        apart.leave()


def test_nobody_goes_on_in_a_thread_that_hangs() -> None:
    go_on, hanging = threading.Event(), Log().apart(0.01)
    with pytest.raises(Interrupted):
        hanging(lambda: go_on.wait(10))
    hanging.leave(wait=False)
    hanging.leave()
    following = Log().apart(10)
    assert following(lambda: True)
    go_on.set()
    following.leave()
