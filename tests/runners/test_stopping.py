"""Being asked to stop by signals, closed terminals and closed pipes; and output that every encoding can show."""

import contextlib
import errno
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

import pytest
from helpers.sweep_process import Results, SweepProcess, write_spec
from helpers.synthetic import KINDS, shared_storage
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.live import Live

from ganlib.errors import WorkError
from sweep.records.datasets import Store
from sweep.runners import stopping
from sweep.runners.stopping import Stopper
from sweep.storage.opening import open_folder
from sweep.terminal.outlet import Outlet, encoding_asked_for, spelled

# ---- output that is lost -----------------------------------------------------------------------------------


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


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep and one that is not, as all commands read them."""
    root = tmp_path_factory.mktemp("looked-at") / "runs"
    shutil.copytree(shared_storage(), root)
    for name in ("faces", "live"):
        store = Store(open_folder(root) / name, KINDS)
        for row in store.rows("trials"):
            store.put_trial({"trial": row["trial"], "params": json.dumps({"train.loss": "bce"})})
    return root


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


def look(arguments: list[str], where: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command that reads results, with its output into a pipe that nobody reads, a full disk, or nowhere."""
    command = [sys.executable, "-m", "sweep", *arguments]
    options = {"stderr": subprocess.PIPE, "env": os.environ | environ, "timeout": 120, "check": False}
    if where == "closed":
        return subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], **options)
    if where == "read":
        return subprocess.run(command, stdout=subprocess.PIPE, **options)
    if where == "full":
        with open("/dev/full", "w") as full:
            return subprocess.run(command, stdout=full, **options)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(command, stdout=writing, **options)
    finally:
        os.close(writing)


# ---- encodings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.01 ± 0.02 – 95 %", "0.01 +- 0.02 - 95 %"),
        ("a … b → c × d ≤ e ━━ ⠋", "a ... b -> c x d <= e -- *"),
        ("größe", "gr\\u00f6\\u00dfe"),
        ("\N{CAT FACE}", "\\ud83d\\udc31"),
        ("\udcff", "\\udcff"),  # a byte of a file's name that is no character
    ],
)
def test_what_ascii_lacks(text: str, shown: str) -> None:
    assert spelled(text, "ascii") == shown
    assert spelled("±ö", "latin-1") == "±ö"
    assert spelled("–ö", "latin-1") == "-ö"


@given(
    st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_json_keeps_its_meaning(value: object) -> None:
    for indent in (None, 2):
        text = json.dumps({"value": value}, ensure_ascii=False, indent=indent)
        assert json.loads(spelled(text, "ascii")) == {"value": value}


@pytest.mark.parametrize(
    ("environ", "encoding"),
    [
        ({}, None),
        ({"LANG": "C"}, "ascii"),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "ascii"),  # Python's own doing
        ({"LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, None),
        ({"LANG": "C.UTF-8"}, None),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, None),
        ({"LANG": "C", "PYTHONUTF8": "1"}, None),
    ],
)
def test_the_locale_that_has_ascii_only(environ: dict[str, str], encoding: str | None) -> None:
    assert encoding_asked_for(environ) == encoding


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        *(
            (command, {"PYTHONIOENCODING": "ascii"})
            for command in ("show", "show --json", "best", "ls", "watch")
        ),
        ("show", {"LC_ALL": "C"}),
    ],
)
def test_commands_in_ascii(arguments: str, environ: dict[str, str], storage: Path) -> None:
    done = look([*arguments.split(), "--storage", str(storage)], "read", **environ)
    assert done.returncode == 0
    assert done.stderr == b""
    text = done.stdout.decode("ascii")
    if arguments == "show":
        assert " +- " in text
        assert "\\u" not in text
    if arguments == "show --json":
        json.loads(text)


# ---- signals -----------------------------------------------------------------------------------------------


class Asked:
    """What a `Stopper` does, written down."""

    def __init__(self, refusals: int = 0) -> None:
        self.stopping, self.refusals = False, refusals
        self.said: list[str] = []
        self.stopper = Stopper(lambda: self.stopping, self.stop, self.tell, self.said.append)

    def stop(self) -> None:
        self.stopping = True

    def tell(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise WorkError("the disk is full")
        self.said.append("told")

    def wait(self, count: int = 2) -> list[str]:
        deadline = time.monotonic() + 10
        while len(self.said) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.said


@pytest.fixture
def unchanged() -> Iterator[None]:
    """Handlers are put back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.usefixtures("unchanged")
def test_a_second_ctrl_c_leaves_at_once(
    first: signal.Signals, second: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else does: ``timeout`` signals the process and its group, and batch systems signal again and again."""
    asked = Asked()
    with asked.stopper.listening():
        signal.raise_signal(first)
        signal.raise_signal(second)
        signal.raise_signal(second)
        assert asked.stopping
        assert len(asked.wait()) == 2
        monkeypatch.setattr(stopping, "AGAIN_SECONDS", 0.0)
        if second == signal.SIGINT:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(second)
        else:
            signal.raise_signal(second)
    assert (first.name in asked.said[0]) == (first != signal.SIGINT)
    assert asked.said[1:] == ["told"]


@pytest.mark.usefixtures("unchanged")
def test_trials_are_told_as_soon_as_it_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "RETRY_SECONDS", 0.01)
    asked = Asked(refusals=3)
    with asked.stopper.listening():
        signal.raise_signal(signal.SIGTERM)
        assert asked.wait()[-1] == "told"
        assert not asked.refusals


def test_nohup_stays_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        asked = Asked()
        with asked.stopper.listening():
            signal.raise_signal(signal.SIGHUP)
        assert not asked.stopping
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("command", "number"),
    [
        ("report --serve --port 0", signal.SIGTERM),
        ("watch live", signal.SIGTERM),
        ("watch live", signal.SIGHUP),
    ],
)
def test_looking_on_ends_politely(command: str, number: int, storage: Path, tmp_path: Path) -> None:
    process = SweepProcess(*command.split(), "--storage", storage, cache=tmp_path, log=tmp_path / "log")
    with process:
        process.until("a word", lambda: process.out.stat().st_size)
        process.signal(number)
        process.signal(number)  # as `timeout` does
        assert process.wait() == 0
        assert "Traceback" not in process.text()
        assert "resume" not in process.text()


# ---- whole sweeps ------------------------------------------------------------------------------------------


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
