"""Ask a cluster that rents or starts machines by itself for those that a sweep needs, before any is there."""

import time
from collections.abc import Callable, Sequence

import ray

from sweep.formatting import count, duration
from sweep.runners.ray_cluster import KIND, fitting_nodes

BEGIN_SECONDS = 30.0
"""After so long without a machine on its way, none will come: the cluster has none of that kind to give."""
POLL_SECONDS = 1.0
TOLD_SECONDS = 60.0


def wait_for_machines(
    gpu: float, cpu: float, kinds: Sequence[str], trials: int, say: Callable[[str], None]
) -> bool:
    """Ask for room for some trials, and wait for the first machine.

    What asks are tasks that do nothing: of what is asked for in one piece, by ``request_resources``, Ray starts nothing
    where all of it is more than the cluster may have. They end as machines come, and idle machines may then go again.

    Args:
        gpu: GPUs of a trial.
        cpu: Processors of a trial.
        kinds: Those of GPUs that trials run on, by Ray's names; empty for all.
        trials: How many would run at a time.
        say: Tells a person.

    Returns:
        Whether a machine has come that can run a trial.
    """
    if not _grows():
        return False
    labels = {"label_selector": {KIND: f"in({','.join(kinds)})"}} if kinds else {}
    asking = ray.remote(num_cpus=cpu, num_gpus=gpu, max_retries=0, **labels)(_nothing)
    tasks = [asking.remote() for _ in range(trials)]
    begun = told = time.monotonic()
    before, failed = 0, ""
    while not fitting_nodes(gpu, cpu, kinds):
        waited = time.monotonic() - begun
        coming, failed = _coming(failed)
        if not coming and not failed and waited > BEGIN_SECONDS:
            for task in tasks:
                ray.cancel(task)
            return False
        if coming > before or time.monotonic() - told > TOLD_SECONDS:
            told, before = time.monotonic(), coming
            why = f"; the last one did not start: {failed}" if failed else ""
            say(
                f"waiting for machines: {count(coming, 'machine')} on the way ({duration(waited)} so far{why})"
            )
        time.sleep(POLL_SECONDS)
    return True


def _nothing() -> None:
    pass


def _grows() -> bool:
    """Tell whether nodes of the cluster are of a kind that its launcher or operator can start more of."""
    nodes = ray._raylet.GcsClient(address=ray.get_runtime_context().gcs_address).get_all_node_info()
    return any(node.node_type_name for node in nodes.values())


def _coming(failed: str) -> tuple[int, str]:
    """Count the machines that are on their way; with it goes why the last one has failed, ``failed`` if none has."""
    from ray.autoscaler.v2.sdk import get_cluster_status

    status = get_cluster_status(ray.get_runtime_context().gcs_address)
    for launch in status.failed_launches:
        failed = str(launch.details)
    return len(status.pending_nodes) + sum(launch.count for launch in status.pending_launches), failed
