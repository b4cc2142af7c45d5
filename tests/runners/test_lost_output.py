"""Output that nobody reads any more, and sweeps whose terminal is gone."""

import contextlib
import errno
import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO, cast

import pytest
from helpers.programs.sweep_process import Results, write_spec
from helpers.sweeps.looking_on import look
from rich.console import Console
from rich.live import Live

from sweep.terminal.outlet import Outlet


class Failing(io.StringIO):
    """A stream that fails from some write on."""

    def __init__(self, error: Exception, good: int = 1) -> None:
        super().__init__()
        self.error, self.good = error, good

    def write(self, text: str) -> int:
        self.good -= 1
        if self.good < 0:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        OSError(errno.EIO, "Input/output error"),  # a terminal that is gone
        OSError(errno.ENOSPC, "No space left on device"),  # a log on a full disk
        ValueError("I/O operation on closed file"),
    ],
)
def test_output_that_is_lost_is_told_once(error: Exception) -> None:
    outlet, told = Outlet(Failing(error)), []
    outlet.on_loss = told.append
    for _ in range(3):
        print("a line", file=outlet, flush=True)
    assert outlet.lost
    assert told == [outlet.lost]
    assert outlet.lost in str(error)


def test_a_terminal_that_is_gone_is_noticed() -> None:
    """By a live table too: rich asks whether it is a terminal before it writes."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        outlet = Outlet(stream)
        live = Live("a table", console=Console(file=cast("TextIO", outlet)), auto_refresh=False)
        live.start()
        os.read(ours, 1000)
        os.close(ours)
        live.update("another", refresh=True)
        assert outlet.lost == os.strerror(errno.EIO)
        live.stop()


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        *(
            (command, "pipe")
            for command in ("ls", "show", "show --json", "best", "check", "watch", "watch --json")
        ),
        *(("show", where) for where in ("full", "closed")),
    ],
)
def test_commands_whose_reader_has_left(arguments: str, where: str, storage: Path) -> None:
    if where == "full" and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    done = look([*arguments.split(), "--storage", str(storage)], where)
    assert done.returncode == 0 or (arguments == "check" and done.returncode == 1)
    assert done.stderr == b""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["hangup", "pipe", "terminal"])
def test_a_sweep_whose_terminal_or_reader_is_gone(way: str, tmp_path: Path, cache: Path) -> None:
    """It ends as with Ctrl-C: a checkpoint is written, nothing has failed, the lease is given back."""
    spec, results = write_spec(tmp_path / "small.yaml", 2, 2000), Results(tmp_path, "small")
    command = [sys.executable, "-m", "sweep", "run", str(spec), "--local", "--storage", str(tmp_path)]
    environment = os.environ | {"SWEEP_CACHE": str(cache), "TERM": "xterm"}
    ours, theirs = pty.openpty() if way == "terminal" else os.pipe()
    with (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs if way == "terminal" else err,
            env=environment,
            start_new_session=True,
        )
    os.close(theirs)
    try:
        deadline = time.monotonic() + 300
        while results.evaluations() < 2:
            assert time.monotonic() < deadline, (tmp_path / "err").read_text()
            assert process.poll() is None, (tmp_path / "err").read_text()
            if way != "pipe":
                os.set_blocking(ours, False)
                with contextlib.suppress(BlockingIOError):
                    os.read(ours, 65536)
            time.sleep(0.05)
        if way == "hangup":
            os.killpg(process.pid, signal.SIGHUP)
        else:
            os.close(ours)
        assert process.wait(300) == 1
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if way == "hangup":
            os.close(ours)
    assert results.statuses() == ["interrupted"]
    assert results.checkpoints(0)
    assert not (tmp_path / "small" / "lease.json").exists()
    assert "Traceback" not in (tmp_path / "err").read_text()
    assert not results.events("failure")
    assert not results.events("restart")
