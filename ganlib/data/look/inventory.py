"""Sum up what the pictures of a set are like: their shapes, which are grey, which are tiny."""

from dataclasses import dataclass

import numpy as np

from ganlib.data.alpha import RGB
from ganlib.data.look.fingerprints import GRID, Prints

_GREY = 2  # levels by which the channels of a grey picture differ at most, after JPEG's rounding
_TINY = 5
_SHAPES = (
    (1 / 2, "narrower than 1:2"),
    (2 / 3, "1:2 to 2:3"),
    (9 / 10, "2:3 to 9:10"),
    (10 / 9, "about square"),
    (3 / 2, "10:9 to 3:2"),
    (2, "3:2 to 2:1"),
    (np.inf, "wider than 2:1"),
)


@dataclass(frozen=True)
class Inventory:
    """What the pictures of a set are like.

    Attributes:
        shapes: How many files have which ratio of width to height, from narrow to wide; ratios that none has are
            left out.
        shorter: Least, median and greatest length of the shorter side of files, in pixels; empty without files.
        grey: How many pictures are grey, whatever their file's mode; None where all were made grey.
        tiny: The smallest of the files that were enlarged: number of the input, width and height in pixels.
    """

    shapes: tuple[tuple[str, int], ...] = ()
    shorter: tuple[int, ...] = ()
    grey: int | None = None
    tiny: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def of(cls, prints: Prints, size: int) -> "Inventory":
        """Sum up the fingerprints of a set of pictures of that side."""
        files = prints.sides[:, 1] > 0
        sides, inputs = prints.sides[files], prints.inputs[files]
        ratios = sides[:, 0] / sides[:, 1]
        bins = np.digitize(ratios, [limit for limit, _ in _SHAPES[:-1]], right=True)
        counts = np.bincount(bins, minlength=len(_SHAPES)).tolist()
        shorter = sides.min(1) if len(sides) else np.zeros(0, np.int32)
        first = [row for row in np.argsort(shorter, kind="stable")[:_TINY].tolist() if shorter[row] < size]
        return cls(
            tuple((name, count) for (_, name), count in zip(_SHAPES, counts, strict=True) if count),
            (int(shorter.min()), int(np.median(shorter)), int(shorter.max())) if len(sides) else (),
            _grey(prints),
            tuple((int(inputs[row]), int(sides[row, 0]), int(sides[row, 1])) for row in first),
        )


def _grey(prints: Prints) -> int | None:
    channels = prints.cells.shape[1] // GRID**2
    if channels < RGB:
        return None
    colours = prints.cells.reshape(len(prints), -1, channels)[..., :RGB].astype(np.int16)
    return int(((colours.max(2) - colours.min(2)).max(1, initial=0) <= _GREY).sum())
