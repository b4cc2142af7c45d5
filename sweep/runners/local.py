"""The local runner: one trial after another, in this process, without Ray.

A ``breakpoint()`` inside a step works, and an exception surfaces with its own traceback.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sweep.driver.director import Director
from sweep.driver.events import Next
from sweep.driver.room import Attempt
from sweep.runners.capacity import alone
from sweep.storage.folder import StorageError
from sweep.worker.faults import fault_of
from sweep.worker.messages import Fault
from sweep.worker.preflight import preflight
from sweep.worker.trial_run import TrialRun


class LocalRunner:
    """Runs a director's trials here.

    Args:
        gpu: GPUs of a trial, as the spec says. A part of one becomes the whole (`sweep.runners.capacity.alone`).
        threads: Of a trial on the CPU.
    """

    name = "local"

    def __init__(self, gpu: float, threads: int) -> None:
        import torch

        self.gpu = alone(gpu) if torch.cuda.is_available() else 0.0
        self.threads, self.largest_share = threads, 1.0

    def at_once(self) -> int:
        """Run one trial at a time."""
        return 1

    def fits(self, live: Mapping[Attempt, float], share: float) -> bool:
        """Say no: never two."""
        return False

    def preflight(self, config: dict[str, Any], data_hash: str, folder: str, owner: str) -> dict[str, Any]:
        """Try out what has to work; see `sweep.worker.preflight.preflight`."""
        return preflight(config, data_hash, folder, owner, self.gpu, self.threads)

    def run(self, director: Director, beat: Callable[[], None]) -> None:
        """Train until the director has no more assignments; ``beat`` is called between reports."""
        while not isinstance(assignment := director.next(), Next):
            this = assignment.trial, assignment.attempt
            try:
                # No watchdog: it would take a breakpoint for a trial that hangs.
                for report in TrialRun(replace(assignment, timeout=0.0)):
                    beat()
                    if not director.report(report):
                        break
            except StorageError as error:
                director.fail(*this, Fault("storage", str(error)))
            except Exception as error:
                director.fail(*this, fault_of(error, "request"))
                raise

    def close(self) -> None:
        """Do nothing: nothing was started."""
