"""What a sweep asks for its next trial, and what it tells of those that have ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

State = Literal["finished", "stopped", "collapsed", "failed", "running"]


@dataclass(frozen=True)
class Asked:
    """What to try next: the trial's number, the value of each active key, and its seed if that is not free."""

    number: int
    params: dict[str, Any]
    seed: int | None = None


@dataclass(frozen=True)
class PastTrial:
    """A trial from the sweep's records, as an `Asking` is told of it.

    Attributes:
        number: Its number, which is also its position.
        params: The value of each key that was active, by path.
        state: How it ended; ``running`` for one that will go on.
        kimg: How far it came.
        value: The metric of its result, finite; None where there is none.
        attrs: Notes for the people who look at the study, such as the verdict, and how many pictures were measured.
    """

    number: int
    params: Mapping[str, Any]
    state: State
    kimg: float = 0.0
    value: float | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)


class Asking(Protocol):
    """Where trials come from: an Optuna study, or a list (`sweep.commands.confirm`)."""

    def ask(self) -> Asked | None:
        """The next trial; None when there is no more."""

    def tell(self, past: PastTrial) -> None:
        """How a trial ended, once."""
