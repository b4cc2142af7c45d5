"""What trials under Ray survive that are trained in one process: its end, its stop, Ctrl-C, and the driver's end."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.programs.sweep_process import (
    Results,
    SweepProcess,
    check_whole,
    command_line,
    descendants,
    undisturbed,
    waited_for,
    write_spec,
)

pytestmark = [pytest.mark.slow, pytest.mark.ray]

TRIALS, EPOCHS = 4, 12
TITLE = b"ray::PackProcess"
SILENT = 20
"""Seconds until a process counts as stuck: more than a healthy one needs on a busy machine."""


def alive(pid: int) -> bool:
    return command_line(pid).startswith(TITLE)


def more(results: Results, *trials: int) -> Callable[[], bool]:
    """Whether each of some trials has been evaluated since."""
    before = {trial: results.evaluations(trial) for trial in trials}
    return lambda: all(results.evaluations(trial) > count for trial, count in before.items())


def packs(run: SweepProcess) -> list[int]:
    return [pid for pid in descendants(run.process.pid) if command_line(pid).startswith(TITLE)]


def test_a_pack_outlives_what_ends_it_and_its_driver(tmp_path: Path, cache: Path) -> None:
    """Trials whose process ended or was stopped go on in processes of their own, the others in another pack."""
    spec = write_spec(tmp_path / "small.yaml", TRIALS, EPOCHS, resources=f", packing: on, timeout: {SILENT}")
    expected = undisturbed(spec, cache, tmp_path / "undisturbed", "--set", "resources.packing=off")
    results, storage = Results(tmp_path, "small"), ["--storage", tmp_path]
    with SweepProcess("run", spec, *storage, cache=cache, log=tmp_path / "0.log") as run:
        run.until("both", more(results, 0, 1))
        run.signal(signal.SIGINT)
        assert run.wait() == 1, run.text()
        assert not packs(run)
    assert "interrupted" in results.statuses()
    with SweepProcess("resume", "small", *storage, cache=cache, log=tmp_path / "1.log") as run:
        run.until("both go on", more(results, 0, 1))
        (pack,) = packs(run)
        os.kill(pack, signal.SIGKILL)
        run.until("both again", lambda: len(results.events("restart")) == 2)
        run.until("the others", more(results, 2, 3))
        (orphan,) = packs(run)
        run.kill()
    ended = [json.loads(event["detail"]) for event in results.events("restart")]
    assert [(event["kind"], event["failures"]) for event in ended] == [("died", 1)] * 2
    assert all("the process ended that trained it" in event["reason"] for event in ended)
    waited_for(lambda: not alive(orphan), lambda: "the pack of a dead driver trains on")
    with SweepProcess("resume", "small", *storage, cache=cache, log=tmp_path / "2.log") as run:
        run.until("the others go on", more(results, 2, 3))
        (stopped,) = packs(run)
        os.kill(stopped, signal.SIGSTOP)
        assert run.wait() == 0, run.text()
    assert {
        event["trial"]: json.loads(event["detail"])["failures"] for event in results.events("restart")
    } == {trial: 1 for trial in range(TRIALS)}
    assert any(f"no sign of life for {SILENT} s" in event["detail"] for event in results.events("restart"))
    assert results.statuses() == ["finished"] * TRIALS
    assert results.numbers() == expected.numbers()
    assert results.results() == expected.results()
    check_whole(tmp_path)
