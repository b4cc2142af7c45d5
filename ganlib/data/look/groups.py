"""Group pictures that are equal or nearly so, by their fingerprints."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganlib.data.look.fingerprints import Prints

NEAR = 6
"""Two pictures are nearly equal if the mean colours of all cells differ by at most so many levels of 255."""
LOOKED = 1000
"""How many others each picture of a set is compared with, on average, at most."""
_TELLING = 10  # columns by which candidates are found
_SAMPLE = 1000  # pictures by which those are chosen


@dataclass(frozen=True)
class Group:
    """Pictures that are alike, as numbers of a set's inputs.

    Attributes:
        kept: The one that stands for all: the one whose file has most pixels, and of those the first.
        equal: Others whose pixels equal those of one before them, once prepared.
        near: Others that nearly equal the one that is kept.
    """

    kept: int
    equal: tuple[int, ...] = ()
    near: tuple[int, ...] = ()

    @property
    def others(self) -> tuple[int, ...]:
        """List all but the one that is kept, in order."""
        return tuple(sorted(self.equal + self.near))


@dataclass(frozen=True)
class Likeness:
    """Which pictures of a set are alike.

    Attributes:
        groups: The groups of two and more, in the order of those that are kept.
        complete: Whether all pictures were compared that might be alike; else only equal ones are sure to be found.
    """

    groups: tuple[Group, ...] = ()
    complete: bool = True


def alike(prints: Prints) -> Likeness:
    """Group pictures: each joins the first that nearly equals it, in order of size and then of their inputs.

    So every picture of a group is near to the one that is kept, and no chain of small changes (the frames of a film)
    becomes one group.
    """
    pixels = prints.sides.astype(np.int64).prod(1)
    order = np.lexsort((prints.inputs, -pixels))
    first: dict[bytes, int] = {}
    equal: dict[int, list[int]] = {}
    for place in order.tolist():
        leader = first.setdefault(prints.digests[place], place)
        if leader != place:
            equal.setdefault(leader, []).append(place)
    distinct = np.fromiter(first.values(), np.int64, len(first))
    near, complete = _near(prints.cells[distinct])
    groups = []
    for leader, members in near.items():
        equals = equal.get(int(distinct[leader]), [])
        equals += [copy for member in members for copy in equal.pop(int(distinct[member]), [])]
        equal[int(distinct[leader])] = equals
    of_leader = {int(distinct[leader]): distinct[members].tolist() for leader, members in near.items()}
    for kept in sorted(equal.keys() | of_leader.keys()):
        same, similar = (
            tuple(sorted(prints.inputs[places].tolist()))
            for places in (equal.get(kept, []), of_leader.get(kept, []))
        )
        groups.append(Group(int(prints.inputs[kept]), same, similar))
    return Likeness(tuple(sorted(groups, key=lambda group: group.kept)), complete)


def _near(cells: NDArray[np.uint8]) -> tuple[dict[int, list[int]], bool]:
    """Find for each leader, in order, the rows that nearly equal it and no leader before; and whether that is all.

    Candidates agree in the few cells that tell pictures of this set apart best: so no near picture is missed.
    """
    from scipy.spatial import cKDTree

    count = len(cells)
    if count < 2:
        return {}, True
    telling = cells[:, _telling(cells)].astype(np.float32)
    tree = cKDTree(telling)
    free = np.ones(count, bool)
    found: dict[int, list[int]] = {}
    budget = LOOKED * count
    for row in range(count):
        if not free[row]:
            continue
        free[row] = False
        places = np.array(tree.query_ball_point(telling[row], NEAR + 0.5, p=np.inf), np.int64)
        budget -= len(places) - 1
        if budget < 0:
            return found, False
        places = np.sort(places[free[places]])
        apart = np.abs(cells[places].astype(np.int16) - cells[row]).max(1, initial=0)
        if len(members := places[apart <= NEAR]):
            free[members] = False
            found[row] = members.tolist()
    return found, True


def _telling(cells: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Choose the columns that differ most from picture to picture, and least with those chosen before."""
    from scipy.linalg import qr

    sample = cells[:: max(1, len(cells) // _SAMPLE)].astype(np.float64)
    _, _, pivots = qr(sample - sample.mean(0), mode="economic", pivoting=True)
    return np.asarray(pivots[:_TELLING], np.int64)
