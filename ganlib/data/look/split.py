"""Split the pictures of a set into those that are compared with and those that are held out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LARGEST = 8
"""A group of more pictures is never held out: a few pictures cannot stand for it, and it would be missing on the other
side."""


def split(
    count: int, groups: Sequence[Sequence[int]], compared: int, held_out: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose positions of a set's pictures in random order so that no group of alike ones is on both sides.

    Those to compare with are taken from the beginning of the order and the others from its end, so that fewer of
    either are the first of more. A group is held out as a whole or not at all; its pictures that are too many stand on
    neither side.

    Args:
        count: How many pictures there are.
        groups: Positions of pictures that are alike.
        compared: How many to compare with, at most ``count``.
        held_out: How many to hold out; fewer are where groups, or too few pictures, do not allow it.
        seed: Of the order.

    Returns:
        The positions of ``compared`` pictures, and of at most ``held_out`` others.
    """
    order = np.random.RandomState(seed).permutation(count)
    group_of = {row: group for group in groups for row in group}
    room = count - compared
    held: list[int] = []
    away = np.zeros(count, bool)
    for row in order[::-1].tolist():
        members = group_of.get(row, (row,))
        if len(held) >= held_out or room < 1:
            break
        if away[row] or len(members) > min(LARGEST, room):
            continue
        away[list(members)] = True
        room -= len(members)
        held += members
    return order[~away[order]][:compared], np.array(held[:held_out], np.int64)
