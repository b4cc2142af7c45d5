"""Decide what becomes of a trial whose worker gave up: the rule, without files."""

from dataclasses import dataclass
from typing import Any

from sweep.records.event_kind import EventKind
from sweep.records.trial_state import Trial
from sweep.spec.sections import ResourcesConfig
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
        preemptions: How often its machine was taken away by now.
        reason: What to tell of it.
        event: Under which it is on record.
    """

    again: bool
    share: float
    failures: int
    preemptions: int
    reason: str
    event: EventKind

    def detail(self, fault: Fault) -> dict[str, Any]:
        """Say what an event of the fault holds."""
        told = {"reason": self.reason, "kind": fault.kind, "failures": self.failures, "share": self.share}
        told |= {"preemptions": self.preemptions} if fault.kind == "preempted" else {}
        return told | ({"traceback": fault.traceback} if fault.traceback else {})


def after(fault: Fault, trial: Trial, largest_share: float, resources: ResourcesConfig) -> Retry:
    """Decide whether a trial is tried again.

    Args:
        fault: Why its worker gave up.
        trial: As it stood before.
        largest_share: The most of the spec's resources that it could get on the machines that are there now.
        resources: How often a trial may fail, and its machines be taken away.
    """
    share, failures, preemptions = trial.share, trial.failures, trial.preemptions
    if fault.kind == "preempted":
        again = preemptions < resources.max_preemptions
        event = EventKind.PREEMPTED if again else EventKind.FAILURE
        return Retry(again, share, failures, preemptions + 1, fault.reason, event)
    if fault.kind == "node":  # the machine gets no more trials, and the trial has not begun
        return Retry(True, share, failures, preemptions, fault.reason, EventKind.UNFIT_NODE)
    if fault.kind == "memory":
        if share < (more := min(largest_share, MOST_SHARE)):
            return Retry(True, more, failures, preemptions, fault.reason, EventKind.RESTART)
        advice = (
            f"{fault.reason}. It had {share:g} times the spec's resources: lower train.batch_size, model.width or "
            "evaluate.batch_size, or give each trial more (resources.gpu, or resources.cpu for host memory)"
        )
        return Retry(False, share, failures + 1, preemptions, advice, EventKind.FAILURE)
    again = fault.kind in RETRIED and failures < resources.max_failures
    event = EventKind.RESTART if again else EventKind.FAILURE
    return Retry(again, share, failures + 1, preemptions, fault.reason, event)
