"""The words in which a director and those who watch it speak of what happens."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sweep.records.trial_state import Trial


class Next(enum.Enum):
    """Why there is no assignment."""

    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True)
class Event:
    """Something that a person or a program may want to see.

    Attributes:
        kind: What happened: ``start``, ``evaluation``, ``rollback``, ``restart``, ``result``, ``halt``, or the
            `Status` with which a trial ended.
        trial: Whose it is; None where it concerns the sweep.
        detail: More of it, by kind.
        past: Whether it is not known when it happened, since nobody looked on.
    """

    kind: str
    trial: Trial | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    past: bool = False
