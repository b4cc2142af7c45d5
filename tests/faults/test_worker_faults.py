"""What a sweep under Ray survives: workers that are killed, hang, stop or run out of memory; a node that is lost."""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.sweep_process import (
    SPEC,
    TRANSLATOR,
    Results,
    SweepProcess,
    command_line,
    descendants,
    trial_workers,
    write_spec,
)

from sweep.cli import cli
from sweep.driver.director import Director
from sweep.records import ledger
from sweep.worker.messages import Assignment, Fault
from sweep.worker.trial_run import SupersededError, TrialRun

pytestmark = [pytest.mark.slow, pytest.mark.ray]

KILLS = int(os.environ.get("SWEEP_KILLS", "4"))
"""Each takes ten seconds or more, until the next worker has started. docs/reliability.md has it with 20."""
NODE = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 100 * 2**20, "include_dashboard": False}


def undisturbed(spec: Path, cache: Path, storage: Path) -> Results:
    """The same sweep without Ray and without a fault."""
    storage.mkdir()
    with SweepProcess("run", spec, "--local", "--storage", storage, cache=cache, log=storage / "log") as run:
        assert run.wait() == 0, run.text()
    return Results(storage, "small")


def spec_of(folder: Path, trials: int, epochs: int, resources: str = "", text: str = SPEC) -> Path:
    spec = write_spec(folder / "small.yaml", trials, epochs, text)
    spec.write_text(spec.read_text().replace("max_concurrent: 2", f"max_concurrent: 2{resources}"))
    return spec


def check(storage: Path) -> None:
    result = CliRunner().invoke(cli, ["check", "small", "--storage", str(storage)])
    assert result.exit_code == 0, result.output


def test_lost_workers_change_nothing(cache: Path, tmp_path: Path) -> None:
    """Those of a translator, killed at seeded moments, from their start to the midst of writing a checkpoint."""
    resources = f", max_failures: {KILLS}"
    spec = spec_of(tmp_path, trials=3, epochs=KILLS + 2, resources=resources, text=TRANSLATOR)
    expected = undisturbed(spec, cache, tmp_path / "undisturbed")
    results, chance, kills = Results(tmp_path, "small"), random.Random(1), 0
    where = ("--storage", tmp_path)
    with SweepProcess("run", spec, *where, cache=cache, log=tmp_path / "run.log") as run:
        while kills < KILLS and run.process.poll() is None:
            workers = run.trial_workers()
            time.sleep(chance.random() / 2)
            for worker in chance.sample(workers, min(len(workers), chance.choice([1, 1, 2]))):
                try:
                    os.kill(worker, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
            recorded = results.evaluations()
            deadline = time.monotonic() + chance.random() * 8
            while time.monotonic() < deadline and results.evaluations() == recorded:
                time.sleep(0.05)
        assert run.wait() == 0, run.text()
    assert kills >= KILLS, "the sweep ended before all kills"
    assert results.statuses() == ["finished"] * 3
    assert results.numbers() == expected.numbers()
    assert results.results() == expected.results()
    assert len(results.events("restart")) >= KILLS // 2
    check(tmp_path)


def test_workers_that_hang_stop_or_run_out_of_memory(cache: Path, tmp_path: Path) -> None:
    """Six trials, five of them in trouble: each goes its own way, and no neighbour is harmed."""
    spec = spec_of(tmp_path, trials=6, epochs=4, resources=", timeout: 12, max_failures: 1")
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
    assert "no sign of life for 12 s" in restarts[1]
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
    check(tmp_path)


@pytest.fixture
def cluster(cache: Path) -> Iterator[object]:
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(cache))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args=NODE)
        try:
            yield cluster
        finally:
            cluster.shutdown()


def test_a_lost_node_gives_its_trials_to_the_others(cluster, cache: Path, tmp_path: Path) -> None:
    """`kill -9` of a raylet: its trial moves, and what its orphaned worker still does is refused."""
    node = cluster.add_node(**NODE)
    cluster.wait_for_nodes()
    spec = spec_of(tmp_path, trials=2, epochs=40)
    expected = undisturbed(spec, cache, tmp_path / "undisturbed")
    results = Results(tmp_path, "small")
    raylet = node.all_processes["raylet"][0].process.pid
    where = ("--address", cluster.address, "--storage", tmp_path)
    with SweepProcess("run", spec, *where, cache=cache, log=tmp_path / "run.log") as run:
        run.until(
            "work on both nodes",
            lambda: len(results.trials()) == 2 and all(results.evaluations(n) >= 2 for n in range(2)),
        )
        orphans = [pid for pid in descendants(raylet) if pid in trial_workers(os.getpid())]
        assert orphans
        os.kill(raylet, signal.SIGKILL)
        assert run.wait() == 0, run.text()
    deadline = time.monotonic() + 60  # they go on for a while: nobody tells them
    while (alive := [pid for pid in orphans if command_line(pid)]) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not alive
    assert results.statuses() == ["finished"] * 2
    assert sorted(row["attempt"] for row in results.trials().values()) == [0, 1]
    assert results.numbers() == expected.numbers()
    assert results.results() == expected.results()
    check(tmp_path)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            "safetensors.torch",
            "cannot import what it needs (ModuleNotFoundError: No module named 'safetensors.torch')",
        ),
        ("version", "has sweep 0.0.1, this machine"),
    ],
)
def test_a_worker_with_other_packages_is_told_before_trials_start(
    fault: str, words: str, cache: Path, tmp_path: Path
) -> None:
    spec = spec_of(tmp_path, trials=1, epochs=1)
    where = ("--storage", tmp_path)
    with SweepProcess(
        "run", spec, *where, cache=cache, log=tmp_path / "run.log", faults=[{"worker": fault}]
    ) as run:
        assert run.wait() == 1, run.text()
        assert words in run.text()
        assert "install the same" in run.text()
        assert "Traceback" not in run.text()
        assert "starts" not in run.text()
    assert not (tmp_path / "small" / "sweep.json").exists()


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
        report = replace(orphan.history[0], attempt=0)
        with pytest.raises(SupersededError, match="attempt 0 of trial 0 has been superseded by 1"):
            next(orphan)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        assert director.report(report) is False
        director.interrupt()

    monkeypatch.setattr("sweep.runners.local.LocalRunner.run", run)
    spec = spec_of(tmp_path, trials=1, epochs=4)
    CliRunner().invoke(cli, ["run", str(spec), "--local", "--storage", str(tmp_path)], catch_exceptions=False)
    results = Results(tmp_path, "small")
    assert [row["attempt"] for row in results.metrics()] == [0]
    assert [event["attempt"] for event in results.events("stale_report")] == [1]
    row = ledger.trial_row(results.folder, 0)
    assert row is not None
    assert row["attempt"] == 1
