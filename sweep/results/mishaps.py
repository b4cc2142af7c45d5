"""Collect what went wrong while a sweep ran, from its events.

Workers gave up, checkpoints were damaged, or are of another kind of device, steps could not be recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep import formatting
from sweep.records.event_kind import EventKind
from sweep.results.summary import detail

Row = Mapping[str, Any]
OTHERWISE = (EventKind.RESEEDED, EventKind.EAGER, EventKind.PREEMPTED, EventKind.UNFIT_NODE)
WORKER_EVENTS = (EventKind.RESTART, EventKind.FAILURE)


@dataclass
class Mishap:
    """One thing that went wrong, as often as it did.

    Attributes:
        reason: What was said of it, the last time.
        traceback: Where it was raised; empty where nobody could say.
        trials: Whose workers it ended, one entry each time.
        given_up: How many of these trials were not tried again.
    """

    reason: str
    traceback: str
    trials: list[int] = field(default_factory=list)
    given_up: int = 0


def mishaps(events: Sequence[Row]) -> list[Mishap]:
    """Group the faults of workers by where they were raised, the most frequent first.

    Args:
        events: Rows of ``events``.
    """
    found: dict[tuple[str, ...], Mishap] = {}
    for row in events:
        if row["kind"] not in WORKER_EVENTS:
            continue
        told = detail(row)
        reason, traceback = (
            str(told.get("reason") or told.get("text") or ""),
            str(told.get("traceback") or ""),
        )
        key = _frames(traceback) or (str(told.get("kind")), reason)
        one = found.setdefault(key, Mishap(reason, traceback))
        one.reason, one.traceback = reason, traceback
        one.trials.append(row["trial"])
        one.given_up += row["kind"] == EventKind.FAILURE
    return sorted(found.values(), key=lambda one: -len(one.trials))


def damaged_checkpoints(events: Sequence[Row]) -> list[str]:
    """Name the checkpoints that were passed over, each with what was wrong with it."""
    told = [detail(row) for row in events if row["kind"] == EventKind.DAMAGED_CHECKPOINT]
    return [f"{one.get('path')}: {one.get('reason')}; the one before it was used" for one in told]


def otherwise(events: Sequence[Row]) -> list[str]:
    """Say what trials did otherwise than was meant, and why, each reason once.

    That are random numbers that began anew on another kind of device, steps that could not be recorded for a GPU, and
    trials whose machine was taken away, or was not fit.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for row in events:
        if row["kind"] in OTHERWISE:
            found.setdefault((row["kind"], str(detail(row).get("reason"))), []).append(row["trial"])
    return [
        f"{kind}: {formatting.trial_numbers(sorted(set(trials)))}: {reason}"
        for (kind, reason), trials in found.items()
    ]


def _frames(traceback: str) -> tuple[str, ...]:
    """Give the places that a traceback names: what two errors of one cause have in common."""
    return tuple(line.strip() for line in traceback.splitlines() if line.lstrip().startswith("File "))
