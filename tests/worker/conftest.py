"""What the tests of workers share."""

import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from sweep.worker.apart import Apart

T = TypeVar("T")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work aside takes longer than it is waited for at first, however busy this machine is."""
    asked = Apart.__call__

    def ask(self: Apart, work: Callable[[], T]) -> T:
        interrupted = threading.Event()

        def held() -> T:
            interrupted.wait(60)
            return work()

        try:
            return asked(self, held)
        finally:
            interrupted.set()

    monkeypatch.setattr(Apart, "__call__", ask)
