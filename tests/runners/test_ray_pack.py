"""The process of a pack, without Ray around it: where its thread cannot go on, those who wait are told and it ends."""

import json
import threading
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import RpcError

from sweep.runners import fates
from sweep.runners import ray_pack as module
from sweep.runners.ray_pack import PackProcess, deserted
from sweep.storage import layout
from sweep.storage.lease import Fate, Lease
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Assignment, LostGpuError


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
def ending(monkeypatch: pytest.MonkeyPatch) -> "Future[int]":
    """The code with which the process ends."""
    codes: Future[int] = Future()

    def end(code: int) -> None:
        codes.set_result(code)
        threading.Event().wait()  # for ever: the thread is to do nothing more

    monkeypatch.setattr(module.os, "_exit", end)
    monkeypatch.setattr(module, "Leaving", lambda at_work: lambda: "")
    monkeypatch.setattr(module, "end_with_parent", lambda: None)
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.0)
    return codes


def test_all_that_wait_are_told_why_the_process_ends(
    ending: "Future[int]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.worker.pack.Pack", Broken)
    process = PackProcess(None, 1.0, 2, 0.0)
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
    assert ending.result(20) == 1


class Idle(Broken):
    """A pack of which nobody wants anything."""

    wanted = False


@pytest.mark.parametrize("ends", [False, True])
def test_a_pack_that_waits_for_long_ends_where_its_driver_is_lost(
    ends: bool, ending: "Future[int]", monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Semaphore(0)
    monkeypatch.setattr(module, "deserted", lambda assignment: bool(looked.release()) or ends)
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr("sweep.worker.pack.Pack", Idle)
    process = PackProcess(None, 1.0, 2, 0.0)
    if not ends:
        assert all(looked.acquire(timeout=20) for _ in range(3))
        assert not ending.done()
        process._commands.put(lambda: module.os._exit(0))
    assert ending.result(20) == 0


@pytest.mark.parametrize(
    ("fate", "owner", "lost"),
    [
        (Fate.UNKNOWN, "me", False),
        (Fate.UNKNOWN, None, False),
        (Fate.UNKNOWN, "another", True),
        (Fate.DEAD, "me", True),
        (Fate.LOST, "me", True),
        (RpcError("nobody answers"), "me", False),
    ],
)
def test_a_driver_that_was_stopped_is_not_lost(
    fate: Fate | Exception, owner: str | None, lost: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one whose storage hangs: its lease looks old, and all trials would have failed when it comes back."""

    def answer(job: str) -> Fate:
        if isinstance(fate, Exception):
            raise fate
        return fate

    if owner is not None:
        LocalFolder(tmp_path).write(layout.LEASE, json.dumps(asdict(Lease(owner, "far", 7, 0.0))).encode())
    context = SimpleNamespace(gcs_address="head:6379")
    monkeypatch.setattr(module.ray, "get_runtime_context", lambda: context)
    monkeypatch.setattr(fates, "job_here", lambda: "c1/01000000")
    monkeypatch.setattr(fates, "Cluster", lambda head: SimpleNamespace(fate_of=answer))
    given = Assignment(str(tmp_path), "me", 0, 0, 0, "kid", {}, "").plain()
    assert deserted(given) is lost


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
