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
ROWS = 8
"""Rows of a sheet of pictures, at least."""
SHOWN = 16
"""Classes that a sheet shows at most, those with most pictures."""


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

    def rows(self) -> NDArray[np.int64]:
        """Choose pictures for a sheet of `ROWS` rows and columns, a class a row; those of a small class come again.

        Returns:
            Positions (rows, columns).
        """
        numbers = rows_by_class(self.counts)[:ROWS]
        chosen = np.random.default_rng(0)
        shuffled = {
            number: chosen.permutation(np.flatnonzero(self.of == number)) for number in sorted(set(numbers))
        }
        times = [numbers[:row].count(number) for row, number in enumerate(numbers)]
        return np.array(
            [
                np.resize(np.roll(shuffled[number], -time * ROWS), ROWS)
                for number, time in zip(numbers, times, strict=True)
            ]
        )

    def digest(self) -> str:
        """Identify the classes of all pictures, SHA-256 in hexadecimal."""
        digest = hashlib.sha256(repr(self.names).encode())
        digest.update(np.ascontiguousarray(self.of, "<i8").data)
        return digest.hexdigest()


def rows_by_class(counts: Sequence[int]) -> list[int]:
    """Give the number of the class that each row of a sheet shows: all in order, again and again up to `ROWS` rows.

    Args:
        counts: How many pictures each class has; of more than `SHOWN` classes those with most are shown.
    """
    largest = sorted(range(len(counts)), key=lambda number: -counts[number])[:SHOWN]
    shown = sorted(largest)
    return [shown[row % len(shown)] for row in range(max(ROWS, len(shown)))]
