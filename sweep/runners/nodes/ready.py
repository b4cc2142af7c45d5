"""Make a node ready for trials, and try out whether it is: before the first trial of all, or before its own first."""

import json
import os
from typing import Any

import ray
from ray.experimental import internal_kv
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganlib.errors import RequestError, WorkError
from sweep import __version__
from sweep.runners.capacity import of_process
from sweep.runners.nodes.offer import source
from sweep.runners.ray_environment import of_trials

WAIT_SECONDS = 2.0
"""A worker whose node is made ready gives a sign of life so often."""

BEGUN = "sweep-begun"
"""The namespace, of the values that Ray's head keeps, of the tasks that have begun."""


class UnfitError(WorkError):
    """The node of a worker cannot run trials of the sweep."""


def try_out(
    config: str,
    data_hash: str,
    folder: str,
    owner: str,
    gpu: float,
    threads: int,
    visible: str | None = None,
    begun: str = "",
) -> dict[str, Any]:
    """Run `sweep.worker.ready.preflight.preflight` in this process, and remember on this node what came of it.

    Args:
        config: Any configuration of the sweep, as JSON.
        data_hash: Of the sweep's pictures.
        folder: URL of the sweep's folder.
        owner: Of the sweep's lease.
        gpu: Share of a GPU that a trial gets.
        threads: On a CPU.
        visible: The GPUs to see, where Ray hides them from this process.
        begun: Under which name it is told that this has begun; see `has_begun`.

    Returns:
        What that says; or as ``unfit`` why trials cannot run here, with the exit code of such an error as ``code``.
    """
    if begun:
        internal_kv._internal_kv_put(begun, b"begun", namespace=BEGUN)
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    try:
        from sweep import __version__ as version

        if version != __version__:
            return _unfit(
                f"has sweep {version}, and the driver {__version__}: install the same on all nodes", 1
            )
        from sweep.worker.ready.mark import mark
        from sweep.worker.ready.preflight import preflight

        offered = source(owner)
        progress = offered.progress if offered else lambda done, total: None
        try:
            found = preflight(json.loads(config), data_hash, folder, owner, gpu, threads, offered, progress)
        except (RequestError, WorkError) as error:
            mark(owner, str(error))
            return _unfit(str(error), 2 if isinstance(error, RequestError) else 1)
        mark(owner)
        return found
    except ImportError as error:
        return _unfit(lacking(error), 1)


def has_begun(name: str) -> bool:
    """Tell whether a task has begun that was given a name for it; Ray itself tells that only through its dashboard."""
    return bool(internal_kv._internal_kv_exists(name, namespace=BEGUN))


def forget_begun(name: str) -> None:
    """Forget whether a task has begun."""
    internal_kv._internal_kv_del(name, namespace=BEGUN)


def once(node: str, cpu: float, gpu: float) -> dict[str, Any]:
    """Make the options of a task that is done once on a node, in the environment that trials have.

    Its process ends with it: it would keep the memory of torch, and of a GPU some hundred megabytes for its context.
    And Ray gives none that has had a task to a trial, which is an actor.
    """
    return {
        "num_cpus": cpu,
        "num_gpus": gpu,
        "max_calls": 1,
        "max_retries": 0,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False),
        "runtime_env": of_trials(),
    }


def lacking(error: BaseException) -> str:
    """Say of a machine that cannot import something what it lacks."""
    what = f"{type(error).__name__}: {error}"
    return f"cannot import what it needs ({what}): install the same packages on all nodes"


def _unfit(reason: str, code: int) -> dict[str, Any]:
    return {"unfit": reason, "code": code}


class Readiness:
    """Makes the node of a worker ready, in a process of its own, unless that was done.

    Args:
        assignment: The first one that the worker has got, as plain values.
        packed: Whether it is trained in a process that has a GPU to itself.
    """

    def __init__(self, assignment: dict[str, Any], packed: bool) -> None:
        from sweep.worker.ready.mark import unfit

        self._unfit = unfit(assignment["owner"])
        self._task: Any = None
        if self._unfit is None:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES") if ray.get_gpu_ids() else None
            remote = ray.remote(**once(ray.get_runtime_context().get_node_id(), 0, 0))
            known = assignment | {"gpu": of_process(assignment["gpu"], packed)}
            values = (known[name] for name in ("data_hash", "sweep", "owner", "gpu", "threads"))
            self._task = remote(try_out).remote(json.dumps(assignment["config"]), *values, visible)

    def awaited(self) -> bool:
        """Wait a little; tell whether the node is still made ready.

        Raises:
            UnfitError: if it cannot run trials.
        """
        if self._task is not None:
            if not ray.wait([self._task], timeout=WAIT_SECONDS)[0]:
                return True
            task, self._task = self._task, None
            try:
                self._unfit = ray.get(task).get("unfit", "")
            except ray.exceptions.RayError as error:
                self._unfit = f"a process there could not prepare for trials: {_cause(error)}"
        if self._unfit:
            raise UnfitError(self._unfit)
        return False


def _cause(error: Exception) -> str:
    return " ".join(str(getattr(error, "cause", None) or error).split())
