"""The process of a pack, without Ray around it: where its thread cannot go on, those who wait are told and it ends."""

import json
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from sweep.runners import ray_pack as module
from sweep.runners.ray_pack import PackProcess
from sweep.worker.messages import LostGpuError


class Ended(BaseException):
    """The process has ended."""


class Broken:
    """A pack whose trials cannot go on."""

    wanted = True

    def __init__(self, *_: object) -> None:
        self.asked = list[object]()

    def want(self, attempt: object) -> None:
        self.asked.append(attempt)

    def round(self) -> Any:
        if len(self.asked) < 2:
            return []
        raise LostGpuError("its process can use the GPU no more after RuntimeError: CUDA error")


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> PackProcess:
    """A process whose thread has been started."""
    monkeypatch.setattr("sweep.worker.pack.Pack", Broken)
    monkeypatch.setattr(module, "Leaving", lambda at_work: lambda: "")
    monkeypatch.setattr(module, "end_with_parent", lambda: None)
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    return PackProcess(None, 1.0, 2, 0.0)


def test_all_that_wait_are_told_why_the_process_ends(
    process: PackProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: Future[int] = Future()

    def end(code: int) -> None:
        codes.set_result(code)
        raise Ended

    monkeypatch.setattr(module.os, "_exit", end)
    said: list[Future[dict[str, str]]] = [Future(), Future()]

    def wait(number: int) -> None:
        said[number].set_result(process.next((number, 0)))

    for number in range(2):
        threading.Thread(target=wait, args=(number,), daemon=True).start()
    for one in said:
        fault = json.loads(one.result(20)["fault"])
        assert fault["kind"] == "died"
        assert "the process ended that trained it, and others beside it" in fault["reason"]
        assert "can use the GPU no more" in fault["reason"]
    assert codes.result(20) == 1
