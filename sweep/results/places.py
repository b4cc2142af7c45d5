"""Say on which machines and devices the trials of a sweep ran, and for how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweep import formatting

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """A device of a machine, or all devices of its kind there.

    Attributes:
        node: The name of the machine.
        device: ``cpu``, or the GPU's name.
        trials: The numbers of the trials that ran there.
        seconds: What they took together, evaluations and results included; trials that ran at once are added up.
        again: How many of the trials were tried more than once, and so may have begun in another place.
    """

    node: str
    device: str
    trials: Sequence[int]
    seconds: float
    again: int = 0

    def __str__(self) -> str:
        numbers = formatting.trial_numbers(self.trials, most=8)
        return f"{self.node}, {self.device}: {formatting.duration(self.seconds)}, {numbers}"


def places(trials: Sequence[Row]) -> list[Place]:
    """Add up the time of trials by where they were last, the longest first; a trial that moved counts there alone.

    Args:
        trials: Rows of ``trials``; those without a column ``node`` are left out.
    """
    found: dict[tuple[str, str], list[Row]] = {}
    for row in trials:
        if row.get("node"):
            found.setdefault((row["node"], row["device"] or "unknown device"), []).append(row)
    made = [
        Place(
            node,
            device,
            sorted(row["trial"] for row in rows),
            sum((row["seconds_train"] or 0.0) + (row["seconds_eval"] or 0.0) for row in rows),
            sum((row.get("attempt") or 0) > 0 for row in rows),
        )
        for (node, device), rows in found.items()
    ]
    return sorted(made, key=lambda place: (-place.seconds, place.node, place.device))


def told(found: Sequence[Place]) -> list[str]:
    """Write a line for each place; none where all trials ran in one, which is no news."""
    if len(found) < 2:
        return []
    moved = any(place.again for place in found)
    return [*map(str, found), *["a trial that moved counts where it was last"] * moved]
