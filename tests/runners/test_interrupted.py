"""What an interruption leaves behind: no processes, and a sentence that says how to go on."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.sweeps.commands import run

from ganlib.errors import WorkError
from sweep.runners.stopping import POLITE, explained
from sweep.terminal import outlet
from sweep.terminal.views import PlainLines

DEAF = "import signal, sys, subprocess, time\nfor n in (1, 15): signal.signal(n, signal.SIG_IGN)\n"
DAEMON = (
    DEAF + "subprocess.Popen([sys.executable, '-c', sys.argv[1]]); print('up', flush=True); time.sleep(99)"
)
AGENT = DEAF + "time.sleep(99)"


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in POLITE}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("end", [SystemExit(15), KeyboardInterrupt()], ids=["sigterm", "ctrl-c"])
def test_a_start_of_ray_that_is_interrupted_leaves_no_process(
    end: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's own handler of SIGTERM raises SystemExit; daemons and what is below them hear no polite signal."""
    pytest.importorskip("ray")
    import psutil

    from sweep.runners import ray_cluster

    started: list[psutil.Process] = []

    def init(**_: Any) -> None:
        daemon = subprocess.Popen([sys.executable, "-c", DAEMON, AGENT], stdout=subprocess.PIPE)
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"up\n"
        started.extend([psutil.Process(daemon.pid), *psutil.Process(daemon.pid).children()])
        raise end

    monkeypatch.setattr(ray_cluster.ray, "init", init)
    monkeypatch.setattr(ray_cluster.ray, "shutdown", lambda: None)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
    try:
        with pytest.raises(KeyboardInterrupt):
            ray_cluster.connect(None)
        assert len(started) == 2
        deadline = time.monotonic() + 10
        while any(alive(process) for process in started):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert other.poll() is None  # what was there before is none of its business
    finally:
        other.kill()
        other.wait()
        for process in started:
            if alive(process):
                process.kill()


@pytest.mark.usefixtures("handlers")
def test_attaching_to_a_cluster_that_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    from sweep.runners import ray_cluster

    def init(**_: Any) -> None:
        raise SystemExit(15)

    monkeypatch.setattr(ray_cluster.ray, "init", init)
    monkeypatch.setattr(ray_cluster, "check_reachable", lambda address: None)
    with pytest.raises(KeyboardInterrupt):
        ray_cluster.connect("head:6379")
    signal.raise_signal(signal.SIGTERM)  # one that comes again does not disturb the end


def alive(process: Any) -> bool:
    """Whether it runs; one that is dead and that nobody has asked for does not."""
    return process.is_running() and process.status() != "zombie"


def test_an_interruption_says_how_to_go_on() -> None:
    with pytest.raises(WorkError, match="interrupted; give it again"), explained("give it again"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "where", "words"),
    [
        ("run", "sweep.commands.run.prepare_pictures", "give the same command again"),
        ("run", "sweep.commands.run.preflight", "give the same command again"),
        ("run", "sweep.commands.run.drive", "sweep resume small"),
    ],
)
def test_commands_that_are_interrupted(
    command: str, where: str, words: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    spec = tmp_path / "s.yaml"
    spec.write_text(
        "name: small\ndata: {source: avatars, count: 64, size: 32}\nmodel: {width: 8, latent_dim: 16}\n"
        "train: {epochs: 2, batch_size: 16}\nevaluate: {every: 1, n_fake: 32, n_real: 32}\n"
    )
    monkeypatch.setattr(where, interrupted)
    result = run(command, str(spec), "--local", "--storage", str(tmp_path / "runs"))
    assert result.exit_code == 1, result.output
    assert words in result.output
    assert "Aborted" not in result.output
    assert not (tmp_path / "runs" / "small" / "lease.json").exists()


def test_what_cannot_be_said_on_stdout_is_said_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stdout", os.fdopen(theirs, "w"))
    monkeypatch.setattr(sys, "stderr", errors)
    with outlet.outlets():
        view = PlainLines()
        view.say("nobody reads this")
        view.say("interrupted; go on with 'sweep resume q'")
    assert errors.getvalue() == "interrupted; go on with 'sweep resume q'\n"


def test_a_process_that_ends_while_it_is_looked_at_is_no_error() -> None:
    """As Ray's workers do while it is shut down."""
    from sweep.runners.starting.here import _above  # and Ray with it, which brings psutil

    import psutil  # isort: skip

    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    seen = psutil.Process(child.pid)
    assert os.getpid() in _above(seen)
    child.communicate()
    assert _above(psutil.Process(os.getpid())) == {parent.pid for parent in psutil.Process().parents()}
    assert _above(seen) == set()
