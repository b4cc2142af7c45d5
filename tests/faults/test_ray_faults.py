"""What a sweep under Ray survives: Ctrl-C, SIGTERM to all its processes, `kill -9` of its workers."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.programs.sweep_process import (
    Results,
    SweepProcess,
    check_whole,
    command_line,
    descendants,
    slow,
    undisturbed,
    write_spec,
)

pytestmark = [pytest.mark.slow, pytest.mark.ray]

KILLS = int(os.environ.get("SWEEP_KILLS", "4"))
"""Each takes ten seconds or more, until the next worker has started. docs/reliability.md has it with 20."""
TRIALS, EPOCHS = 3, max(16, 2 * KILLS)

Start = Callable[..., SweepProcess]


@pytest.fixture
def start(tmp_path: Path, cache: Path) -> Start:
    def start(*arguments: object, **options: Any) -> SweepProcess:
        log = tmp_path / f"{len(list(tmp_path.glob('*.log')))}.log"
        return SweepProcess(*arguments, "--storage", tmp_path, cache=cache, log=log, **options)

    return start


def in_the_middle(results: Results, pace: Path) -> bool:
    """Whether a trial has its result and all others are on their way, waiting at their next evaluation since then."""
    trials = results.trials()
    if not any(row["result"] is not None for row in trials.values()):
        return False  # without a look at the evaluations: what is looked at quickly is looked at often
    pace.touch()
    running = [results.evaluations(trial) for trial, row in trials.items() if row["status"] == "running"]
    return len(trials) == TRIALS and all(running) and any(count < EPOCHS - 1 for count in running)


def check_interrupted(results: Results) -> None:
    """Those that had not ended can go on, from checkpoints."""
    trials = results.trials()
    assert {row["status"] for row in trials.values()} == {"finished", "interrupted"}
    for trial, row in trials.items():
        assert row["ended"] is not None
        assert bool(results.checkpoints(trial)) == (row["result"] is None)


def kill_workers(run: SweepProcess, results: Results, kills: int, chance: random.Random) -> None:
    """Kill workers, one or two at a time, at any moment from their start to the midst of writing a checkpoint."""
    while kills > 0:
        workers = run.until("a worker", run.trial_workers)
        time.sleep(chance.random() / 2)
        for worker in chance.sample(workers, min(len(workers), chance.choice([1, 1, 2]))):
            try:
                os.kill(worker, signal.SIGKILL)
                kills -= 1
            except ProcessLookupError:
                pass
        recorded = results.evaluations()
        deadline = time.monotonic() + chance.random() * 8
        while time.monotonic() < deadline and results.evaluations() == recorded:
            time.sleep(0.05)


def test_sweep_outlives_ctrl_c_and_the_loss_of_its_workers(start: Start, tmp_path: Path, cache: Path) -> None:
    """Everything is on record once, with the numbers that an undisturbed run gives."""
    resources = f", max_failures: {KILLS}"
    spec = write_spec(tmp_path / "small.yaml", TRIALS, EPOCHS, resources=resources)
    expected = undisturbed(spec, cache, tmp_path / "undisturbed")
    assert expected.statuses() == ["finished"] * TRIALS
    assert len(expected.numbers()) == TRIALS * EPOCHS
    results, chance, pace = Results(tmp_path, "small"), random.Random(1), tmp_path / "pace"
    waiting = slow(pace)
    pace.unlink()

    with start("run", spec, **waiting) as run:
        kill_workers(run, results, KILLS // 2, chance)
        run.until("the middle", lambda: in_the_middle(results, pace))
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
        kill_workers(run, results, KILLS - KILLS // 2, chance)
        run.until("a restart", lambda: results.events("restart"))
        assert recorded.items() <= results.numbers().items()
        assert run.wait() == 0, run.text()
        restarted = {line["trial"] for line in run.json_lines() if line["event"] == "restart"}
    after = results.trials()
    assert restarted
    assert restarted <= {event["trial"] for event in results.events("restart")}
    for trial in restarted:
        assert after[trial]["attempt"] > before.get(trial, {"attempt": -1})["attempt"] + 1
    for trial, row in before.items():
        if row["result"] is not None:
            assert after[trial] == row  # it was not run again
    assert len(results.events("restart")) >= KILLS // 2
    assert results.statuses() == ["finished"] * TRIALS
    params = {trial: row["params"] for trial, row in expected.trials().items()}
    assert {trial: row["params"] for trial, row in after.items()} == params
    assert results.numbers() == expected.numbers()
    assert results.results() == expected.results()
    assert len(results.results()) == TRIALS
    check_whole(tmp_path)


def test_a_polite_end_of_all_its_processes(start: Start, tmp_path: Path, cache: Path) -> None:
    """As Slurm and systemd do it: SIGTERM to every process, Ray's own too, and again; SIGHUP to the group.

    And the driver does without torch, which would take seconds to load and hundreds of megabytes.
    """
    spec, results = write_spec(tmp_path / "small.yaml", 2, 2000), Results(tmp_path, "small")
    with start("run", spec, prefix=("env",)) as run:  # not as a copy of a process that has it
        run.until("an evaluation", lambda: results.evaluations())
        assert "libtorch" not in Path(f"/proc/{run.process.pid}/maps").read_text()
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
