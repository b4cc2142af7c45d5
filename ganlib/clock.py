"""Tell the time of training in kimg, thousands of real pictures shown to the discriminator."""

import math

RELATIVE = 1e-9
"""Times that differ by less than this share are one time, which came about along different ways of rounding."""


def kimg_of(value: float, unit: str, images: int) -> float:
    """Convert epochs or kimg to kimg, for a set of ``images`` pictures.

    Example:
        >>> kimg_of(2, "epochs", images=1500)
        3.0
    """
    return value if unit == "kimg" else value * images / 1000


def budget_of(epochs: float | None, kimg: float | None, images: int) -> float | None:
    """Convert a budget to kimg: the smaller one if both are given, None if neither is."""
    ends = [] if epochs is None else [kimg_of(epochs, "epochs", images)]
    return min(ends if kimg is None else [*ends, float(kimg)], default=None)


def pictures_of(kimg: float) -> int:
    """Count the pictures after which ``kimg`` is reached, at least one; float noise (1.1 * 300) does not add one."""
    return max(1, math.ceil(kimg * 1000 - 1e-6))


def reached(kimg: float, mark: float) -> bool:
    """Tell whether a time is at a mark, but for rounding, or past it."""
    return kimg >= mark * (1 - RELATIVE)


def same_time(first: float, second: float) -> bool:
    """Tell whether two times are one, but for rounding."""
    return math.isclose(first, second, rel_tol=RELATIVE)


def evaluation_after(pictures: int, interval: float, budget: int) -> int:
    """Say after how many pictures the evaluation is due that comes after one at ``pictures``.

    It is due at a multiple of the interval, or at the end of the budget, and always later than that one: a step may
    overshoot one multiple, or several.

    Args:
        pictures: Shown at the evaluation before; 0 for none.
        interval: In kimg.
        budget: In pictures.

    Example:
        >>> evaluation_after(30, interval=0.025, budget=80)
        50
    """
    multiple = math.floor((pictures + 1e-6) / 1000 / interval) + 1
    return min(max(pictures_of(multiple * interval), pictures + 1), budget)
