"""Make the film of a sweep: of one trial, or of its best and worst side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from ganlib.errors import RequestError
from sweep import formatting
from sweep.report.film.frames import Layout, box_of
from sweep.report.film.shots import Size, reels
from sweep.report.results import RankedTrial, Results
from sweep.results.summary import until

ALONE, TOGETHER = 560, ((1, 560), (2, 420), (3, 300), (4, 330), (9, 250), (math.inf, 200))
"""How wide the pictures of a trial are about, in pixels: alone, and of up to so many side by side."""
TOP = 12
"""Trials that are shown side by side, if nothing is said."""
MOST = 60
"""Frames of a film, if nothing is said."""
WHOLE_SECONDS, SLOWEST, FASTEST, HOLD = 10.0, 0.6, 0.1, 2.5
"""How long a film takes about, for how long a frame is shown at most and at least, and the last one beyond that."""


@dataclass(frozen=True)
class Film:
    """A film that is drawn.

    Attributes:
        frames: RGB, of one size, at least one.
        moments: When each of them is, in kimg.
        trials: How many trials are shown.
        omitted: How many have pictures and are not shown.
        broken: How many grids cannot be read.
    """

    frames: Sequence[Image.Image]
    moments: Sequence[float]
    trials: int
    omitted: int
    broken: int

    @property
    def pace(self) -> float:
        """For how many seconds a frame is shown, if nothing is said."""
        return round(min(SLOWEST, max(FASTEST, WHOLE_SECONDS / len(self.frames))), 2)


def film_of_one(
    results: Results, number: int | None = None, rows: int | None = None, most: int = MOST
) -> Film:
    """Draw the film of one trial.

    Args:
        results: Of one sweep.
        number: Of the trial; None for the best.
        rows: Of pictures that are shown; None for as many as are seen well.
        most: Frames at most.

    Raises:
        RequestError: if there is no such trial, none is the best yet, or it has no pictures.
    """
    trial = _numbered(results, number) if number is not None else results.winner
    if trial is None:
        raise RequestError(
            f"no trial of '{results.title}' is the best yet: {results.problem or 'none is healthy and measured'}; "
            "--trial N takes one, --all takes all"
        )
    return _film(results, [trial], Size(rows, ALONE), most)


def film_of_all(results: Results, rows: int | None = None, top: int = TOP, most: int = MOST) -> Film:
    """Draw trials side by side, the best first; each stays at its last pictures, with how it ended.

    Args:
        results: Of one sweep.
        rows: Of pictures that are shown of each; None for as many as are seen well.
        top: How many trials.
        most: Frames at most.

    Raises:
        RequestError: if there are no pictures.
    """
    pictured = [trial for trial in results.trials if trial.samples]
    shown = pictured[:top]
    target = next(width for count, width in TOGETHER if len(shown) <= count)
    return _film(results, shown, Size(rows, target), most, len(pictured) - len(shown))


def _numbered(results: Results, number: int) -> RankedTrial:
    """Find a trial by its number.

    Raises:
        RequestError: if there is none.
    """
    found = next((trial for trial in results.trials if trial.entry.trial == number), None)
    if found is None:
        known = formatting.trial_numbers(sorted(trial.entry.trial for trial in results.trials), 10)
        raise RequestError(f"'{results.title}' has no trial {number}; there are: {known or 'none yet'}")
    return found


def _film(results: Results, trials: Sequence[RankedTrial], size: Size, most: int, omitted: int = 0) -> Film:
    """Read and draw."""
    found, moments, broken = reels(trials, size, most)
    if not found:
        which = f"trial {trials[0].entry.trial} of " if len(trials) == 1 else ""
        why = "cannot be read" if broken else "are not there yet"
        raise RequestError(f"pictures of {which}'{results.title}' {why}")
    blocks = [shot.block for reel in found for shot in reel.shots]
    timed = any(until(facts.spec) for facts in results.sweeps)
    budget = 0.0 if timed else max(float(facts.sweep.info.budget or 0.0) for facts in results.sweeps)
    layout = Layout(
        results=results,
        reels=found,
        columns=_columns(len(found)),
        box=box_of(blocks, size.target),
        about=_about(results, omitted),
        end=max(budget, moments[-1]),
    )
    return Film([layout.frame(moment) for moment in moments], moments, len(found), omitted, broken)


def _columns(count: int) -> int:
    """Choose how many trials stand in a row: frames are wider than they are high, as far as that goes."""
    if count <= 3:
        return count
    return 4 if 9 < count <= 16 else math.ceil(math.sqrt(count))


def _about(results: Results, omitted: int) -> list[str]:
    """Say what is seen and how it was measured."""
    lines = [f"{results.column(results.metric)}, smaller is better; the same {results.inputs} throughout"]
    lines += [f"rows from the top: {', '.join(facts.pattern)}" for facts in results.sweeps if facts.pattern]
    if omitted:
        lines.append(f"{formatting.count(omitted, 'more trial')} not shown")
    return [formatting.printable(line) for line in lines]
