"""What the driver makes of the error that ended a worker; Ray itself is not started."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from helpers.sweeps.directing import events, handed, make
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

from sweep.runners import ray as ray_runner
from sweep.runners import ray_tune as runner
from sweep.runners.capacity import Node
from sweep.runners.leaving import LeavingError
from sweep.runners.ray import RayRunner
from sweep.runners.ray_tune import DirectorScheduler, DirectorSearcher, Signs, died_of
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Fault, LostGpuError


def cause_of(
    error: Exception | None, folder: Path, monkeypatch: pytest.MonkeyPatch, gone: str = ""
) -> Fault | None:
    """What is known after Tune has told of an error, which it has pickled as it does."""
    path = None
    if error is not None:
        path = folder / "error.pkl"
        path.write_bytes(ray.cloudpickle.dumps(error))
    trial = SimpleNamespace(config={"assignment": {"trial": 3, "attempt": 1}}, pickled_error_file=path)
    monkeypatch.setattr(runner, "lost", lambda node: gone if node == "there" else "")
    signs = Signs(60.0)
    signs.greet((3, 1), "there", 77, [], "")
    director: Any = None
    DirectorScheduler(director, signs).on_trial_error(None, trial)
    return signs.causes.get((3, 1))


def test_rays_memory_monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = cause_of(OutOfMemoryError("low on memory"), tmp_path, monkeypatch)
    assert fault == Fault("memory", "Ray ended the worker: the machine ran out of memory")


def test_a_worker_that_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = RayTaskError("step", "Traceback", LeavingError("PreemptedError: Ray drains the node"))
    fault = cause_of(error.as_instanceof_cause(), tmp_path, monkeypatch, gone="host-7")
    assert fault == Fault("preempted", "PreemptedError: Ray drains the node")


def test_a_worker_that_can_use_its_gpu_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "its process can use the GPU no more after RuntimeError: CUDA error: an illegal memory access"
    error = RayTaskError("step", "Traceback", LostGpuError(reason))
    assert cause_of(error.as_instanceof_cause(), tmp_path, monkeypatch) == Fault("died", reason)


def test_a_node_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cause_of(RayActorError(), tmp_path, monkeypatch, gone="host-7") == Fault(
        "preempted", "its machine host-7 is gone"
    )
    assert cause_of(None, tmp_path, monkeypatch, gone="host-7") is not None


def test_a_process_that_died_for_no_known_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cause_of(RayActorError(), tmp_path, monkeypatch) is None


def test_of_a_death_is_said_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "host_of", lambda node: f"host of {node}")
    assert died_of(("n1", 77)).startswith(
        "its process 77 on host of n1 ended without a word: killed from outside"
    )
    assert died_of(None).startswith("its process, before it said where it is, ended without a word")


@pytest.mark.parametrize("away", [100.0, 0.1])
def test_silence_while_the_driver_was_away_is_nobodys(away: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its link was cut, its storage hung, its machine slept: workers said nothing that it could have heard."""
    now, ended = [1000.0], list[tuple[str, int]]()
    monkeypatch.setattr(runner.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(runner, "end_process", lambda node, pid: ended.append((node, pid)))
    signs = Signs(20.0)
    signs.greet((0, 0), "there", 77, [], "")
    signs.end_silent()
    now[0] += away
    signs.end_silent()
    assert not ended
    turns = 0
    while not ended:
        now[0] += 0.1
        turns += 1
        signs.end_silent()
    silent = turns * 0.1 + (0.0 if away > runner.ABSENT_SECONDS else away)
    assert silent == pytest.approx(20.0 + runner.DETECTION_SECONDS, abs=0.3)


class Controller:
    """In the place of Tune's: its trials, of which those that are stopped are told of."""

    def __init__(self, searcher: DirectorSearcher, trials: dict[str, SimpleNamespace]) -> None:
        self.searcher, self.trials = searcher, trials

    def get_trials(self) -> list[SimpleNamespace]:
        """List all."""
        return list(self.trials.values())

    def stop_trial(self, trial: SimpleNamespace) -> None:
        """Stop one that waits, as Tune does it."""
        trial.status = "TERMINATED"
        self.searcher.on_trial_complete(next(name for name, one in self.trials.items() if one is trial))


def test_a_trial_that_waits_for_more_than_any_machine_has_is_called_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that had it has gone after the trial was handed out; without that, all others would wait too."""
    folder = LocalFolder(tmp_path)
    counted = {"small": Node.having(2, 0), "large": Node.having(8, 0)}
    monkeypatch.setattr(ray_runner, "nodes", lambda kinds: counted)
    runner = RayRunner.__new__(RayRunner)
    runner.cpu, runner.gpu, runner.kinds, runner.threads = 2.0, 0.0, (), 2
    runner.max_concurrent, runner.unfit, runner.signs = None, {}, (signs := Signs(60.0))
    runner._recount()
    assert runner.largest_share == 4.0
    director = make(folder, trials=1, room=runner)
    director.fail(handed(director).trial, 0, Fault("memory", "out of memory"))
    searcher, scheduler = DirectorSearcher(director, signs, False), DirectorScheduler(director, signs)
    trials = {"a": SimpleNamespace(config=searcher.suggest("a"), status="PENDING")}
    assert trials["a"].config["assignment"]["share"] == 2.0
    del counted["large"]
    runner._recount()
    runner._call_back(director)
    assert scheduler.choose_trial_to_run(Controller(searcher, trials)) is trials["a"], "not at once"
    signs.waiting[0, 1] -= 2 * ray_runner.WAITING_SECONDS
    runner._call_back(director)
    assert scheduler.choose_trial_to_run(Controller(searcher, trials)) is None
    assert (signs.waiting, signs.homeless, signs.causes) == ({}, set(), {})
    assert events(folder) == ["restart", "preempted"]
    again = searcher.suggest("b")["assignment"]
    assert (again["trial"], again["attempt"], again["share"]) == (0, 2, 1.0)


class Halted:
    """A director that is told to halt."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def halt(self, reason: str) -> None:
        self.reasons.append(reason)


@pytest.mark.parametrize(
    ("there", "reasons"),
    [
        ((), []),  # others may come, as where none was ever unfit
        (("spot-3", "spot-5"), []),
        (("spot-3",), ["no machine can run the trials: spot-3: disk full"]),
        (("spot-3", "small"), ["no machine can run the trials: spot-3: disk full"]),
        (("small",), []),
    ],
)
@pytest.mark.parametrize("counted_before", [True, False])
def test_only_unfit_machines_that_are_there_halt_a_sweep(
    there: tuple[str, ...], reasons: list[str], counted_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was unfit hours ago, and has gone, says nothing of those that come; another has gone, too."""
    large, small = Node.having(2, 0), Node.having(1, 0)
    counted = {"spot-3": large}
    monkeypatch.setattr(ray_runner, "nodes", lambda kinds: counted)
    runner = RayRunner.__new__(RayRunner)
    runner.cpu, runner.gpu, runner.kinds = 2.0, 0.0, ()
    runner.unfit = {"spot-1": "spot-1: no weights", "spot-3": "spot-3: disk full"}
    runner._recount()
    counted = {name: small if name == "small" else large for name in there}
    if counted_before:
        runner._recount()
    director: Any = Halted()
    runner._check_able(director)
    assert director.reasons == reasons
