"""Arrange what generators make for people to look at: pictures in rows of eight, with words for the rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganlib.data.labels.classes import rows_by_class
from ganlib.models.inputs import ClassLatents, Photos, Pictures, Use
from ganlib.transfers import sent

COLUMNS = 8
WAY_BACK = (
    *("photograph", "drawing made of it", "photograph made of that"),
    *("drawing", "photograph made of it", "drawing made of that"),
)
"""What the rows of a sheet show of a translator that goes both ways."""
ONE_WAY = ("photograph", "drawing made of it")
MADE = ("drawing made of it", "photograph made of it")
"""The words for rows that were made of real pictures."""
BLOCKS = 4
"""How often those rows are repeated for one that goes one way."""
Make = Callable[[Tensor], Tensor]
"""A generator, from inputs (see `ganlib.models.inputs`) to pictures ``(n, c, size, size)``, uint8."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Pictures in rows of `COLUMNS`.

    Attributes:
        pictures: uint8 ``(n, size, size, c)``.
        rows: What each row shows; empty where all are pictures of latents.
    """

    pictures: np.ndarray
    rows: tuple[str, ...] = ()


def sheet_of(pictures: Tensor) -> Sheet:
    """Arrange generated pictures, uint8 ``(n, c, size, size)``, as they come."""
    return Sheet(_rows([pictures]))


def class_sheet(make: Make, inputs: ClassLatents, use: Use = "evaluation") -> Sheet:
    """Show a row for each class, from the same latents: what a class changes is seen in the columns.

    Of few classes, further rows follow from other latents (`ganlib.data.labels.classes.rows_by_class`).

    Args:
        make: The generator.
        inputs: The first of its latents are shown.
        use: Which of the lists.
    """
    names = list(inputs.classes)
    numbers = rows_by_class(list(inputs.classes.values()))
    rows = [
        make(inputs.of_class(number, COLUMNS, use, numbers[:row].count(number) * COLUMNS))
        for row, number in enumerate(numbers)
    ]
    return Sheet(_rows(rows), tuple(names[number] for number in numbers))


def translation_sheet(forth: Make, back: Make | None, photos: Photos, use: Use = "evaluation") -> Sheet:
    """Show both domains, there and back again; without a way back photographs and the drawings made of them.

    Args:
        forth: Makes drawings.
        back: Makes photographs; None where that is not learned.
        photos: The first of its lists are shown.
        use: Which of the lists.
    """

    def there(make: Make, again: Make | None, inputs: Pictures, start: int = 0) -> list[Tensor]:
        made = [make(inputs.take(COLUMNS, use, start))]
        if again is not None:
            made.append(again(Pictures.as_input(made[-1])))
        return [sent(inputs.levels(COLUMNS, use, start), made[0].device), *made]

    if back is None:
        parts = [there(forth, None, photos, start * COLUMNS) for start in range(BLOCKS)]
        return Sheet(_rows([row for part in parts for row in part]), ONE_WAY * BLOCKS)
    return Sheet(_rows([*there(forth, back, photos), *there(back, forth, photos.drawings)]), WAY_BACK)


def _rows(rows: list[Tensor]) -> np.ndarray:
    """Read rows of pictures from their device, all at once."""
    return torch.cat(rows).permute(0, 2, 3, 1).contiguous().cpu().numpy()
