"""A sweep on a cluster of three nodes that share a folder; all run on this machine, with one CPU each."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas
import polars
import pytest
from helpers.programs.hosts import refused
from helpers.programs.sweep_process import (
    TRIAL_TITLES,
    Results,
    SweepProcess,
    check_whole,
    command_line,
    descendants,
    processes,
    slow,
    trial_workers,
    undisturbed,
    write_spec,
)
from PIL import Image

from ganlib.errors import RequestError

pytestmark = [pytest.mark.slow, pytest.mark.ray]

TRIALS, EPOCHS, GRACE = 4, 8, 4
NODE = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 100 * 2**20, "include_dashboard": False}


@pytest.fixture(scope="module")
def pace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that makes trials wait, so that they last as long as something happens to them, without work."""
    return tmp_path_factory.mktemp("pace") / "pace"


@pytest.fixture(scope="module")
def ray_cluster(cache: Path, pace: Path) -> Iterator[Any]:
    """A cluster of one node; trials inherit the environment of the nodes."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(cache))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args=NODE | {"env_vars": slow(pace)})
        try:
            yield cluster
        finally:
            cluster.shutdown()


@pytest.fixture
def cluster(ray_cluster: Any, pace: Path) -> tuple[str, Any, Any]:
    """The address of the cluster, and the others of its three nodes. Hosts are better, where they can be simulated."""
    if not refused():
        pytest.skip("make hosts does it, with hosts that have a network of their own each")
    second, third = (ray_cluster.add_node(**NODE, env_vars=slow(pace)) for _ in range(2))
    ray_cluster.wait_for_nodes()
    return ray_cluster.address, second, third


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec whose pictures lie beside it, under a relative path."""
    path = write_spec(tmp_path_factory.mktemp("spec") / "small.yaml", TRIALS, EPOCHS)
    text = path.read_text().replace("{source: avatars, count: 128,", "{source: pictures,")
    text = text.replace("max_concurrent: 2", "max_concurrent: 3")
    path.write_text(f"{text}asha: {{grace: {GRACE}, reduction: 2}}\n")
    (path.parent / "pictures").mkdir()
    random = np.random.default_rng(0)
    for index in range(128):
        pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path.parent / "pictures" / f"{index}.png")
    return path


def nodes_at_work() -> set[int]:
    """The raylets, one a node, that have a trial's process under them now."""
    children = processes()
    all_below = set(descendants(os.getpid(), children))
    workers = {pid for pid in all_below if command_line(pid).startswith(TRIAL_TITLES)}
    return {pid for pid in all_below - workers if workers & set(descendants(pid, children))}


