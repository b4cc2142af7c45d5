"""What a sweep under Ray survives: Ctrl-C, SIGTERM to all its processes, `kill -9` of its workers."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.sweep_process import Results, SweepProcess, command_line, descendants, write_spec

pytestmark = [pytest.mark.slow, pytest.mark.ray]

TRIALS, EPOCHS = 3, 16

Start = Callable[..., SweepProcess]


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("spec") / "small.yaml", TRIALS, EPOCHS)


@pytest.fixture(scope="module")
def undisturbed(spec: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The same sweep, run without Ray and without a fault."""
    storage = tmp_path_factory.mktemp("undisturbed")
    with SweepProcess("run", spec, "--local", "--storage", storage, cache=cache, log=storage / "log") as run:
        assert run.wait() == 0, run.text()
    results = Results(storage, "small")
    assert results.statuses() == ["finished"] * TRIALS
    assert len(results.numbers()) == TRIALS * EPOCHS
    return results


@pytest.fixture
def start(tmp_path: Path, cache: Path) -> Start:
    def start(*arguments: object) -> SweepProcess:
        log = tmp_path / f"{len(list(tmp_path.glob('*.log')))}.log"
        return SweepProcess(*arguments, "--storage", tmp_path, cache=cache, log=log)

    return start


def in_the_middle(results: Results) -> bool:
    """Whether a trial has its result, and one on its way has so much left that it cannot end by surprise."""
    trials = results.trials()
    reached = {
        trial: results.evaluations(trial) for trial, row in trials.items() if row["status"] == "running"
    }
    return any(row["result"] is not None for row in trials.values()) and any(
        0 < count <= EPOCHS / 4 for count in reached.values()
    )


def check_interrupted(results: Results) -> None:
    """Those that had not ended can go on, from checkpoints."""
    trials = results.trials()
    assert {row["status"] for row in trials.values()} == {"finished", "interrupted"}
    for trial, row in trials.items():
        assert row["ended"] is not None
        assert bool(results.checkpoints(trial)) == (row["result"] is None)


def check_complete(results: Results, undisturbed: Results) -> None:
    """Everything is on record once, with the numbers that an undisturbed run gives."""
    assert results.statuses() == ["finished"] * TRIALS
    params = {trial: row["params"] for trial, row in undisturbed.trials().items()}
    assert {trial: row["params"] for trial, row in results.trials().items()} == params
    assert results.numbers() == undisturbed.numbers()
    assert results.results() == undisturbed.results()
    assert len(results.results()) == TRIALS


def test_sweep_outlives_ctrl_c_and_the_loss_of_its_workers(
    start: Start, spec: Path, tmp_path: Path, undisturbed: Results
) -> None:
    results = Results(tmp_path, "small")
    with start("run", spec) as run:
        run.until("the middle", lambda: in_the_middle(results))
        run.signal(signal.SIGINT)
        assert run.wait() == 1, run.text()
        assert "sweep resume small" in run.text()
        assert "Traceback" not in run.text()
    check_interrupted(results)
    before = results.trials()
    recorded = results.numbers()

    with start("resume", "small", "--json") as run:
        run.until("a new evaluation", lambda: results.evaluations() > len(recorded))
        recorded = results.numbers()
        for worker in run.until("a worker", run.trial_workers):
            os.kill(worker, signal.SIGKILL)
        run.until("a restart", lambda: results.events("restart"))
        assert recorded.items() <= results.numbers().items()
        assert run.wait() == 0, run.text()
        restarted = {line["trial"] for line in run.json_lines() if line["event"] == "restart"}
    after = results.trials()
    assert restarted == {event["trial"] for event in results.events("restart")}
    for trial in restarted:
        assert after[trial]["attempt"] > before.get(trial, {"attempt": -1})["attempt"] + 1
    for trial, row in before.items():
        if row["result"] is not None:
            assert after[trial] == row  # it was not run again
    check_complete(results, undisturbed)


def test_a_polite_end_of_all_its_processes(start: Start, tmp_path: Path, cache: Path) -> None:
    """As Slurm and systemd do it: SIGTERM to every process, Ray's own too, and again; SIGHUP to the group."""
    spec, results = write_spec(tmp_path / "small.yaml", 2, 2000), Results(tmp_path, "small")
    with start("run", spec) as run:
        run.until("an evaluation", lambda: results.evaluations())
        below = {pid: command_line(pid) for pid in descendants(run.process.pid)}
        for _ in range(2):
            for pid in (*below, run.process.pid):
                os.kill(pid, signal.SIGTERM)
            run.signal(signal.SIGHUP)
        assert run.wait() == 1, run.text()
        assert "Traceback" not in run.text()
        assert "sweep resume small" in run.text()
    assert set(results.statuses()) == {"interrupted"}
    assert results.checkpoints(0)
    assert not results.events("restart")
    assert not results.events("failure")
    deadline = time.monotonic() + 20
    while left := [pid for pid in below if command_line(pid)]:
        assert time.monotonic() < deadline, [below[pid] for pid in left]
        time.sleep(0.1)
