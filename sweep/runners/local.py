"""The local runner: trials in this process, without Ray.

Alone, a trial may have a ``breakpoint()`` inside a step, and an exception surfaces with its own traceback. Where trials
share a GPU, they are trained side by side (`sweep.worker.pack`).
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from sweep.driver.director import Director
from sweep.driver.events import Next
from sweep.driver.room import Attempt
from sweep.runners.capacity import alone, packed_here
from sweep.spec.sections import ResourcesConfig
from sweep.storage.folder import StorageError
from sweep.worker.faults import fault_of
from sweep.worker.messages import Fault, LostGpuError
from sweep.worker.pack import Pack
from sweep.worker.ready.preflight import preflight
from sweep.worker.shared import unsettle
from sweep.worker.trial_run import TrialRun


class LocalRunner:
    """Runs a director's trials here.

    Args:
        resources: Of a trial, as the spec says. Where it is not packed, a part of a GPU becomes the whole
            (`sweep.runners.capacity.alone`).
    """

    name, job = "local", ""

    def __init__(self, resources: ResourcesConfig) -> None:
        import torch

        on_gpu = resources.gpus > 0 and torch.cuda.is_available()
        self.slots = packed_here(resources, on_gpu)
        self.gpu = (resources.gpus if self.slots > 1 else alone(resources.gpus)) if on_gpu else 0.0
        self.threads, self.largest_share = max(1, int(resources.cpu)), float(self.slots)

    def at_once(self) -> int:
        """Count the trials that are trained side by side."""
        return self.slots

    def fits(self, live: Mapping[Attempt, float], share: float) -> bool:
        """Say whether there is room beside those that are trained."""
        return sum(live.values()) + share <= self.slots

    def preflight(
        self, config: dict[str, Any], data_hash: str, folder: str, owner: str, say: Callable[[str], None]
    ) -> dict[str, Any]:
        """Try out what has to work; see `sweep.worker.ready.preflight.preflight`."""
        return preflight(config, data_hash, folder, owner, self._whole, self.threads)

    @property
    def _whole(self) -> float:
        """GPUs of this process."""
        return alone(self.gpu)

    def run(self, director: Director, beat: Callable[[], None]) -> None:
        """Train until the director has no more assignments; ``beat`` is called between reports."""
        try:
            if self.slots > 1:
                self._run_side_by_side(director, beat)
            else:
                self._run_alone(director, beat)
        finally:
            unsettle()

    def _run_alone(self, director: Director, beat: Callable[[], None]) -> None:
        while not isinstance(assignment := director.next(), Next):
            this = assignment.trial, assignment.attempt
            try:
                # No watchdog: it would take a breakpoint for a trial that hangs.
                with closing(TrialRun(replace(assignment, timeout=0.0))) as trial:
                    for report in trial:
                        beat()
                        if not director.report(report):
                            break
            except StorageError as error:
                director.fail(*this, Fault("storage", str(error)))
            except Exception as error:
                director.fail(*this, fault_of(error, "request"))
                raise

    def _run_side_by_side(self, director: Director, beat: Callable[[], None]) -> None:
        pack = Pack(self._whole, self.slots)
        while True:
            try:
                while not isinstance(assignment := director.next(), Next):
                    pack.begin(assignment)
                if not len(pack):
                    return
                for attempt, said in pack.round():
                    beat()
                    if isinstance(said, Fault):
                        director.fail(*attempt, said)
                    elif director.report(said):
                        pack.want(attempt)
                    else:
                        pack.leave(attempt)
            except LostGpuError as error:
                return director.halt(str(error))

    def close(self) -> None:
        """Do nothing: nothing was started."""
