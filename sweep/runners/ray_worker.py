"""A trial's process under Ray: the Tune trainable, its preflight, and how it is ended from outside."""

import json
import os
import signal
from dataclasses import asdict
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganlib.errors import RequestError, WorkError
from sweep import __version__
from sweep.runners.orphans import end_with_parent
from sweep.runners.ray_cluster import fitting_nodes
from sweep.runners.ray_pack import Packed

TRIAL, PACKED = "assignment", "packed"
"""Keys of what Tune calls a trial's configuration: the assignment, and whether it is trained in its GPU's process."""


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
            from sweep.worker.messages import Assignment, to_plain
            from sweep.worker.trial_run import TrialRun

            if self._run is None:
                self._run = TrialRun(Assignment.from_plain(self._assignment))
            # As text: Tune flattens nested results.
            return {"report": json.dumps(to_plain(next(self._run)))}
        except Exception as error:
            from sweep.worker.faults import fault_of

            # As a result, not as an exception: so its text reaches the driver whole.
            self.close()
            return {"fault": json.dumps(asdict(fault_of(error)))}

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
        assignment = config[TRIAL]
        packed = config[PACKED] and not assignment["failures"]
        self.run = Packed(assignment) if packed else Alone(assignment)
        self.greeted = False

    def step(self) -> dict[str, Any]:
        """Say where this is; then train up to the next report."""
        if not self.greeted:
            self.greeted = True
            gpus = [str(index) for index in ray.get_gpu_ids()]
            return {"hello": [ray.get_runtime_context().get_node_id(), self.run.pid(), gpus, self.run.name]}
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


def preflight(
    config: dict[str, Any], data_hash: str, folder: str, owner: str, gpu: float, cpu: float, threads: int
) -> dict[str, Any]:
    """Run `sweep.worker.preflight.preflight` on every node where a trial fits; what the first says, with all notes.

    Raises:
        RequestError: what the user can mend.
        WorkError: if a node lacks a package, or has another version of this one.
    """
    arguments = (json.dumps(config), data_hash, folder, owner, gpu, threads)
    nodes = fitting_nodes(gpu, cpu)
    tasks = []
    for node in nodes:
        here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        # A process that has used a GPU keeps memory there, some hundred megabytes for its context alone, until it ends.
        # One that has not is left to trials, which then need not load torch again.
        calls = 1 if gpu else 0
        remote = ray.remote(
            num_cpus=cpu, num_gpus=gpu, max_calls=calls, max_retries=0, scheduling_strategy=here
        )
        tasks.append(remote(_preflight).remote(*arguments))
    outcomes = [_outcome(task, node["NodeManagerHostname"]) for task, node in zip(tasks, nodes, strict=True)]
    notes = dict.fromkeys(note for outcome in outcomes for note in outcome["notes"])
    return outcomes[0] | {"notes": list(notes)}


def _outcome(task: Any, host: str) -> dict[str, Any]:  # noqa: ANN401
    """Give what a node said, or raise the error that it stands for."""
    try:
        outcome: dict[str, Any] = ray.get(task)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        if isinstance(cause, ImportError):
            raise WorkError(_missing(host, f"{type(cause).__name__}: {cause}")) from None
        raise WorkError(f"a worker on {host} could not prepare for the trials: {cause}") from None
    if "missing" in outcome:
        raise WorkError(_missing(host, outcome["missing"]))
    if "request" in outcome:
        raise RequestError(outcome["request"])
    if outcome["sweep"] != __version__:
        raise WorkError(
            f"{host} has sweep {outcome['sweep']}, this machine {__version__}: install the same version on all nodes"
        )
    return outcome


def _missing(host: str, what: str) -> str:
    return f"a worker on {host} cannot import what it needs ({what}): install the same packages on all nodes"


def _preflight(
    config: str, data_hash: str, folder: str, owner: str, gpu: float, threads: int
) -> dict[str, Any]:
    try:
        from sweep import __version__ as version

        if version != __version__:
            return {"sweep": version}
        from sweep.worker.preflight import preflight

        return preflight(json.loads(config), data_hash, folder, owner, gpu, threads)
    except ImportError as error:
        return {"missing": f"{type(error).__name__}: {error}"}
    except RequestError as error:
        return {"request": str(error)}
