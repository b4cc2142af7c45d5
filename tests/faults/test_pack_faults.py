"""What trials under Ray survive that are trained in one process: `kill -9` of it, and Ctrl-C."""

import json
import os
import signal
from pathlib import Path

import pytest
from helpers.programs.sweep_process import (
    Results,
    SweepProcess,
    check_whole,
    command_line,
    descendants,
    undisturbed,
    write_spec,
)

pytestmark = [pytest.mark.slow, pytest.mark.ray]

TRIALS, EPOCHS = 4, 12
TITLE = b"ray::PackProcess"


def packs(run: SweepProcess) -> list[int]:
    return [pid for pid in descendants(run.process.pid) if command_line(pid).startswith(TITLE)]


def test_a_pack_outlives_the_loss_of_its_process_and_ctrl_c(tmp_path: Path, cache: Path) -> None:
    """The trials that it had go on in processes of their own, the others in another pack."""
    spec = write_spec(tmp_path / "small.yaml", TRIALS, EPOCHS, resources=", packing: on")
    alone = write_spec(tmp_path / "alone.yaml", TRIALS, EPOCHS, resources=", packing: off")
    expected = undisturbed(alone, cache, tmp_path / "undisturbed", "--set", "name=small")
    results, storage = Results(tmp_path, "small"), ["--storage", tmp_path]
    with SweepProcess("run", spec, *storage, cache=cache, log=tmp_path / "0.log") as run:
        run.until("both", lambda: results.evaluations(0) and results.evaluations(1))
        (pack,) = packs(run)
        os.kill(pack, signal.SIGKILL)
        run.until("both again", lambda: len(results.events("restart")) == 2)
        run.until("another pack", lambda: packs(run))
        run.until("the others", lambda: results.evaluations(2))
        run.signal(signal.SIGINT)
        assert run.wait() == 1, run.text()
        below = packs(run)
    assert not below
    for event in results.events("restart"):
        detail = json.loads(event["detail"])
        assert (detail["kind"], detail["failures"]) == ("died", 1)
        assert "the process ended that trained it" in detail["reason"]
    assert "interrupted" in results.statuses()
    with SweepProcess("resume", "small", *storage, cache=cache, log=tmp_path / "1.log") as run:
        run.until("a pack", lambda: packs(run))
        assert run.wait() == 0, run.text()
    assert results.statuses() == ["finished"] * TRIALS
    assert len(results.events("restart")) == 2
    assert results.numbers() == expected.numbers()
    assert results.results() == expected.results()
    check_whole(tmp_path)
