"""Expect how many trials come to each rung, and how much training that saves."""

from dataclasses import dataclass

from ganlib.config import AVATARS
from sweep.search.survivors import expected_survivors
from sweep.spec.specification import Spec


@dataclass(frozen=True)
class ExpectedRungs:
    """The rungs of a search in one unit, and how many trials are expected at each.

    Attributes:
        unit: ``epochs`` or ``kimg``.
        budget: How long a trial trains at most.
        rungs: (the evaluation at which trials are compared, trials that arrive, trials expected to go on), rising.
            Rungs that are met at the end of training are left out: nobody is stopped there.
    """

    unit: str
    budget: float
    rungs: list[tuple[float, float, float]]

    @property
    def share(self) -> float:
        """The expected training of the whole sweep over that of as many full trials."""
        if not self.rungs:
            return 1.0
        trials, done, before = self.rungs[0][1], 0.0, 0.0
        for place, arriving, _ in self.rungs:
            done += arriving * (place - before)
            before = place
        return (done + self.rungs[-1][2] * (self.budget - before)) / (trials * self.budget)


def expected_rungs(spec: Spec, trials: int, images: int | None = None) -> ExpectedRungs | None:
    """List the rungs as a trial's clock counts them, or in epochs while the number of pictures is not known.

    Returns:
        None where it takes the number of pictures to compare the rungs with the budget.
    """
    values = [spec.plain, *spec.configs]
    units = {unit for unit in ("kimg", "epochs") for at in values if at.get(f"train.{unit}") is not None}
    units |= {spec.asha.unit, spec.evaluate.unit} if spec.asha else set()
    if images is None and (isinstance(spec.data.source, str) or AVATARS not in spec.data.source):
        images = spec.data.count
    if images is not None:
        unit = "kimg"
    elif len(units) == 1:
        unit, images = units.pop(), 1000  # with 1000 pictures an epoch is one kimg: the number is in either
    else:
        return None
    at = spec.schedule(images)
    expected = []
    if spec.asha:
        expected = expected_survivors(trials, at.comparisons, spec.asha.reduction, spec.asha.promotes)
    arriving = [float(trials), *(number for _, number in expected)]
    steps = [(place, before, after) for (place, after), before in zip(expected, arriving, strict=False)]
    return ExpectedRungs(unit, at.budget, steps)