def drain(address: str, node: str) -> None:
    """Tell Ray that a node will be taken away, as clouds do it."""
    words = ["drain-node", "--address", address, "--node-id", node, "--deadline-remaining-seconds", "60"]
    why = ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "a spot instance"]
    done = subprocess.run(
        [Path(sys.executable).with_name("ray"), *words, *why], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def check_readable(folder: Path) -> None:
    """While the sweep goes on, three readers that know nothing of it see the same columns."""
    parts = f"{folder}/metrics/*.parquet"
    rows = duckdb.sql(f"SELECT trial, kimg, kid FROM '{parts}' ORDER BY trial, kimg").fetchall()
    assert rows
    assert all(kimg > 0 and kid is not None for _, kimg, kid in rows)
    for frame in (pandas.read_parquet(folder / "metrics"), polars.read_parquet(parts)):
        assert len(frame) >= len(rows)
        assert {"trial", "attempt", "kimg", "fid", "kid", "extractor_digest"} <= set(frame.columns)


def test_nodes_that_come_later_get_the_pictures_and_one_that_cannot_is_left_out(
    ray_cluster: Any, cache: Path, spec: Path, pace: Path, tmp_path: Path
) -> None:
    """The pictures are on the driver's machine alone: what has come once comes to every trial of a node."""
    results, shown = Results(tmp_path, "small"), spec.parent / "pictures"
    many = ("--set", "search.trials=9", "--set", "train.epochs=400", "--set", "asha=null")
    where = ("--address", ray_cluster.address, "--storage", tmp_path)
    pace.touch()
    words = ("run", spec, *where, *many)
    with SweepProcess(*words, cache=cache, log=tmp_path / "run.log", cwd=spec.parent) as run:
        run.until("an evaluation", lambda: results.evaluations() >= 1)
        check_readable(tmp_path / "small")
        shown.rename(spec.parent / "gone")
        own = tmp_path / "cache"
        late = ray_cluster.add_node(**NODE, env_vars=slow(pace) | {"SWEEP_CACHE": str(own)})
        bad = ray_cluster.add_node(**NODE, env_vars={"SWEEP_CACHE": "/proc/nowhere"})
        try:
            run.until("a node that is left out", lambda: results.events("unfit_node"))
            raylet = late.all_processes["raylet"][0].process.pid
            run.until("work on the later node", lambda: raylet in nodes_at_work())
            pace.unlink()
            before = results.evaluations()
            run.until("more evaluations", lambda: results.evaluations() > before + 4)
            run.signal(signal.SIGTERM)
            assert run.wait() == 1, run.text()
        finally:
            shown.with_name("gone").rename(shown)
            ray_cluster.remove_node(late)
            ray_cluster.remove_node(bad)
    assert set(results.statuses()) <= {"finished", "interrupted"}
    assert not results.events("restart")
    assert not results.events("failure")
    assert all(row["failures"] == 0 for row in results.trials().values())
    (reason,) = {json.loads(event["detail"])["reason"] for event in results.events("unfit_node")}
    host = socket.gethostname()
    assert reason.startswith(f"no trials run on {host}: cannot create the cache folder '/proc/nowhere'")
    assert len(list(own.glob("kits/*/data.npy"))) == 1
    assert f"pictures to {host}: " in run.text()
    check_whole(tmp_path)


@pytest.mark.skipif(
    not refused(), reason="`make hosts` does it, with hosts that have a network of their own each"
)
def test_nodes_share_a_sweep_that_outlives_its_driver_and_two_of_them(
    cluster: tuple[str, Any, Any], cache: Path, spec: Path, pace: Path, tmp_path: Path
) -> None:
    """`kill -9` of the driver, a node that is drained, `kill -9` of a raylet: trials move, an orphan is refused."""
    pace.unlink(missing_ok=True)
    expected = undisturbed(spec, cache, tmp_path / "undisturbed", "--set", "asha=null")
    results, (address, second, third) = Results(tmp_path, "small"), cluster
    where = ("--address", address, "--storage", tmp_path)
    pace.touch()
    with SweepProcess("run", spec, *where, cache=cache, log=tmp_path / "run.log", cwd=spec.parent) as run:
        run.until("work on all nodes", lambda: len(nodes_at_work()) == 3)
        run.until("evaluations", lambda: results.evaluations() >= 2)
        assert "3 trials at a time" in run.text()
        run.kill()  # the nodes live on, and for a while so do the workers of the dead driver
    recorded = results.numbers()
    raylet = second.all_processes["raylet"][0].process.pid
    with SweepProcess("resume", *where, cache=cache, log=tmp_path / "resume.log") as run:
        run.until(
            "new work on all nodes",
            lambda: results.evaluations() > len(recorded) and len(nodes_at_work()) == 3,
        )
        drain(address, third.node_id)
        run.until("a trial that leaves", lambda: results.events("preempted"))
        left = third.all_processes["raylet"][0].process.pid
        run.until(
            "work on the others alone", lambda: raylet in (there := nodes_at_work()) and left not in there
        )
        orphans = set(descendants(raylet)) & set(trial_workers(os.getpid()))
        assert orphans
        os.kill(raylet, signal.SIGKILL)
        pace.unlink()
        assert run.wait() == 0, run.text()
        assert "taking over from pid" in run.text()
    deadline = time.monotonic() + 60  # they go on for a while: nobody tells them
    while (alive := [pid for pid in orphans if command_line(pid)]) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not alive
    trials = results.trials()
    assert sorted(trials) == list(range(TRIALS))
    assert not results.events("restart"), "no trial has failed"
    reasons = [json.loads(event["detail"])["reason"] for event in results.events("preempted")]
    assert len(reasons) == 2
    going = f"its machine {socket.gethostname()} is being taken away"
    assert reasons[0] == f"PreemptedError: {going}: Ray drains the node"
    assert reasons[1] in (f"its machine {socket.gethostname()} is gone", "its machine is gone")
    assert sum(row["preemptions"] for row in trials.values()) == 2
    assert all(row["failures"] == 0 for row in trials.values())
    for trial, row in trials.items():
        assert row["status"] in ("finished", "stopped")
        assert results.evaluations(trial) == (EPOCHS if row["status"] == "finished" else GRACE)
        if row["status"] == "finished":
            assert results.results()[trial] == expected.results()[trial]
    assert "finished" in results.statuses()  # the first at its rung has nobody to lose against
    assert recorded.items() <= results.numbers().items() <= expected.numbers().items()
    check_whole(tmp_path)


def test_a_plan_measures_a_machine_of_each_kind(
    ray_cluster: Any, cache: Path, spec: Path, tmp_path: Path
) -> None:
    larger = ray_cluster.add_node(**NODE | {"num_cpus": 2})
    ray_cluster.wait_for_nodes()
    try:
        words = ("plan", spec, "--set", "data.source=avatars", "--address", ray_cluster.address)
        with SweepProcess(*words, "--budget", "1h", "--json", cache=cache, log=tmp_path / "log") as run:
            assert run.wait() == 0, run.text()
        assert f"measuring on {socket.gethostname()}" in run.log.read_text()
        facts = json.loads(run.out.read_text())
        two, one = facts["costs"], facts["others"][0]
        assert [(kind["has"], kind["machines"], kind["at_once"]) for kind in (two, one)] == [
            ("2 cores", 1, 2),
            ("1 core", 1, 1),
        ]
        assert (two["measured"], one["measured"], facts["at_once"]) == (2, 1, 3)
        assert min(*two["per_kimg"], *one["per_kimg"]) > 0
        assert all(one["wall"]["high"] <= 3600 for one in facts["proposals"])
    finally:
        ray_cluster.remove_node(larger)


def test_an_address_of_rays_client() -> None:
    from sweep.runners.ray_cluster import connect

    with pytest.raises(RequestError, match="--detach --address http://HOST:8265"):
        connect("ray://127.0.0.1:10001")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1"])
def test_an_address_at_which_no_cluster_answers(address: str) -> None:
    from sweep.runners.ray_cluster import connect

    with pytest.raises(RequestError, match=f"no Ray cluster answers at '{address}'"):
        connect(address)
