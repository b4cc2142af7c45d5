"""The local runner: one trial after another, in this process, without Ray.

A ``breakpoint()`` inside a step works, and an exception surfaces with its own traceback.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sweep.director import Director, Next
from sweep.trial import Assignment, TrialRun, preflight


class LocalRunner:
    """Runs a director's trials here."""

    name = "local"

    def __init__(self, gpu: float, threads: int) -> None:
        import torch

        self.gpu = gpu if torch.cuda.is_available() else 0.0
        self.threads = threads

    def room(self) -> int:
        """One trial at a time."""
        return 1

    def preflight(self, config: dict[str, Any], data_hash: str, folder: str, owner: str) -> dict[str, str]:
        """See `sweep.trial.preflight`."""
        return preflight(config, data_hash, folder, owner, self.gpu, self.threads)

    def run(self, director: Director, beat: Callable[[], None]) -> None:
        """Train until the director has no more assignments; ``beat`` is called between reports."""
        while not isinstance(assignment := director.next(), Next):
            try:
                for report in TrialRun(Assignment(**assignment)):
                    beat()
                    if not director.report(asdict(report)):
                        break
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                director.fail(assignment["trial"], assignment["attempt"], reason, retry=False)
                raise

    def close(self) -> None:
        """Nothing was started."""
