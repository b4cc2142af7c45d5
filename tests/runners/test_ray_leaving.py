"""Workers of trials that are told to go, and the processes of packs: no trial fails for it. Ray is made up."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ray")

from ray.exceptions import RayTaskError

from sweep.runners import leaving as warnings
from sweep.runners import ray_pack, ray_worker
from sweep.runners.leaving import Leaving, LeavingError
from sweep.runners.ray_pack import Packed, PackProcess
from sweep.runners.ray_worker import TrialActor
from sweep.worker.messages import Fault

PATIENCE = 5.0
ASSIGNMENT = {"trial": 3, "attempt": 1}


@pytest.fixture(autouse=True)
def warned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Leaving]:
    """The warnings of this process in the place of a worker; what is done at SIGTERM is put back."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        warnings.ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: "here")
    )
    monkeypatch.setattr(warnings, "draining", dict[str, int])
    ours = Leaving()
    for module in (ray_pack, ray_worker):
        monkeypatch.setattr(module, "leaving", lambda: ours)
    yield ours
    signal.signal(signal.SIGTERM, before)


def told_to_go() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Trials:
    """Trials of a pack that train until they are sent away, in the place of `sweep.worker.pack.Pack`."""

    def __init__(self, gpu: float, room: int, timeout: float, leaving: Callable[[], str]) -> None:
        self.leaving, self.away = leaving, dict[object, str]()
        self.wants: dict[tuple[int, int], bool] = {}

    def __len__(self) -> int:
        return len(self.wants)

    @property
    def wanted(self) -> bool:
        return any(self.wants.values())

    def begin(self, assignment: Any, wanted: bool) -> None:
        self.wants[assignment["trial"], assignment["attempt"]] = wanted

    def want(self, attempt: tuple[int, int]) -> None:
        self.wants[attempt] = True

    def send_away(self, attempt: object, reason: str) -> None:
        self.away[attempt] = reason

    def leave(self, attempt: tuple[int, int]) -> None:
        self.wants.pop(attempt, None)

    def round(self) -> Iterator[tuple[object, Fault]]:
        for attempt in [one for one, wanted in self.wants.items() if wanted]:
            if reason := self.away.get(attempt) or self.leaving():
                del self.wants[attempt]
                yield attempt, Fault("preempted", f"PreemptedError: {reason}")


