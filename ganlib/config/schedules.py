"""Values that change while a trial trains, such as ``{from: 2e-3, to: 2e-4}``."""

import math
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import ConfigDict, Field

from ganlib.config.section import Section

Number = TypeVar("Number", bound=float)


class Schedule(Section, Generic[Number]):
    """A value that goes from one number to another while a share of the budget is spent, and then stays.

    A key that takes it beside a number has the type ``Weight | Schedule[Weight]``, so that both ends keep the bounds of
    that number. A schedule is true unless its value is 0 throughout.

    Example:
        >>> schedule = Schedule[float].model_validate({"from": 2.0, "to": 0.5, "until": 0.8})
        >>> [schedule.at(progress) for progress in (0.0, 0.4, 0.8, 1.0)]
        [2.0, 1.25, 0.5, 0.5]
    """

    model_config = ConfigDict(serialize_by_alias=True)

    start: Number = Field(alias="from")
    """The value at the beginning."""
    to: Number
    """The value once the share ``until`` of the budget is spent."""
    shape: Literal["cosine", "linear"] = "cosine"
    """Half a cosine, which begins and ends gently (Loshchilov 2017), or a straight line."""
    until: float = Field(1.0, gt=0, le=1)
    """Share of the budget."""

    def __bool__(self) -> bool:
        return self.start != 0 or self.to != 0

    def at(self, progress: float) -> float:
        """Compute the value where a share of the budget is spent.

        Args:
            progress: The share, from 0 to 1.
        """
        if progress >= self.until:
            return self.to
        share = progress / self.until
        if self.shape == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        first, last = float(self.start), float(self.to)
        # Rounding must not lead beyond an end.
        return min(max(first + (last - first) * share, min(first, last)), max(first, last))


def value_at(value: float | Schedule[float], progress: float) -> float:
    """Compute a value, which may have a schedule, where a share of the budget is spent."""
    return value.at(progress) if isinstance(value, Schedule) else value


def schedules_in(annotation: Any) -> dict[str, type[Schedule[float]]]:  # noqa: ANN401 - any annotation
    """Find where a field takes a schedule: ``""`` for the field itself, ``"[1]"`` for an item of its tuple."""
    if isinstance(annotation, type) and issubclass(annotation, Schedule):
        return {"": annotation}
    place = "[{}]" if get_origin(annotation) is tuple else ""
    return {
        place.format(number) + below: found
        for number, item in enumerate(get_args(annotation))
        for below, found in schedules_in(item).items()
    }
