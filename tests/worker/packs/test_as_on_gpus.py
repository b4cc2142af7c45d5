"""Trials side by side as a GPU would have them, on a processor: faults that are the process's, and measuring beside."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.sweeps.commands import fine, run
from helpers.sweeps.packed import PACKED, events, rows, weights

from ganlib.metrics import Evaluator
from ganlib.steps.adversarial import AdversarialStep
from sweep.worker.pack import Pack


def test_a_gpu_that_is_lost_to_the_process_is_no_fault_of_its_trials(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of CUDA after which it refuses everything: here one trial would fail after the other."""
    left, entered = [5], AdversarialStep.__call__

    def step(self: AdversarialStep, batches: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nand more")
        entered(self, batches)

    def synchronize() -> None:
        if left[0] <= 0:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    storage = ["--storage", spec.parent / "lost"]
    with monkeypatch.context() as patch:
        patch.setattr(AdversarialStep, "__call__", step)
        patch.setattr(torch.cuda, "is_initialized", lambda: True)
        patch.setattr(torch.cuda, "synchronize", synchronize)
        ended = run("run", spec, "--local", *storage, *PACKED)
    assert ended.exit_code == 1
    assert (
        "can use the GPU no more after RuntimeError: CUDA error: an illegal memory access was encountered"
        in " ".join(ended.output.split())
    )
    assert "sweep resume packed" in " ".join(ended.output.split())
    assert "Traceback" not in ended.output
    folder = spec.parent / "lost" / "packed"
    assert {row["status"] for row in rows(folder)["trials"]} == {"interrupted"}
    assert not events(folder, "restart")
    fine("resume", "packed", "--local", *storage)
    assert weights(folder) == weights(alone)


def test_what_hangs_on_a_gpu_ends_its_process(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours would wait for it when they are to be measured, or behind its kernels."""
    hung, go_on = threading.Event(), threading.Event()

    def hang(self: Evaluator, *args: Any, **options: Any) -> Any:
        hung.set()
        go_on.wait(60)
        raise InterruptedError

    made, storage = Pack.__init__, ["--storage", spec.parent / "stuck"]

    def on_gpu(self: Pack, gpu: float, room: int) -> None:
        made(self, gpu, room, 1.5)
        self._device = torch.device("cuda")

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "score", hang)
        patch.setattr(Pack, "__init__", on_gpu)
        patch.setattr(torch.cuda, "Stream", lambda: None)
        patch.setattr(torch.cuda, "empty_cache", lambda: None)
        patch.setattr("ganlib.flags.on_gpu", lambda device: True)
        patch.setattr("sweep.worker.watchdog.faulthandler.dump_traceback_later", lambda *_, **__: None)
        try:
            ended = run("run", spec, "--local", *storage, *PACKED)
        finally:
            go_on.set()
    assert ended.exit_code == 1
    assert "gave no sign of life for 1.5 s in its process" in " ".join(ended.output.split())
    fine("resume", "packed", "--local", *storage)
    assert weights(spec.parent / "stuck" / "packed") == weights(alone)


def test_others_train_while_one_is_measured(spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, where it matters to both how it computes: a step waits for a part of the measuring, not for all."""
    score, entered = Evaluator.score, AdversarialStep.__call__
    measuring, trained, taken = threading.Event(), threading.Event(), Counter[int]()
    in_time: list[bool] = []

    def beside(self: Evaluator, *args: Any, **options: Any) -> Any:
        if not measuring.is_set():
            measuring.set()
            in_time.append(trained.wait(60))
        return score(self, *args, **options)

    def step(self: AdversarialStep, batches: Any) -> None:
        taken[id(self)] += 1
        # Of the second one's steps before it is due; the first one is due already.
        last = not trained.is_set() and [*taken.values()] == [4, 4]
        if last:
            in_time.append(measuring.wait(60))
        entered(self, batches)
        if last:
            trained.set()

    monkeypatch.setattr("ganlib.flags.on_gpu", lambda device: True)
    monkeypatch.setattr(Evaluator, "score", beside)
    monkeypatch.setattr(AdversarialStep, "__call__", step)
    fine("run", spec, "--local", "--storage", spec.parent / "beside", *PACKED)
    assert in_time == [True, True]
    assert not events(spec.parent / "beside" / "packed", "restart")
    assert weights(spec.parent / "beside" / "packed") == weights(alone)