class Handle:
    """A handle of a pack's process, whose calls are made in threads, as Ray makes them."""

    def __init__(self, process: PackProcess) -> None:
        self._process = process

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any) -> "futures.Future[Any]":
            said: futures.Future[Any] = futures.Future()

            def do() -> None:
                try:
                    said.set_result(getattr(self._process, name)(*given))
                except LeavingError as error:
                    raised = RayTaskError(name, "Traceback ...", error)
                    said.set_exception(raised.as_instanceof_cause())
                except BaseException as error:
                    said.set_exception(error)

            threading.Thread(target=do, daemon=True).start()  # some wait for ever
            return said

        return SimpleNamespace(remote=call)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """That of a pack: why it is about to go, and how the pack's process has ended."""
    machine = SimpleNamespace(going="", ended=futures.Future())

    def end(code: int) -> None:
        machine.ended.set_result(code)
        threading.Event().wait()  # for ever: the thread is to do nothing more

    monkeypatch.setattr(ray_pack.os, "_exit", end)
    monkeypatch.setattr(ray_pack, "Leaving", lambda at_work: lambda: machine.going)
    monkeypatch.setattr(ray_pack, "end_with_parent", lambda: None)
    monkeypatch.setattr(ray_pack, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(ray_pack, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("sweep.worker.messages.Assignment.from_plain", lambda plain: plain)
    monkeypatch.setattr("sweep.worker.pack.Pack", Trials)
    monkeypatch.setattr(ray_pack.ray, "get", lambda asked: asked.result(PATIENCE))

    def wait(asked: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        done, others = futures.wait(asked, timeout)
        return list(done), list(others)

    monkeypatch.setattr(ray_pack.ray, "wait", wait)
    return machine


def packed(handle: Handle, trial: int = 3) -> Packed:
    """A trial in the process of a pack."""
    made = Packed.__new__(Packed)
    made._assignment, made._attempt = ASSIGNMENT | {"trial": trial}, (trial, 1)
    made._begun = made._sent_away = False
    made._process, made.name = handle, "pack"
    return made


def actor(run: Any, awaited: Callable[[], bool] = lambda: False, greeted: bool = True) -> TrialActor:
    """A worker that has its assignment."""
    worker = TrialActor.__new__(TrialActor)
    worker.run, worker.greeted = run, greeted
    worker.readiness = SimpleNamespace(awaited=awaited)
    return worker


def test_sigterm_to_the_worker_of_a_packed_trial_is_no_failure(machine: SimpleNamespace) -> None:
    """It leaves a checkpoint, and goes on elsewhere; the process of its GPU stays, and the others in it."""
    handle = Handle(PackProcess(None, 1.0, 2, 0.0))
    handle.begin.remote(ASSIGNMENT | {"trial": 4}).result(PATIENCE)
    other = handle.next.remote((4, 1))
    threading.Timer(0.3, told_to_go).start()
    with pytest.raises(LeavingError, match=r"PreemptedError: its machine .* was sent SIGTERM"):
        actor(packed(handle)).step()
    assert not other.done()
    assert not machine.ended.done()


def test_a_packed_trial_does_not_begin_once_its_worker_is_to_go(machine: SimpleNamespace) -> None:
    process = SimpleNamespace()  # which is asked for nothing

    def greet() -> int:
        told_to_go()
        return 7

    run = packed(process)
    worker = actor(run, greeted=False)
    run.pid = greet  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_worker.ray, "get_gpu_ids", list)
        assert worker.step()["hello"][1] == 7
    with pytest.raises(LeavingError, match="SIGTERM"):
        worker.step()


def test_sigterm_while_the_machine_is_made_ready_is_no_failure() -> None:
    def awaited() -> bool:
        told_to_go()
        return True

    with pytest.raises(LeavingError, match="SIGTERM"):
        actor(SimpleNamespace(), awaited).step()


def test_a_pack_that_is_told_to_go_ends_when_its_trials_have_left(machine: SimpleNamespace) -> None:
    """A detached actor outlives its trials: the next worker of its GPU would get a process that sends all away."""
    handle = Handle(PackProcess(None, 1.0, 2, 0.0))
    said = []
    for trial in (3, 4):
        handle.begin.remote(ASSIGNMENT | {"trial": trial}).result(PATIENCE)
        said.append(handle.next.remote((trial, 1)))
    machine.going = "its machine is being taken away"
    assert ["taken away" in one.result(PATIENCE)["leaving"] for one in said] == [True, True]
    assert machine.ended.result(PATIENCE) == 0


def test_a_pack_that_is_to_go_takes_no_trial_and_that_is_no_failure(machine: SimpleNamespace) -> None:
    handle = Handle(PackProcess(None, 1.0, 2, 0.0))
    machine.going = "its machine is being taken away"
    with pytest.raises(LeavingError, match=r"^its machine is being taken away$"):
        actor(packed(handle)).step()
    assert machine.ended.result(PATIENCE) == 0


def test_a_pack_that_is_to_go_ends_when_its_last_trial_is_stopped(machine: SimpleNamespace) -> None:
    handle = Handle(PackProcess(None, 1.0, 2, 0.0))
    handle.begin.remote(ASSIGNMENT).result(PATIENCE)
    machine.going = "its machine is being taken away"
    handle.leave.remote((3, 1)).result(PATIENCE)
    assert machine.ended.result(PATIENCE) == 0


def test_a_trial_whose_pack_ended_before_it_began_has_not_failed(machine: SimpleNamespace) -> None:
    def begin(assignment: object) -> None:
        raise ray_pack.ray.exceptions.ActorDiedError

    with pytest.raises(LeavingError, match="had ended before it began"):
        actor(packed(Handle(SimpleNamespace(begin=begin)))).step()  # type: ignore[arg-type]
