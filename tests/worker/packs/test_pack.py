"""Trials that are trained side by side in one process: the numbers of trials alone, and faults that stay with one."""

import itertools
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.sweeps.commands import fine, run
from helpers.sweeps.packed import PACKED, events, rows, weights, without_packing
from helpers.training.rehearsal import Rehearsal

from ganlib.metrics import Evaluator
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import WARM, Player
from sweep.driver.director import Director
from sweep.runners.local import LocalRunner
from sweep.spec.sections import ResourcesConfig
from sweep.worker.pack import Pack


def test_two_side_by_side_are_two_alone_to_the_last_bit(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, order = [0], []
    entered = AdversarialStep.__call__

    def step(self: AdversarialStep, batches: Any) -> None:
        order.append(id(self))
        entered(self, batches)

    began = Pack.begin

    def begin(self: Pack, assignment: Any) -> Any:
        attempt = began(self, assignment)
        most[0] = max(most[0], len(self))
        return attempt

    monkeypatch.setattr(AdversarialStep, "__call__", step)
    monkeypatch.setattr(Pack, "begin", begin)
    fine("run", spec, "--local", "--storage", spec.parent / "pack", *PACKED)
    packed = spec.parent / "pack" / "packed"
    assert most == [2]
    assert sum(a != b for a, b in itertools.pairwise(order)) > 12, "they took turns"
    assert without_packing(rows(packed)) == without_packing(rows(alone))
    assert weights(packed) == weights(alone)
    assert weights(packed)
    fine("check", "packed", "--storage", spec.parent / "pack")


@pytest.mark.parametrize("kind", ["memory", "error"])
def test_a_trial_that_fails_leaves_its_neighbour_alone(
    kind: str, spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = torch.OutOfMemoryError("out of memory") if kind == "memory" else ValueError("a bad step")
    left, entered = [3], AdversarialStep.__call__

    def step(self: AdversarialStep, batches: Any) -> None:
        if self.seed == seeds[1]:
            left[0] -= 1
            if left[0] == 0:
                raise error
        entered(self, batches)

    seeds = [row["seed"] for row in rows(alone)["trials"]]
    monkeypatch.setattr(AdversarialStep, "__call__", step)
    fine("run", spec, "--local", "--storage", spec.parent / kind, *PACKED)
    folder = spec.parent / kind / "packed"
    (event,) = events(folder, "restart")
    assert event["trial"] == 1
    detail = json.loads(event["detail"])
    assert (detail["kind"], detail["share"]) == (kind, 2.0 if kind == "memory" else 1.0)
    assert "step" in detail["traceback"]
    expected, found = without_packing(rows(alone)), without_packing(rows(folder))
    for name in ("metrics", "results"):
        for row in (*expected[name], *found[name]):
            row.pop("attempt", None)
        assert found[name] == expected[name]
    fine("check", "packed", "--storage", spec.parent / kind)


def test_an_interrupted_pack_goes_on(spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Director.report
    count = [0]

    def stopping(self: Director, said: Any) -> bool:
        count[0] += 1
        if count[0] == 3:
            raise KeyboardInterrupt
        return report(self, said)

    storage = ["--storage", spec.parent / "cut"]
    with monkeypatch.context() as patch:
        patch.setattr(Director, "report", stopping)
        assert run("run", spec, "--local", *storage, *PACKED).exit_code != 0
    folder = spec.parent / "cut" / "packed"
    assert {row["status"] for row in rows(folder)["trials"]} >= {"interrupted"}
    fine("resume", "packed", "--local", *storage)
    assert weights(folder) == weights(alone)
    fine("check", "packed", *storage)


def test_a_trial_whose_measuring_hangs_is_given_up_and_others_go_on(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score, hung, go_on = Evaluator.score, threading.Event(), threading.Event()

    def once(self: Evaluator, *args: Any, **options: Any) -> Any:
        if not hung.is_set():
            hung.set()
            go_on.wait(60)
            raise InterruptedError
        return score(self, *args, **options)

    monkeypatch.setattr(Evaluator, "score", once)
    made = Pack.__init__
    monkeypatch.setattr(Pack, "__init__", lambda self, gpu, room: made(self, gpu, room, 1.5))
    monkeypatch.setattr("sweep.worker.watchdog.faulthandler.dump_traceback_later", lambda *_, **__: None)
    try:
        fine("run", spec, "--local", "--storage", spec.parent / "hung", *PACKED)
    finally:
        go_on.set()
    folder = spec.parent / "hung" / "packed"
    (event,) = events(folder, "restart")
    assert json.loads(event["detail"])["kind"] == "hung"
    assert weights(folder) == weights(alone)


# ---- how many --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resources", "there", "slots", "gpu"),
    [
        ({"gpu": 0.25}, True, 4, 0.25),
        ({"gpu": 0.3}, True, 3, 0.3),
        ({"gpu": 0.1}, True, 10, 0.1),
        ({"gpu": 0.25, "max_concurrent": 2}, True, 2, 0.25),
        ({"gpu": 0.25, "packing": "off"}, True, 1, 1.0),
        ({"gpu": 0.6}, True, 1, 1.0),
        ({"gpu": 1.0}, True, 1, 1.0),
        ({"gpu": 0.25}, False, 1, 0.0),
        ({"packing": "on"}, False, 2, 0.0),
        ({"packing": "on", "max_concurrent": 3}, False, 3, 0.0),
        ({"packing": "on", "gpu": 0.5}, False, 2, 0.0),
    ],
)
def test_as_many_as_share_a_gpu(
    resources: dict[str, Any], there: bool, slots: int, gpu: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    runner = LocalRunner(ResourcesConfig(**resources))
    assert (runner.at_once(), runner.gpu) == (slots, gpu)
    assert runner.fits({(0, 0): 1.0}, 1.0) == (slots > 1)
    assert not runner.fits({(trial, 0): 1.0 for trial in range(slots)}, 1.0)
    assert not runner.fits({(0, 0): 1.0}, slots)


def test_a_trial_goes_on_with_the_recordings_of_one_that_has_ended(
    spec: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Rehearsal] = []

    def player(*_: object) -> Player:
        made.append(Rehearsal())
        return Player(made[-1])

    monkeypatch.setattr("ganlib.steps.adversarial.player", player)
    fine("run", spec, "--local", "--storage", spec.parent / "warm", *PACKED)
    folder = spec.parent / "warm" / "packed"
    assert without_packing(rows(folder)) == without_packing(rows(alone))
    assert weights(folder) == weights(alone)
    assert len(made) == 5, "each trial makes a step, and so does the preflight"
    assert sum(one.recorded for one in made) == 2, "and two of them were used"
    assert sum(one.warmed for one in made[1:]) == 2 * WARM
