"""What Tune asks of whoever searches and schedules, put to a `Director`; and the watch over its workers.

A Tune trial is one attempt of one of ours. Everything is decided by the director; the classes here only pass on.
"""

import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from sweep.driver.director import Director
from sweep.driver.events import Next
from sweep.driver.room import Attempt
from sweep.runners.capacity import UNITS, Demand
from sweep.runners.leaving import LeavingError
from sweep.runners.nodes.ready import UnfitError
from sweep.runners.ray_cluster import KIND, host_of, lost
from sweep.runners.ray_worker import PACKED, TRIAL, UNFIT, end_process
from sweep.worker.messages import Fault, LostGpuError, Paused, from_plain

ABSENT_SECONDS = 5.0
"""The driver looks ten times a second; after so long it has been away itself."""
DETECTION_SECONDS = 15.0
"""The worker's own watchdog comes first; the driver's is for one that cannot bite any more."""


class Signs:
    """The driver's watch over its workers: where each is, when it was last heard of, and what it died of.

    Args:
        timeout: Seconds without a sign of life after which a trial has hung; 0 for never.
        unfit: Why nodes cannot run trials, by Ray's names for them; those that are found out are added.
    """

    def __init__(self, timeout: float, unfit: dict[str, str] | None = None) -> None:
        self.timeout = timeout
        self.unfit = {} if unfit is None else unfit
        self.waiting: dict[Attempt, float] = {}
        self.processes: dict[Attempt, tuple[str, int]] = {}
        self.gpus: dict[Attempt, tuple[str, ...]] = {}
        self.heard: dict[Attempt, float] = {}
        self.causes: dict[Attempt, Fault] = {}
        self.packs: set[str] = set()
        self.homeless: set[Attempt] = set()
        self._looked = time.monotonic()

    def hear(self, attempt: Attempt) -> None:
        """Note a sign of life."""
        self.heard[attempt] = time.monotonic()

    def expect(self, attempt: Attempt) -> None:
        """Note that a trial waits for its place."""
        self.waiting[attempt] = time.monotonic()

    def greet(self, attempt: Attempt, node: str, pid: int, gpus: Sequence[str], pack: str) -> None:
        """Note the first sign of life, which tells where the trial is, and in which pack."""
        self.hear(attempt)
        self.waiting.pop(attempt, None)
        self.packs |= {pack} if pack else set()
        self.processes[attempt], self.gpus[attempt] = (node, pid), tuple(gpus)

    def call_back(self, attempt: Attempt, reason: str) -> None:
        """Have a trial not wait for its place any more."""
        self.homeless.add(attempt)
        self.causes[attempt] = Fault("preempted", reason)

    def forget(self, attempt: Attempt) -> Fault | None:
        """Forget an attempt that has ended; returns what is known of the cause."""
        for known in (self.waiting, self.heard, self.processes, self.gpus):
            known.pop(attempt, None)
        self.homeless.discard(attempt)
        return self.causes.pop(attempt, None)

    def end_silent(self) -> None:
        """End the processes that have said nothing for too long; while nobody listened, none has said anything."""
        now, before = time.monotonic(), self._looked
        self._looked = now
        if now - before > ABSENT_SECONDS:  # storage that was away, a laptop that slept
            self.heard = {attempt: min(heard + now - before, now) for attempt, heard in self.heard.items()}
        limit = now - self.timeout - DETECTION_SECONDS
        for attempt in [attempt for attempt, heard in self.heard.items() if heard < limit]:
            self.causes[attempt] = Fault(
                "hung", f"no sign of life for {self.timeout:g} s (resources.timeout)"
            )
            del self.heard[attempt]
            end_process(*self.processes[attempt])


class DirectorSearcher(Searcher):  # type: ignore[misc]
    """Tune's searcher interface to a `Director`. Ray may pickle it: the director stays behind."""

    def __init__(self, director: Director, signs: Signs, packed: bool) -> None:
        super().__init__()
        self.director: Director | None = director
        self.signs, self.packed = signs, packed
        self.attempts: dict[str, Attempt] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"director": None}

    def suggest(self, trial_id: str) -> Any:  # noqa: ANN401 - Tune: a config, None or FINISHED
        """Give the next assignment."""
        assert self.director is not None
        assignment = self.director.next()
        if isinstance(assignment, Next):
            return Searcher.FINISHED if assignment is Next.DONE else None
        self.attempts[trial_id] = (assignment.trial, assignment.attempt)
        self.signs.expect(self.attempts[trial_id])
        return {TRIAL: assignment.plain(), PACKED: self.packed, UNFIT: sorted(self.signs.unfit)}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:  # noqa: ANN401
        """Take in that a worker ended. If it died, the director decides whether to try again."""
        assert self.director is not None
        attempt = self.attempts.pop(trial_id, None)
        if attempt is not None:
            # Ended trials were reported; whatever still counts as live was lost with its worker.
            died = Fault("died", died_of(self.signs.processes.get(attempt)))
            self.director.fail(*attempt, self.signs.forget(attempt) or died)

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the folder remembers."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing: `sweep resume` starts a fresh Tuner."""


def died_of(process: tuple[str, int] | None) -> str:
    """Say what is known of a worker that ended without a word; its node lives, or it would be told of that."""
    where = (
        f"its process {process[1]} on {host_of(process[0])}"
        if process
        else "its process, before it said where it is,"
    )
    return f"{where} ended without a word: killed from outside, by the kernel for its memory too, or crashed"


