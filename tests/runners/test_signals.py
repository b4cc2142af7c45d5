"""Signals that end a command."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.programs.sweep_process import SweepProcess

from ganlib.errors import WorkError
from sweep.runners import stopping
from sweep.runners.stopping import Stopper


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
