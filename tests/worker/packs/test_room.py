"""What trials of one process leave each other: memory, and time while one of them is measured."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sweep.worker import pack as module
from sweep.worker.faults import kind_of
from sweep.worker.messages import Assignment, Fault
from sweep.worker.pack import Pack


def assignment(trial: int, share: float = 1.0) -> Assignment:
    return Assignment("", "", trial, 0, 0, "kid", {}, "", share=share)


class Run:
    """Stands in for a trial: it trains, is measured, or runs out of memory."""

    measures, error = False, None

    def __init__(self, given: Assignment, lent: Any) -> None:
        self.lent, self.fit = lent, SimpleNamespace(step=SimpleNamespace(player=1))

    def advance(self) -> None:
        if Run.error:
            raise Run.error

    def close(self, hangs: bool = False) -> None:
        pass


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch) -> Pack:
    monkeypatch.setattr(module, "TrialRun", Run)
    monkeypatch.setattr(module, "recorded", lambda config: "another")
    monkeypatch.setattr(Run, "error", None)
    made = Pack(0.0, 4)
    made._used = [SimpleNamespace(recorded=number) for number in range(2)]  # type: ignore[misc]
    return made


def test_what_trials_that_have_ended_hold_is_given_up_where_memory_is_short(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for trial in range(2):
        pack.begin(assignment(trial))
    monkeypatch.setattr(Run, "error", ValueError("a bad step"))
    assert [said.kind for _, said in pack.round() if isinstance(said, Fault)] == ["error"] * 2
    assert len(pack._used) == 2
    pack.begin(assignment(2))
    monkeypatch.setattr(Run, "error", torch.OutOfMemoryError("CUDA out of memory"))
    assert [said.kind for _, said in pack.round() if isinstance(said, Fault)] == ["memory"]
    assert not pack._used


def test_a_trial_of_twice_the_share_takes_the_room_of_two(pack: Pack) -> None:
    pack.begin(assignment(0))
    pack.begin(assignment(1, share=2.0))
    list(pack.round())
    assert len(pack._used) == 1


def test_nobody_waits_for_a_measurement_while_another_can_train(pack: Pack) -> None:
    first, second = (pack.begin(assignment(trial)) for trial in range(2))
    assert list(pack.round()) == []
    patience = pack._slots[first].run.lent.patience  # type: ignore[union-attr]
    pack._slots[first].run.measures = True  # type: ignore[union-attr, misc]
    assert patience() == 0
    pack._slots[second].wanted = False  # it has reported, and waits for the driver
    assert patience() == module.TURN_SECONDS
    pack.want(second)
    pack._slots[second].run.measures = True  # type: ignore[union-attr, misc]
    assert patience() == module.TURN_SECONDS


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
        "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes",
    ],
)
def test_every_library_says_in_its_own_words_that_memory_is_short(words: str) -> None:
    assert kind_of(RuntimeError(words)) == "memory"
    assert kind_of(RuntimeError("CUDA error: device-side assert triggered")) == "error"
