"""The classes of a set of pictures, numbered by name."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FOLDERS = "folders"
"""The value of ``data.labels`` that takes folders, and styles of avatars, for classes."""
FEW = 50
"""A class of fewer pictures is told of: neither a network nor KID learns much of it."""


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes of a set of pictures.

    Attributes:
        names: In sorted order; a class's number is its place.
        of: The number of each picture's class, int64 (n,).
    """

    names: tuple[str, ...]
    of: NDArray[np.int64]

    @classmethod
    def named(cls, names: Sequence[str]) -> "Classes":
        """Make classes of the name of each picture's class."""
        order = tuple(sorted(set(names)))
        place = {name: number for number, name in enumerate(order)}
        return cls(order, np.array([place[name] for name in names], np.int64))

    def __len__(self) -> int:
        """Count the classes."""
        return len(self.names)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many pictures each class has."""
        return tuple(np.bincount(self.of, minlength=len(self.names)).tolist())

    @property
    def pictures(self) -> dict[str, int]:
        """Map the name of each class, in order, to the number of its pictures."""
        return dict(zip(self.names, self.counts, strict=True))

    def digest(self) -> str:
        """Identify the classes of all pictures, SHA-256 in hexadecimal."""
        digest = hashlib.sha256(repr(self.names).encode())
        digest.update(np.ascontiguousarray(self.of, "<i8").data)
        return digest.hexdigest()
