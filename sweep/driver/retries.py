"""Decide what becomes of a trial whose worker gave up: the rule, without files."""

from dataclasses import dataclass
from typing import Any

from sweep.worker.messages import Fault

MOST_SHARE = 2.0
"""A trial that ran out of memory gets this many times its share of the spec's resources, once."""
RETRIED = ("died", "hung", "error")
"""What may be luck: tried again as often as the spec allows. What was wrong with the request is not."""


@dataclass(frozen=True)
class Retry:
    """What to do with a trial after a fault.

    Attributes:
        again: Whether it is tried again.
        share: Of the spec's resources that it gets from now on.
        failures: How often its worker has failed by now; more memory, once, costs nothing.
        reason: What to tell of it.
    """

    again: bool
    share: float
    failures: int
    reason: str

    def detail(self, fault: Fault) -> dict[str, Any]:
        """Say what an event of the fault holds."""
        told = {"reason": self.reason, "kind": fault.kind, "failures": self.failures, "share": self.share}
        return told | ({"traceback": fault.traceback} if fault.traceback else {})


def after(fault: Fault, failures: int, share: float, largest_share: float, max_failures: int) -> Retry:
    """Decide whether a trial is tried again.

    Args:
        fault: Why its worker gave up.
        failures: How often it had failed before.
        share: Of the spec's resources that it had.
        largest_share: The most that it could get.
        max_failures: How often a trial may fail and be tried again.
    """
    if fault.kind == "memory":
        if share < largest_share:
            return Retry(True, largest_share, failures, fault.reason)
        advice = (
            f"{fault.reason}. It had {share:g} times the spec's resources: lower train.batch_size, model.width or "
            "evaluate.batch_size, or give each trial more (resources.gpu, or resources.cpu for host memory)"
        )
        return Retry(False, share, failures + 1, advice)
    again = fault.kind in RETRIED and failures < max_failures
    return Retry(again, share, failures + 1, fault.reason)
