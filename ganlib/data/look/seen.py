"""What is kept of the pictures of a set beside their pixels, and how it is written into the cache."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ganlib.data.look.fingerprints import Prints
from ganlib.data.look.groups import Group, Likeness, alike
from ganlib.data.look.inventory import Inventory
from ganlib.data.look.squares import Box


@dataclass(frozen=True)
class Look:
    """What was seen of a set's pictures when they were prepared; pictures are numbered as the set's inputs.

    Attributes:
        likeness: Which pictures are alike.
        dedupe: Whether only one of each group is in the set.
        inventory: What the pictures are like.
        faces: The squares in pixels that were taken because a face is there.
        skipped: The inputs that gave no picture.
    """

    likeness: Likeness = field(default_factory=Likeness)
    dedupe: bool = False
    inventory: Inventory = field(default_factory=Inventory)
    faces: Mapping[int, Box] = field(default_factory=dict)
    skipped: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, prints: Prints, size: int, dedupe: bool, faces: Mapping[int, Box], skipped: tuple[int, ...]
    ) -> "Look":
        """Look at all fingerprints of a set of pictures of that side."""
        return cls(alike(prints), dedupe, Inventory.of(prints, size), faces, skipped)

    @cached_property
    def left_out(self) -> tuple[int, ...]:
        """List the inputs that are not in the set because they are alike to one that is."""
        if not self.dedupe:
            return ()
        return tuple(sorted(other for group in self.likeness.groups for other in group.others))

    @cached_property
    def rows(self) -> tuple[tuple[int, ...], ...]:
        """List the groups as positions in the packed set; none where one of each is kept."""
        if self.dedupe:
            return ()
        missing = np.array(sorted(self.skipped), np.int64)
        return tuple(
            tuple(int(member - np.searchsorted(missing, member)) for member in (group.kept, *group.others))
            for group in self.likeness.groups
        )

    def plain(self) -> dict[str, Any]:
        """Write as plain values, for JSON."""
        return {
            "groups": [(group.kept, group.equal, group.near) for group in self.likeness.groups],
            "complete": self.likeness.complete,
            "dedupe": self.dedupe,
            "inventory": asdict(self.inventory),
            "faces": [(index, *box) for index, box in self.faces.items()],
            "skipped": self.skipped,
        }

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> "Look":
        """Read what `plain` wrote.

        Raises:
            KeyError, TypeError or ValueError: if it is something else.
        """
        if not plain:
            return cls()
        groups = tuple(Group(kept, tuple(equal), tuple(near)) for kept, equal, near in plain["groups"])
        told = plain["inventory"]
        inventory = Inventory(
            tuple((str(name), int(count)) for name, count in told["shapes"]),
            tuple(told["shorter"]),
            told["grey"],
            tuple((index, width, height) for index, width, height in told["tiny"]),
        )
        faces = {index: (left, top, side) for index, left, top, side in plain["faces"]}
        return cls(
            Likeness(groups, bool(plain["complete"])),
            bool(plain["dedupe"]),
            inventory,
            faces,
            tuple(plain["skipped"]),
        )
