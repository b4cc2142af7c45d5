"""``deploy/ray_node.py``: a node of its own on a machine that others use."""

import os
import runpy
import secrets
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.programs.sweep_process import command_line

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "ray_node.py"


def call(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
        | environment,
        timeout=120,
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for Ray whose name is short enough for sockets."""
    folder = Path(f"/tmp/rn{secrets.token_hex(3)}")
    yield folder
    call("stop", "--force", "--temp-dir", folder)
    subprocess.run(["rm", "-rf", folder], check=True)


def named(folder: Path) -> set[int]:
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(folder).encode() in command_line(int(entry.name))
    }


def test_a_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    assert call("token", path).returncode == 0
    first = path.read_text()
    assert len(first) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert call("token", path).returncode == 0
    assert path.read_text() == first


def test_only_processes_of_the_folder_are_ended(folder: Path) -> None:
    """Others whose folder begins alike, or that only speak of it, go on."""
    sleep = "import time; time.sleep(600)"
    words = [
        f"--temp-dir={folder}",
        f"--logs-dir={folder}/logs",
        f"--temp-dir={folder}-other",
        f"/else{folder}",
    ]
    processes = [subprocess.Popen([sys.executable, "-c", sleep, word]) for word in words]
    try:
        while not all(
            word.encode() in command_line(one.pid) for one, word in zip(processes, words, strict=True)
        ):
            time.sleep(0.01)
        assert call("stop", "--temp-dir", folder).stdout == f"2 processes of {folder} ended\n"
        assert [one.poll() is not None for one in processes[:2]] == [True, True]
        assert [one.poll() for one in processes[2:]] == [None, None]
    finally:
        for one in processes:
            one.kill()
            one.wait()


def test_nothing_to_stop_is_no_error(folder: Path) -> None:
    done = call("stop", "--temp-dir", folder)
    assert (done.returncode, done.stdout) == (0, f"0 processes of {folder} ended\n")


@pytest.mark.slow
@pytest.mark.ray
def test_a_node_starts_with_its_token_leaves_and_ends(folder: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    call("token", token)
    environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "HOME": str(tmp_path)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--head", f"--port={port}", f"--temp-dir={folder}", "--num-cpus=1", "--include-dashboard=false"]
    started = call("start", *words, "--object-store-memory=80000000", **environment)
    assert started.returncode == 0, started.stderr
    assert (folder / "ray_current_cluster").exists()
    ours = named(folder)
    assert ours
    assert not any(b"ray.util.client.server" in command_line(pid) for pid in ours)
    assert not (tmp_path / ".ray").exists()

    left = call("leave", f"--temp-dir={folder}", "--seconds=20", **environment)
    assert left.returncode == 0, left.stderr
    said = "\n".join(path.read_text(errors="replace") for path in folder.glob("session_*/logs/gcs_server.*"))
    assert "about to be taken away" in said
    assert "processes of" in call("stop", "--temp-dir", folder).stdout
    assert named(folder) == set()


def test_processes_that_no_trial_needs_are_known() -> None:
    idle: Any = runpy.run_path(str(SCRIPT))["IDLE"]
    assert all(idle.match(title) for title in ("ray::IDLE", "ray::RuntimeEnvAgent", "ray::DashboardAgent"))
    assert not any(idle.match(title) for title in ("ray::TrialActor.train", "ray::_preflight"))
