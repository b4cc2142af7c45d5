"""Trials of several Ray workers in one process: that of the GPU which they share.

Ray counts and places trials as always, each with its part of a GPU. Where trials are packed, their workers train
nothing: each hands its assignment to the process of its GPU, and its reports on. So a trial is stopped, lost and tried
again as one that has a process of its own; where that of the GPU ends, all of its trials die, and those that had
trained there are tried again in processes of their own (`Assignment.failures`).
"""

import json
import os
import queue
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganlib.errors import WorkError
from sweep.runners.leaving import Leaving, LeavingError, leaving, told
from sweep.runners.orphans import end_with_parent
from sweep.storage import lease
from sweep.worker.messages import LostGpuError

CALLS = 256
"""Calls that a pack's process takes at a time: one from each of its trials' workers, which waits there."""
LOOK_SECONDS = 1.0
"""A worker that waits for its trial's report looks so often whether its machine is about to go."""
ANSWER_SECONDS = 1.0
"""An ending process lives on for so long, until its trials have been told."""
IDLE_SECONDS = 300.0
"""Where nobody has wanted anything of a pack for so long, it looks whether its driver was lost, and ends then."""

Attempt = tuple[int, int]


class PackProcess:
    """The process of a GPU, or of the processors of a node: a thread trains, and calls wait for what it says."""

    def __init__(self, visible: str | None, gpu: float, room: int, timeout: float) -> None:
        if visible is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = visible  # Ray hides all GPUs of a process that counts none
        end_with_parent()
        self._leaving = Leaving(at_work=True)
        self._last: dict[str, Any] = {}
        self._commands: queue.Queue[Callable[[], None]] = queue.Queue()
        self._waiting: dict[Attempt, Future[dict[str, str]]] = {}
        ready: Future[None] = Future()
        threading.Thread(
            target=self._work, args=(gpu, room, timeout, ready), name="sweep-pack", daemon=True
        ).start()
        ready.result()

    def pid(self) -> int:
        """Give the number of this process."""
        return os.getpid()

    def begin(self, assignment: dict[str, Any]) -> None:
        """Take in a trial.

        Raises:
            LeavingError: This machine is about to go: the trial is to begin elsewhere.
        """
        from sweep.worker.messages import Assignment

        def begin() -> None:
            if reason := self._leaving():
                raise LeavingError(reason)
            self._pack.begin(Assignment.from_plain(assignment), wanted=False)

        self._last = assignment
        self._do(begin)

    def next(self, attempt: Attempt) -> dict[str, str]:
        """Let a trial go on, and wait for what it says: a ``report`` or a ``fault`` as JSON."""
        said: Future[dict[str, str]] = Future()

        def want() -> None:
            self._waiting[attempt] = said
            self._pack.want(attempt)

        self._do(want)
        return said.result()

    def send_away(self, attempt: Attempt, reason: str) -> None:
        """Have a trial leave a checkpoint, and go on elsewhere."""
        self._do(lambda: self._pack.send_away(attempt, reason))

    def leave(self, attempt: Attempt) -> None:
        """Let a trial go."""
        self._do(lambda: self._pack.leave(attempt))

    def _do(self, command: Callable[[], object]) -> None:
        """Let the thread that trains do something, and wait for that."""
        done: Future[None] = Future()

        def do() -> None:
            try:
                command()
                done.set_result(None)
            except BaseException as error:
                done.set_exception(error)
                if isinstance(error, LostGpuError):
                    raise

        self._commands.put(do)
        done.result()

    def _work(self, gpu: float, room: int, timeout: float, ready: "Future[None]") -> None:
        try:
            from sweep.worker.pack import Pack

            self._pack = Pack(gpu, room, timeout, self._leaving)
            ready.set_result(None)
        except BaseException as error:
            ready.set_exception(error)
            return
        try:
            while True:
                self._turn()
        except BaseException as error:
            traceback.print_exc()
            for attempt in list(self._waiting):
                self._waiting.pop(attempt).set_result(ended(error))
            time.sleep(ANSWER_SECONDS)
            os._exit(1)

    def _turn(self) -> None:
        """Do what is asked for, then let each trial train for a while."""
        try:
            while not self._left():
                self._commands.get(block=not self._pack.wanted, timeout=IDLE_SECONDS)()
        except queue.Empty:
            if not self._pack.wanted and deserted(self._last):
                os._exit(0)
        for attempt, said in self._pack.round():
            self._say(attempt, said)
        if self._left():
            self._end()

    def _left(self) -> bool:
        """Tell whether all trials have left a machine that is about to go; a warning is never taken back."""
        return bool(self._leaving()) and not len(self._pack)

    def _end(self) -> None:
        """End this process, which would send away whoever came next: a new one may stay. Until then it refuses."""
        until = time.monotonic() + ANSWER_SECONDS
        with suppress(queue.Empty):
            while (left := until - time.monotonic()) > 0:
                self._commands.get(timeout=left)()
        os._exit(0)

    def _say(self, attempt: Attempt, said: Any) -> None:  # noqa: ANN401 - a Report or a Fault
        from sweep.worker.messages import Fault, to_plain

        # As text: Tune flattens nested results.
        words = told(said) if isinstance(said, Fault) else {"report": json.dumps(to_plain(said))}
        self._waiting.pop(attempt).set_result(words)


