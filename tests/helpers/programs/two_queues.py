"""The order in which processes take up test files: some take those that wait, the others those that compute."""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

WAITING = (
    "test_ray_cluster",
    "test_slurm",
    "test_detach",
    "test_ray_faults",
    "test_worker_faults",
    "test_pack_faults",
    "test_faults",
    "test_machines",
    "test_ray_node",
    "test_ray_token",
    "test_errors",
    "test_lost_output",
    "test_signals",
)
"""Files that wait, for Ray to start, a worker to be missed or a server to be given up, the longest first."""

LONG = (
    *("test_driver_faults", "test_disk_faults", "test_fake_cuda", "test_browser", "test_precision"),
    *("test_taken_up", "test_as_on_gpus", "test_pack"),
)
"""Files that compute for minutes, or would come last of all: one process would keep the others waiting."""


class TwoQueues(LoadFileScheduling):
    """Hand out files to processes as `--dist loadfile` does, each half of them from another queue.

    Files that wait leave a processor to files that compute; so half of the processes begin with the ones and half with
    the others, each in their order, and go on with what is left.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        number = int(node.gateway.id.removeprefix("gw"))
        waits = 2 * number < len(self.nodes)
        for file in self.workqueue:
            if (_stem(file) in WAITING) == waits:
                self.workqueue.move_to_end(file, last=False)
                break
        super()._assign_work_unit(node)


def _stem(file: str) -> str:
    return PurePosixPath(file).stem


def by_length(items: list[pytest.Item]) -> None:
    """Sort tests by their files: those that wait, those that compute for long, then the others as they were."""
    rank = {stem: place for place, stem in enumerate((*WAITING, *LONG))}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))
