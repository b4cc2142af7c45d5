"""Ask a cluster what became of a driver, by its job: Ray sees a process end at once, and a machine go in a minute."""

import ray
from ray.core.generated.gcs_pb2 import GcsNodeInfo

from sweep.runners.ray_cluster import CONNECT_SECONDS
from sweep.storage.lease import Fate

ANSWER_SECONDS = 2.0


def job_here() -> str:
    """Name this driver as `Cluster.fate_of` knows it again: its cluster and its job there."""
    context = ray.get_runtime_context()
    return f"{_cluster(ray._raylet.GcsClient(address=context.gcs_address))}/{context.get_job_id()}"


class Cluster:
    """A cluster that is asked.

    Args:
        head: HOST:PORT of its head, which has let this process in.
    """

    def __init__(self, head: str) -> None:
        self._asked = ray._raylet.GcsClient(address=head)

    def fate_of(self, job: str) -> Fate:
        """Tell what became of a driver; unknown where it is of another cluster, or still lives for all Ray knows."""
        cluster, _, number = job.partition("/")
        try:
            if cluster != _cluster(self._asked):
                return Fate.UNKNOWN
            jobs = self._asked.get_all_job_info(
                skip_submission_job_info_field=True,
                skip_is_running_tasks_field=True,
                timeout=ANSWER_SECONDS,
            )
            found = [info for known, info in jobs.items() if known.hex() == number]
            if not found or not found[0].is_dead:
                return Fate.UNKNOWN
            nodes = self._asked.get_all_node_info(timeout=CONNECT_SECONDS).values()
        except (ray.exceptions.RpcError, RuntimeError, OSError):
            return Fate.UNKNOWN
        up = {node.node_manager_address for node in nodes if node.state == GcsNodeInfo.ALIVE}
        return Fate.DEAD if found[0].driver_address.ip_address in up else Fate.LOST


def _cluster(client: object) -> str:
    return str(client.cluster_id.hex())  # type: ignore[attr-defined]