def deserted(assignment: dict[str, Any]) -> bool:
    """Tell whether nobody will want anything of a pack any more, by the last assignment that it was given.

    Its driver has ended, or the sweep is another's. One that was stopped, or whose storage hangs, may come back.
    """
    from sweep.runners.fates import Cluster, job_here
    from sweep.storage.opening import open_folder

    if not assignment:
        return True
    with suppress(WorkError, ray.exceptions.RpcError, RuntimeError, OSError):  # who cannot be asked may live
        if Cluster(ray.get_runtime_context().gcs_address).fate_of(job_here()) is not lease.Fate.UNKNOWN:
            return True
        held = lease.read(open_folder(assignment["sweep"]))
        return held is not None and held.owner != assignment["owner"]
    return False


class Packed:
    """A trial that is trained in the process of its GPU.

    Args:
        assignment: As plain values.
    """

    def __init__(self, assignment: dict[str, Any]) -> None:
        self._assignment, self._begun, self._sent_away = assignment, False, False
        self._attempt = assignment["trial"], assignment["attempt"]
        node = ray.get_runtime_context().get_node_id()
        on_gpu = bool(ray.get_gpu_ids())
        visible = os.environ.get("CUDA_VISIBLE_DEVICES") if on_gpu else None
        self.name = f"sweep-pack-{assignment['owner']}-{node}-{visible or 'cpu'}"
        made = ray.remote(PackProcess).options(
            name=self.name,
            get_if_exists=True,
            lifetime="detached",  # its trials come and go; the driver ends it, or nobody's wanting it
            num_cpus=0,
            max_concurrency=CALLS,
            max_restarts=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        )
        room = int(1 / assignment["gpu"] + 1e-9) if on_gpu else CALLS
        self._process = made.remote(visible, 1.0 if on_gpu else 0.0, room, assignment["timeout"])

    def pid(self) -> int:
        """Give the number of the process that trains."""
        pid: int = ray.get(self._process.pid.remote())
        return pid

    def next(self) -> dict[str, str]:
        """Train up to the next report, or fault; a trial whose worker is to leave goes elsewhere, the others stay."""
        try:
            if not self._begun:
                if reason := leaving()():
                    return {"leaving": reason}
                self._begun = True
                if reason := self._begin():
                    return {"leaving": reason}
            asked = self._process.next.remote(self._attempt)
            come: list[Any] = []
            while not come:
                if not self._sent_away and (reason := leaving()()):
                    self._sent_away = True
                    self._process.send_away.remote(self._attempt, reason)
                come = ray.wait([asked], timeout=LOOK_SECONDS)[0]
            said: dict[str, str] = ray.get(asked)
            return said
        except (ray.exceptions.RayActorError, LostGpuError) as error:
            return ended(error)

    def _begin(self) -> str:
        """Begin the trial; returns why it is to begin elsewhere, if it is. It has not failed then."""
        try:
            ray.get(self._process.begin.remote(self._assignment))
        except LeavingError as error:
            return str(getattr(error, "cause", None) or error)  # Ray's own has a traceback before it
        except ray.exceptions.RayActorError:
            return "the process that was to train it had ended before it began"
        return ""

    def close(self) -> None:
        """Leave the trial."""
        if self._begun:
            with suppress(ray.exceptions.RayActorError, LostGpuError):  # it has been left all the same
                ray.get(self._process.leave.remote(self._attempt))


def ended(error: BaseException) -> dict[str, str]:
    """Give what a trial says whose pack has ended."""
    reason = f"the process ended that trained it, and others beside it: {error}"
    return {"fault": json.dumps({"kind": "died", "reason": " ".join(reason.split())})}


def end_packs(names: set[str]) -> None:
    """End the processes of packs."""
    for name in names:
        with suppress(ValueError):  # it has ended
            ray.kill(ray.get_actor(name))
