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


@pytest.mark.ray
@pytest.mark.slow
def test_each_gpu_of_a_machine_has_a_process_of_its_own() -> None:
    """On a machine with two GPUs (which Ray is told it has), halves of one share a process, and it sees that one."""
    ray = pytest.importorskip("ray")

    def telling() -> None:
        """Have a process of a pack say what it is in the place of training, without what training imports."""
        import json
        import os
        import sys
        import types

        from sweep.worker import messages

        class Telling:
            def __init__(self, gpu: float, room: int, *_: object) -> None:
                self.words = json.dumps([os.environ["CUDA_VISIBLE_DEVICES"], os.getpid(), gpu, room])
                self.wanted: list[object] = []

            def begin(self, assignment: object, wanted: bool) -> None:
                pass

            def want(self, attempt: object) -> None:
                self.wanted.append(attempt)

            def round(self) -> list[tuple[object, object]]:
                return [(self.wanted.pop(), messages.Fault("error", self.words))]

        sys.modules["sweep.worker.pack"] = types.ModuleType("sweep.worker.pack")
        sys.modules["sweep.worker.pack"].Pack = Telling  # type: ignore[attr-defined]
        messages.Assignment.from_plain = lambda plain: plain  # type: ignore[assignment]

    class Worker:
        def __init__(self, trial: int) -> None:
            from sweep.runners.ray_pack import Packed

            plain = {"trial": trial, "attempt": 0, "owner": "two", "gpu": 0.5, "timeout": 0.0}
            self.packed = Packed(plain)

        def told(self) -> object:
            import json

            return json.loads(json.loads(self.packed.next()["fault"])["reason"])

    ray.init(
        address="local",
        num_cpus=4,  # so many processes start at a time
        num_gpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"worker_process_setup_hook": telling},
    )
    try:
        workers = [ray.remote(Worker).options(num_cpus=0, num_gpus=0.5).remote(trial) for trial in range(4)]
        told = ray.get([worker.told.remote() for worker in workers], timeout=300)
    finally:
        ray.shutdown()
    assert sorted(visible for visible, *_ in told) == ["0", "0", "1", "1"]
    assert len({(visible, pid) for visible, pid, *_ in told}) == 2
    assert {(gpu, room) for *_, gpu, room in told} == {(1.0, 2)}
