"""``deploy/slurm.sbatch`` as a job of Slurm: stand-ins for srun and scontrol start two nodes on this machine."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.programs.sweep_process import (
    PATIENCE,
    Results,
    check_whole,
    command_line,
    undisturbed,
    waited_for,
    write_spec,
)

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "slurm.sbatch"
TRIALS, EPOCHS = 3, 4

SRUN = """#!/bin/bash
# Runs a command once for each of two nodes; told to end, kills it at once. Each has a /tmp of its own, so to say.
while [[ $1 == --* ]]; do shift; done
pids=
for node in 0 1; do
    export SLURM_PROCID=$node SLURM_CPUS_ON_NODE=1
    [ "$node" = 0 ] || export SWEEP_TMP=$SWEEP_TMP-1
    "$@" & pids+=" $!"
done
trap 'kill -KILL $pids' TERM
for pid in $pids; do wait $pid; done
wait
"""
SCONTROL = """#!/bin/bash
if [ "$1 $2" = "show hostnames" ]; then printf '%s\\n' ${3//,/ }; else echo "$@" >> "$SCONTROL_ASKED"; fi
"""


class Cluster:
    """A machine with Slurm, as the script sees it."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache, self.asked = folder, cache, folder / "asked"
        (folder / "bin").mkdir()
        for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        self.job = _job_with_a_free_port()
        self.ray_folder = Path(f"/tmp/sweep-{self.job}")

    def sbatch(self, *words: object) -> subprocess.Popen[bytes]:
        """Begin the job, with all that it says in ``out``."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "SLURM_JOB_ID": str(self.job),
            "SLURM_JOB_NODELIST": f"{socket.gethostname()},other",
            "SLURM_CPUS_PER_TASK": "1",
            "SLURM_SUBMIT_DIR": str(ROOT),
            "SCONTROL_ASKED": str(self.asked),
            "SWEEP_CACHE": str(self.cache),
            "HOME": str(self.folder),
        }
        with (self.folder / "out").open("ab") as out:
            return subprocess.Popen(
                ["bash", SCRIPT, *map(str, words)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def said(self) -> str:
        return (self.folder / "out").read_text()

    def processes(self) -> list[int]:
        """All that still runs for the job."""
        ours = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in ours if str(self.ray_folder).encode() in command_line(pid)]


def _job_with_a_free_port() -> int:
    for job in range(os.getpid() % 12000, 24000):
        with socket.socket() as tried:
            try:
                tried.bind(("", 20000 + job % 12000))
            except OSError:
                continue
            return job
    raise AssertionError("no port is free")


@pytest.fixture
def cluster(tmp_path: Path, cache: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path, cache)
    yield cluster
    for pid in cluster.processes():
        os.kill(pid, signal.SIGKILL)


def wait(job: subprocess.Popen[bytes], cluster: Cluster) -> int:
    try:
        return job.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the job did not end:\n{cluster.said()}") from None
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.ray
def test_a_job_whose_time_is_over_goes_back_into_the_queue_and_ends_the_sweep_the_next_time(
    cluster: Cluster, tmp_path: Path, cache: Path
) -> None:
    spec = write_spec(tmp_path / "small.yaml", TRIALS, EPOCHS)
    storage = tmp_path / "runs"
    results = Results(storage, "small")

    job = cluster.sbatch(spec, storage)
    waited_for(lambda: results.evaluations() >= 3 or job.poll() is not None, cluster.said)
    assert job.poll() is None, cluster.said()
    job.send_signal(signal.SIGTERM)  # as --signal=B:TERM does it: to the script alone
    assert wait(job, cluster) == 1, cluster.said()
    assert "back into the queue" in cluster.said()
    assert cluster.asked.read_text() == f"requeue {cluster.job}\n"
    assert re.search(r"\b[12] trials? at a time", cluster.said()), "the second node may come late"
    assert cluster.processes() == []
    assert not list(Path("/tmp").glob(f"{cluster.ray_folder.name}*"))
    assert "running" not in results.statuses()
    before = results.numbers()

    assert wait(cluster.sbatch(spec, storage), cluster) == 0, cluster.said()
    assert results.statuses() == ["finished"] * TRIALS
    assert before.items() <= results.numbers().items()
    assert results.numbers() == undisturbed(spec, cache, tmp_path / "alone").numbers()
    check_whole(storage)
    assert cluster.asked.read_text() == f"requeue {cluster.job}\n"
    assert cluster.processes() == []
    assert not (tmp_path / ".ray").exists()


def test_without_arguments_it_says_how_to_use_it(cluster: Cluster) -> None:
    assert wait(cluster.sbatch(), cluster) == 2
    assert "usage: sbatch deploy/slurm.sbatch SPEC STORAGE" in cluster.said()


def test_what_slurm_is_asked_for() -> None:
    asked = {
        line.removeprefix("#SBATCH ")
        for line in SCRIPT.read_text().splitlines()
        if line.startswith("#SBATCH ")
    }
    assert {"--ntasks-per-node=1", "--requeue", "--signal=B:TERM@120", "--open-mode=append"} <= asked


def test_only_the_stop_of_its_own_node_is_called() -> None:
    code = [line for line in SCRIPT.read_text().splitlines() if not line.startswith("#")]
    assert not any("ray stop" in line for line in code)
    assert any('ray_node.py stop --force --temp-dir="$SWEEP_TMP"' in line for line in code)
