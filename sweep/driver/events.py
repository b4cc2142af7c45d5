"""The words in which a director, its runners and those who watch speak of what happens."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sweep.records.trial_state import Trial

Failure = Literal["died", "hung", "error", "memory", "request", "storage"]
"""Why a worker gave up: its process was lost, gave no sign of life, raised, or could not get memory; the
request was wrong (trying again is of no use); or the disk or network failed (which is no fault of the trial)."""


class Next(enum.Enum):
    """Why there is no assignment."""

    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True)
class Event:
    """Something a person or a program may want to see."""

    kind: str
    trial: Trial | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
