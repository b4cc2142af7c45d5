"""A trial's process under Ray: the Tune trainable, and how it is ended from outside."""

import json
import os
import signal
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweep.runners.leaving import LeavingError, leaving, told
from sweep.runners.nodes.ready import Readiness
from sweep.runners.orphans import end_with_parent
from sweep.runners.ray_pack import Packed

TRIAL, PACKED, UNFIT = "assignment", "packed", "unfit"
"""Keys of what Tune calls a trial's configuration: the assignment, whether it is trained in its GPU's process, and the
nodes where it must not begin."""


class Alone:
    """A trial that is trained in this process.

    Args:
        assignment: As plain values.
    """

    name = ""

    def __init__(self, assignment: dict[str, Any]) -> None:
        self._assignment = assignment
        self._run: Any = None  # a `sweep.worker.trial_run.TrialRun`

    def pid(self) -> int:
        """Give the number of the process that trains."""
        return os.getpid()

    def next(self) -> dict[str, str]:
        """Train up to the next report, or fault."""
        try:
            from sweep.worker.lent import Lent
            from sweep.worker.messages import Assignment, to_plain
            from sweep.worker.trial_run import TrialRun

            if self._run is None:
                self._run = TrialRun(Assignment.from_plain(self._assignment), Lent(leaving=leaving()))
            # As text: Tune flattens nested results.
            return {"report": json.dumps(to_plain(next(self._run)))}
        except Exception as error:
            from sweep.worker.faults import check_gpu, fault_of

            # As an exception, so that Tune has no other trial train in this process.
            check_gpu(error)
            # As a result, not as an exception: so its text reaches the driver whole.
            self.close()
            return told(fault_of(error))

    def close(self) -> None:
        """Leave the trial, and what is still being measured of it."""
        if self._run is not None:
            self._run.close()
            self._run = None


class TrialActor(tune.Trainable):  # type: ignore[misc]
    """One worker. It is reused for one trial after another, so that torch and the data are loaded once."""

    def setup(self, config: dict[str, Any]) -> None:
        """Take an assignment; the work starts with the second step, where errors can be reported."""
        end_with_parent()
        leaving()  # from now on it is heard
        assignment = config[TRIAL]
        packed = config[PACKED] and not assignment["failures"]
        self.run = Packed(assignment) if packed else Alone(assignment)
        self.greeted = False
        self.readiness = Readiness(assignment, packed)

    def step(self) -> dict[str, Any]:
        """Say where this is; then make the node ready, if it is not yet; then train up to the next report."""
        said = leaving().around(self._step)
        if "leaving" in said:
            # As an exception, so that Tune has no other trial train in this process.
            raise LeavingError(said["leaving"])
        return said

    def _step(self) -> dict[str, Any]:
        if not self.greeted:
            self.greeted = True
            gpus = [str(index) for index in ray.get_gpu_ids()]
            return {"hello": [ray.get_runtime_context().get_node_id(), self.run.pid(), gpus, self.run.name]}
        if self.readiness.awaited():
            reason = leaving()()
            return {"leaving": reason} if reason else {"waiting": True}
        return self.run.next()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next assignment; nothing of the old trial is kept but the process's caches."""
        self.cleanup()
        self.setup(new_config)
        return True

    def cleanup(self) -> None:
        """Leave the trial, and what is still being measured of it."""
        self.run.close()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Do nothing, and never be asked to: trials write their own checkpoints into the sweep's folder."""

    def load_checkpoint(self, checkpoint: Any) -> None:  # noqa: ANN401
        """Do nothing, and never be asked to."""


def end_process(node: str, pid: int) -> None:
    """Kill a worker (SIGKILL) on whatever node it is: one that was stopped (SIGSTOP) hears nothing else."""
    here = NodeAffinitySchedulingStrategy(node, soft=False)
    ray.remote(_kill).options(num_cpus=0, max_retries=0, scheduling_strategy=here).remote(pid)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
