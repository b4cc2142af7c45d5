"""What a sweep under Ray survives: workers that hang, stop, run out of memory, lack a package or lost their node."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.programs.sweep_process import Results, SweepProcess, check_whole, undisturbed, write_spec

from sweep.cli import cli
from sweep.driver.director import Director
from sweep.records import ledger
from sweep.records.ledger import SupersededError
from sweep.runners.nodes.ready import try_out
from sweep.storage import lease
from sweep.worker.messages import Assignment, Fault
from sweep.worker.trial_run import TrialRun

pytestmark = [pytest.mark.slow, pytest.mark.ray]

SILENT = 20
"""Seconds until a worker counts as stuck: more than a healthy one needs on a busy machine."""


def test_workers_that_hang_stop_or_run_out_of_memory(cache: Path, tmp_path: Path) -> None:
    """Six trials, five of them in trouble: each goes its own way, and no neighbour is harmed."""
    spec = write_spec(
        tmp_path / "small.yaml", trials=6, epochs=4, resources=f", timeout: {SILENT}, max_failures: 1"
    )
    expected = undisturbed(spec, cache, tmp_path / "undisturbed")
    faults = [
        {"trial": 0, "kimg": 0.2, "do": "hang", "mark": str(tmp_path / "hung")},
        {"trial": 1, "kimg": 0.2, "do": "stop", "mark": str(tmp_path / "stopped")},
        {"trial": 2, "kimg": 0.2, "do": "memory", "mark": str(tmp_path / "full")},
        {"trial": 3, "kimg": 0.2, "do": "memory"},
        {"trial": 4, "result": "before", "do": "kill", "mark": str(tmp_path / "unmeasured")},
    ]
    results = Results(tmp_path, "small")
    where = ("--storage", tmp_path)
    with SweepProcess("run", spec, *where, cache=cache, log=tmp_path / "run.log", faults=faults) as run:
        assert run.wait() == 0, run.text()
    trials = results.trials()
    assert [trials[n]["status"] for n in range(6)] == ["finished"] * 3 + ["failed", "finished", "finished"]
    restarts = {event["trial"]: event["detail"] for event in results.events("restart")}
    assert set(restarts) == {0, 1, 2, 3, 4}
    assert f"no sign of life for {SILENT} s" in restarts[1]
    assert '"kind": "memory"' in restarts[2]
    assert [trials[n]["share"] for n in range(6)] == [1, 1, 2, 2, 1, 1]
    assert [trials[n]["failures"] for n in range(6)] == [1, 1, 0, 1, 1, 0]
    assert "MemoryError" in trials[3]["failure"]
    assert "lower train.batch_size" in trials[3]["failure"]
    wanted = {key: value for key, value in expected.numbers().items() if key[0] != 3}
    assert {key: value for key, value in results.numbers().items() if key[0] != 3} == wanted
    # Also the one that failed: its best generator is kept and was measured.
    measured, wanted_results = results.results(), expected.results()
    assert set(measured) == set(range(6))
    assert trials[3]["result_kimg"] == measured.pop(3)[0] == 0.128
    assert measured == {trial: numbers for trial, numbers in wanted_results.items() if trial != 3}
    check_whole(tmp_path)


def test_a_worker_without_a_package_is_told_before_trials_start(cache: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "small.yaml", trials=1, epochs=1)
    where = ("--storage", tmp_path)
    missing = [{"worker": "safetensors.torch"}]
    with SweepProcess("run", spec, *where, cache=cache, log=tmp_path / "run.log", faults=missing) as run:
        assert run.wait() == 1, run.text()
        said = "cannot import what it needs (ModuleNotFoundError: No module named 'safetensors.torch')"
        assert said in run.text()
        assert "install the same" in run.text()
        assert "Traceback" not in run.text()
        assert "starts" not in run.text()
    assert not (tmp_path / "small" / "sweep.json").exists()


def test_a_worker_of_another_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it does anything else: what it would make of its orders nobody knows."""
    with monkeypatch.context() as there:
        there.setattr("sweep.__version__", "0.0.1")
        found = try_out("{}", "", "", "", 0.0, 1)
    assert found["code"] == 1
    assert re.fullmatch(
        r"has sweep 0\.0\.1, and the driver .*: install the same on all nodes", found["unfit"]
    )


def test_a_superseded_worker_leaves_the_files_alone(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The orphan of a lost node, up close: a new attempt is on record, and the old worker comes to an evaluation."""
    monkeypatch.setenv("SWEEP_CACHE", str(cache))
    taken: list[Assignment] = []

    def run(self: object, director: Director, beat: object) -> None:
        taken.append(director.next())
        orphan = TrialRun(replace(taken[0], timeout=0.0))
        assert director.report(next(orphan))
        director.fail(0, 0, Fault("died", "its node was lost"))
        director.next()
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        report = replace(orphan.history.reports[0], attempt=0)
        with pytest.raises(SupersededError, match="attempt 0 of trial 0 has been superseded by 1"):
            next(orphan)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        assert director.report(report) is False
        director.interrupt()

    monkeypatch.setattr("sweep.runners.local.LocalRunner.run", run)
    spec = write_spec(tmp_path / "small.yaml", trials=1, epochs=4)
    CliRunner().invoke(cli, ["run", str(spec), "--local", "--storage", str(tmp_path)], catch_exceptions=False)
    results = Results(tmp_path, "small")
    assert [row["attempt"] for row in results.metrics()] == [0]
    assert [event["attempt"] for event in results.events("stale_report")] == [1]
    row = ledger.trial_row(results.folder, 0)
    assert row is not None
    assert row["attempt"] == 1


@pytest.mark.parametrize("ended", [False, True])
def test_a_driver_that_was_thought_dead_leaves_the_files_alone(
    ended: bool, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop that slept wakes up: another has taken the sweep over, and may have ended since."""
    monkeypatch.setenv("SWEEP_CACHE", str(cache))
    monkeypatch.setattr(lease, "SURE_SECONDS", -1.0)
    place = tmp_path / "small" / "lease.json"

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != place}

    def run(self: object, director: Director, beat: Callable[[], None]) -> None:
        trial = TrialRun(replace(director.next(), timeout=0.0))
        assert director.report(next(trial))
        report = next(trial)
        held = json.loads(place.read_text())
        place.unlink() if ended else place.write_text(
            json.dumps(held | {"owner": "other", "pid": 77, "host": "two"})
        )
        before = files()
        beat()
        assert not director.report(report)
        director.fail(0, 0, Fault("died", "its node was lost"))
        director.next()
        director.abandon()
        assert files() == before
        trial.close()

    monkeypatch.setattr("sweep.runners.local.LocalRunner.run", run)
    spec = write_spec(tmp_path / "small.yaml", trials=2, epochs=4)
    done = CliRunner().invoke(cli, ["run", str(spec), "--local", "--storage", str(tmp_path)])
    assert done.exit_code == 1
    said = "another process has taken this sweep over" if ended else "pid 77 on two has taken this sweep over"
    assert said in done.output
    assert "Traceback" not in done.output
    assert Results(tmp_path, "small").statuses() == ["running"]
    assert place.exists() == (not ended)