class DirectorScheduler(FIFOScheduler):  # type: ignore[misc]
    """Tune's scheduler interface to a `Director`: ASHA, collapse and the budget decide there."""

    def __init__(self, director: Director, signs: Signs) -> None:
        super().__init__()
        self.director: Director | None = director
        self.signs = signs

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"director": None}

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ANN401
        """Hand in a report; stop or go on as the director says."""
        assert self.director is not None
        attempt = _attempt(trial)
        if "hello" in result:
            self.signs.greet(attempt, *result["hello"])
            return str(TrialScheduler.CONTINUE)
        if "fault" in result:
            self.director.fail(
                *attempt, self.signs.causes.get(attempt) or Fault(**json.loads(result["fault"]))
            )
            return str(TrialScheduler.STOP)
        self.signs.hear(attempt)
        if "waiting" in result:
            if not self.director.stopping:
                return str(TrialScheduler.CONTINUE)
            self.director.report(Paused(trial=attempt[0], attempt=attempt[1], kimg=0.0))
            return str(TrialScheduler.STOP)
        go_on = self.director.report(from_plain(json.loads(result["report"])))
        return str(TrialScheduler.CONTINUE if go_on else TrialScheduler.STOP)

    def choose_trial_to_run(self, tune_controller: Any) -> Any:  # noqa: ANN401 - a Tune trial, or None
        """Choose the next that waits; whoever is to wait no more is stopped."""
        assert self.director is not None
        for trial in tune_controller.get_trials() if self.signs.homeless else ():
            attempt = _attempt(trial)
            if attempt in self.signs.homeless:
                self.director.fail(*attempt, self.signs.causes[attempt])
                with contextlib.redirect_stdout(None):  # on which Tune would say that it has "completed"
                    tune_controller.stop_trial(trial)
        return super().choose_trial_to_run(tune_controller)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:  # noqa: ANN401
        """Take in that a worker died: Ray knows when that was its own memory monitor's doing."""
        attempt, error = _attempt(trial), _error_of(trial)
        cause = getattr(error, "cause", None) or error
        if attempt in self.signs.causes:
            return
        node, _ = self.signs.processes.get(attempt, ("", 0))
        if isinstance(error, ray.exceptions.OutOfMemoryError):
            self.signs.causes[attempt] = Fault(
                "memory", "Ray ended the worker: the machine ran out of memory"
            )
        elif isinstance(cause, UnfitError):
            why = f"{host_of(node)}: {cause}"
            self.signs.unfit[node] = why
            self.signs.causes[attempt] = Fault("node", f"no trials run on {why}")
        elif isinstance(cause, LostGpuError):
            self.signs.causes[attempt] = Fault("died", str(cause))
        elif isinstance(cause, LeavingError):
            self.signs.causes[attempt] = Fault("preempted", str(cause))
        elif host := lost(node):
            self.signs.causes[attempt] = Fault("preempted", f"its machine {host} is gone")
        elif "creation task" in (said := str(error)):
            self.signs.causes[attempt] = Fault("error", said.splitlines()[-1], said)


def _error_of(trial: Any) -> Exception | None:  # noqa: ANN401 - a Tune trial
    """Read the error that ended a worker; Tune's own reader looks for it where it has not been copied to yet."""
    path = trial.pickled_error_file
    if path is None:
        return None
    with Path(path).open("rb") as file:
        error: Exception = ray.cloudpickle.load(file)
    return error


def _attempt(trial: Any) -> Attempt:  # noqa: ANN401 - a Tune trial
    assignment = trial.config[TRIAL]
    return assignment["trial"], assignment["attempt"]


def resources_of(
    config: dict[str, Any], cpu: float, gpu: float, kinds: Sequence[str]
) -> tune.PlacementGroupFactory:
    """Say what a trial asks Ray for: its share of the spec's resources, and on which nodes."""
    demand = Demand.of(cpu, gpu, config[TRIAL]["share"])
    bundle = {"CPU": demand.cpu / UNITS, "GPU": demand.gpu / UNITS}
    labels = {KIND: f"in({','.join(kinds)})"} if kinds else {}
    labels |= {"ray.io/node-id": f"!in({','.join(config[UNFIT])})"} if config[UNFIT] else {}
    return tune.PlacementGroupFactory([bundle], **({"bundle_label_selector": [labels]} if labels else {}))


class Heartbeat(tune.Callback):  # type: ignore[misc]
    """Calls a function in every turn of Tune's loop."""

    def __init__(self, beat: Any) -> None:  # noqa: ANN401
        self.beat = beat

    def __getstate__(self) -> dict[str, Any]:
        return {"beat": None}

    def on_step_end(self, **info: Any) -> None:  # noqa: ANN401
        """About ten times a second."""
        self.beat()


class NobodyLeft(tune.Stopper):  # type: ignore[misc]
    """Ends Tune's loop when a sweep stops: trials that wait for their place would be waited for."""

    def __init__(self, director: Director, signs: Signs) -> None:
        self.director: Director | None = director
        self.signs: Signs | None = signs

    def __getstate__(self) -> dict[str, Any]:
        return {"director": None, "signs": None}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Let every trial go on: that is for the director to say."""
        return False

    def stop_all(self) -> bool:
        """Tell whether the sweep stops, and only such trials are left that have not begun."""
        if self.director is None or self.signs is None or not self.director.stopping:
            return False
        return bool(self.signs.waiting) and not self.signs.processes
