"""Choose the grids that a film shows, and cut them to blocks of one size."""

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from ganlib.names import METRICS
from sweep import formatting
from sweep.records.status import Status
from sweep.report.facts import Evaluation, Sample
from sweep.report.pictures import SIDE, cut, nominal, open_picture
from sweep.report.results import RankedTrial

_WORKERS = 4


@dataclass(frozen=True)
class Shot:
    """The pictures of a trial at one evaluation.

    Attributes:
        trial: Whose.
        moment: When, in kimg, of the evaluation that was due.
        block: The first pictures of the grid, as they are.
        evaluation: What was measured then; None if that is not on record.
    """

    trial: RankedTrial
    moment: float
    block: Image.Image
    evaluation: Evaluation | None

    @property
    def best(self) -> bool:
        """Whether the trial's generator was at its best then, as far as is known by now."""
        return self.evaluation is not None and self.evaluation.kimg == self.trial.entry.kimg

    def measured(self, metric: str, error: bool) -> str:
        """Say a metric as it was then, with its standard error where there is room and it has one."""
        values = self.evaluation.values if self.evaluation else {}
        value = values.get(metric)
        if value is None:
            return "not measured"
        if not math.isfinite(value):
            return "not finite"
        if error and (name := METRICS[metric].error):
            return formatting.with_error(value, values.get(name))
        return formatting.number(value, 3)


@dataclass(frozen=True)
class Reel:
    """All that a film shows of one trial.

    Attributes:
        trial: Whose.
        shots: In order of their moments; at least one.
    """

    trial: RankedTrial
    shots: Sequence[Shot]

    def at(self, moment: float) -> Shot | None:
        """Find the newest pictures at a moment; None before the first."""
        return next((shot for shot in reversed(self.shots) if shot.moment <= moment), None)

    def ended(self, moment: float) -> bool:
        """Tell whether nothing more comes of the trial after a moment."""
        return self.trial.entry.status is not Status.RUNNING and moment >= self.shots[-1].moment

    @property
    def end(self) -> str:
        """Say how the trial ended, such as ``stopped at 12 kimg``."""
        entry = self.trial.entry
        if entry.status is Status.COLLAPSED and entry.row["verdict"]:
            return f"{entry.status}: {entry.row['verdict']}"
        return f"{entry.status} at {formatting.kimg(entry.row['kimg'])} kimg"


@dataclass(frozen=True)
class Size:
    """How much of each grid is shown.

    Attributes:
        rows: Pictures from top to bottom at most; None for as many as from left to right.
        target: How wide a block should be, in pixels.
    """

    rows: int | None
    target: int

    def of(self, sample: Sample, cell: int) -> tuple[int, int]:
        """Count rows and columns of a block of a grid whose pictures are ``cell`` pixels wide, with their gap.

        Of a translator's grid, whole patterns of rows are shown: what becomes of a picture is seen in its column.
        """
        across = min(sample.cols, max(SIDE, self.target // cell))
        down = self.rows or across
        if sample.shown:
            down = max(1, down // sample.pattern) * sample.pattern
        return min(down, sample.rows), across


def reels(trials: Iterable[RankedTrial], size: Size, most: int) -> tuple[list[Reel], list[float], int]:
    """Read the grids of trials; one that is missing or damaged is left out.

    Args:
        trials: Those without pictures are left out.
        size: How much of each grid is shown.
        most: How many moments are shown at most: evenly spread, the first and the last among them.

    Returns:
        The reels, the moments in kimg, and how many grids were left out because they cannot be read.
    """
    due = {trial.key: _by_moment(trial) for trial in trials if trial.samples}
    named = {trial.key: trial for trial in trials}
    moments = _spread(sorted({moment for found in due.values() for moment in found}), most)
    wanted = [
        (named[key], moment, sample)
        for key, found in due.items()
        for moment, sample in _newest(found, moments).items()
    ]
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        shots = list(pool.map(lambda one: _shot(one[0], one[1], one[2], size), wanted))
    made: dict[str, list[Shot]] = {}
    for shot in shots:
        if shot is not None:
            made.setdefault(shot.trial.key, []).append(shot)
    seen = sorted({shot.moment for found in made.values() for shot in found})
    return [Reel(named[key], found) for key, found in made.items()], seen, shots.count(None)


def _by_moment(trial: RankedTrial) -> dict[float, Sample]:
    """List the grids of a trial by the moments at which they were due, in order."""
    return {nominal(trial, sample.kimg): sample for sample in trial.samples}


def _spread(moments: Sequence[float], most: int) -> list[float]:
    """Choose some of many moments, evenly spread, the first and the last among them."""
    if len(moments) <= most:
        return list(moments)
    step = (len(moments) - 1) / max(most - 1, 1)
    return [moments[len(moments) - 1 - round(index * step)] for index in reversed(range(most))]


def _newest(found: Mapping[float, Sample], moments: Sequence[float]) -> dict[float, Sample]:
    """Find what was new at each moment since the one before; its own moment where that is shown, else the next one."""
    chosen, before = {}, float("-inf")
    for moment in moments:
        fresh = [at for at in found if before < at <= moment]
        if fresh:
            chosen[fresh[-1]] = found[fresh[-1]]
        before = moment
    return chosen


def _shot(trial: RankedTrial, moment: float, sample: Sample, size: Size) -> Shot | None:
    """Read one grid; None if it cannot be read."""
    sheet = open_picture(trial.facts, sample.path)
    if sheet is None:
        return None
    down, across = size.of(sample, sheet.width // sample.cols)
    evaluation = next((one for one in trial.evaluations if one.kimg == sample.kimg), None)
    return Shot(trial, moment, cut(sheet, sample, down, across), evaluation)
