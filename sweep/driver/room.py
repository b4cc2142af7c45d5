"""What a director asks of the machines that trials run on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Attempt = tuple[int, int]
"""A trial's number and the number of its attempt."""


class Room(Protocol):
    """The machines that trials run on; every runner is one.

    Attributes:
        gpu: Share of a GPU that a trial gets; 0 where there is none.
        threads: Of a trial on a CPU.
        largest_share: How many times the spec's resources a trial could get at most, on what is there now.
    """

    gpu: float
    threads: int
    largest_share: float

    def fits(self, live: Mapping[Attempt, float], share: float) -> bool:
        """Say whether a trial with ``share`` times the spec's resources would start at once.

        Args:
            live: The shares of the trials that have been handed out; not empty.
            share: Of the one to come.
        """


@dataclass
class OneAtATime:
    """Room for one trial."""

    gpu: float = 0.0
    threads: int = 1
    largest_share: float = 1.0

    def fits(self, live: Mapping[Attempt, float], share: float) -> bool:
        """Say no: somebody is there already."""
        return False
