"""Warnings that a worker's machine is about to go: SIGTERM, and a node that Ray drains."""

import os
import signal
import socket
from collections.abc import Iterator

import pytest

pytest.importorskip("ray")

from sweep.runners import leaving as module
from sweep.runners.leaving import Leaving


class Context:
    def get_node_id(self) -> str:
        return "here"


@pytest.fixture
def going(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """The nodes that Ray drains; what is done at SIGTERM is put back."""
    found: dict[str, int] = {}
    monkeypatch.setattr(module.ray, "get_runtime_context", Context)
    monkeypatch.setattr(module, "draining", lambda: found)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.0)
    before = signal.getsignal(signal.SIGTERM)
    yield found
    signal.signal(signal.SIGTERM, before)


def test_a_node_that_is_drained(going: dict[str, int]) -> None:
    leaving = Leaving()
    assert leaving() == ""
    going["another"] = 0
    assert leaving() == ""
    going["here"] = 0
    assert leaving() == f"its machine {socket.gethostname()} is being taken away: Ray drains the node"
    going.clear()
    assert "drains the node" in leaving(), "a machine that goes does not stay"


def test_sigterm_at_work_is_a_warning_and_the_second_is_the_end(going: dict[str, int]) -> None:
    leaving = Leaving()

    def work() -> dict[str, str]:
        os.kill(os.getpid(), signal.SIGTERM)
        assert "SIGTERM" in leaving()
        return {"said": leaving()}

    assert "SIGTERM" in leaving.around(work)["said"]
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_while_nothing_is_done_ends_the_process(going: dict[str, int]) -> None:
    Leaving()
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_process_that_is_deaf_stays_so(going: dict[str, int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        Leaving()
        assert signal.getsignal(signal.SIGTERM) is before
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
