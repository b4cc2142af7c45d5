"""Foretell how long a sweep takes: play it many times with trials whose order of quality is drawn at random.

What ASHA saves depends on the order in which good trials come and on how many run at a time; its own rules
(`sweep.search.asha`) decide in the play as in a run.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ganlib.clock import RELATIVE, reached
from ganlib.training.ladder import stage_at
from sweep.commands.planning.costs import Costs
from sweep.search.asha import Asha
from sweep.spec.schedule import Schedule
from sweep.spec.sections import AshaConfig

PLAYS = 200
TRIALS = 4000
"""Trials of all plays together, about: large sweeps are played less often, and differ less from play to play."""
MOST = 200
"""Trials that are played at most: more take as much longer as they are more."""
PICK = 4
"""A configuration that a spec names is taken for as good as the best of so many that are drawn."""


@dataclass(frozen=True)
class Range:
    """Seconds: the median, and between which values nine of ten plays lie, or all configurations."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float] | NDArray[np.float64]) -> "Range":
        """Summarise some values."""
        low, middle, high = np.percentile(values, [5, 50, 95])
        return cls(float(low), float(middle), float(high))


@dataclass(frozen=True)
class Forecast:
    """What is foretold of a sweep, in seconds.

    Attributes:
        trial: One trial to its end.
        wall: From the first trial's start to the last one's result.
        busy: Of all trials together.
        evaluating: Share of ``busy`` that evaluations and results take.
        arriving: How many trials come to each rung, the mean: (kimg, trials).
    """

    trial: Range
    wall: Range
    busy: Range
    evaluating: float
    arriving: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Path:
    """The way of a trial: seconds of evaluations up to each comparison and to the end, and of its result.

    Attributes:
        places: The comparisons and the end, in kimg.
        evaluating: Seconds of evaluations on the way to each place from the one before.
    """

    places: tuple[float, ...]
    evaluating: tuple[float, ...]
    result: float


def forecast(
    at: Schedule,
    n_fake: int,
    trials: int,
    asha: AshaConfig | None,
    costs: Costs,
    plays: int = PLAYS,
    known: int = 0,
) -> Forecast:
    """Play a sweep.

    Args:
        at: The times of its trials.
        n_fake: Pictures of a full evaluation.
        trials: How many trials.
        asha: How trials are compared; None for not at all. Its ``patience`` and ``variety`` are not foreseen.
        costs: What trials cost.
        plays: How often.
        known: How many of the trials, the first ones, are configurations that the spec names.
    """
    comparisons = at.comparisons if asha else ()
    points = (0.0, *comparisons, at.budget)
    spans = tuple(_evaluating(at, n_fake, span, costs) for span in pairwise(points))
    # Inputs that no evaluation has seen, and of a trial that has finished also what costs more.
    path = _Path(points[1:], spans, costs.evaluation(n_fake, n_fake) + costs.per_score)
    some = min(trials, MOST)
    random = np.random.default_rng(0)
    plays = min(plays, max(10, TRIALS // some))
    found = [_play(random, _qualities(random, some, known), asha, path, costs) for _ in range(plays)]
    more = trials / some
    ends = [_seconds(path, speed) for speed in costs.per_kimg]
    counts = np.mean([play.arriving for play in found], axis=0) * more
    busy = np.array([play.busy for play in found]) * more
    return Forecast(
        trial=Range(min(ends), float(np.median(ends)), max(ends)),
        wall=Range.of(np.array([play.wall for play in found]) * more),
        busy=Range.of(busy),
        evaluating=float(np.mean([play.evaluating / play.busy for play in found])),
        arriving=tuple(zip(comparisons, map(float, counts), strict=True)),
    )


@dataclass
class _Play:
    wall: float
    busy: float
    evaluating: float
    arriving: list[int]


def _qualities(random: np.random.Generator, trials: int, known: int) -> NDArray[np.float64]:
    """Draw the trials' values at every rung; smaller is better."""
    drawn = random.random((trials, PICK))
    return np.concatenate([drawn[:known].min(axis=1), drawn[known:, 0]])


def _play(
    random: np.random.Generator,
    quality: NDArray[np.float64],
    config: AshaConfig | None,
    path: _Path,
    costs: Costs,
) -> _Play:
    """Run one sweep in thought: trials take turns in the slots, and ASHA ends those that are behind."""
    trials = len(quality)
    speeds = random.choice(costs.per_kimg, trials)
    asha, stopped = Asha.of(path.places[:-1], config), dict[int, int]()
    arriving = [0] * (len(path.places) - 1)
    play = _Play(0.0, 0.0, 0.0, arriving)
    waiting, free = iter(range(trials)), 0
    events: list[tuple[float, int, int]] = []  # when, which trial, at which of its places

    def go_on(now: float, trial: int, place: int) -> None:
        begin = path.places[place - 1] if place else 0.0
        training = (path.places[place] - begin) * speeds[trial]
        play.busy += training + path.evaluating[place]
        play.evaluating += path.evaluating[place]
        heapq.heappush(events, (now + training + path.evaluating[place], trial, place))

    for trial in [next(waiting) for _ in range(min(costs.at_once, trials))]:
        go_on(0.0, trial, 0)
    while events:
        now, trial, place = heapq.heappop(events)
        last = place == len(path.places) - 1
        if not last:
            arriving[place] += 1
        stop = last or (asha is not None and asha.enter(trial, path.places[place], quality[trial]).stop)
        if not stop:
            go_on(now, trial, place + 1)
            continue
        play.busy += path.result
        play.evaluating += path.result
        play.wall = max(play.wall, now + path.result)
        if asha is not None and asha.promote and not last:
            stopped[trial] = place
        free += 1
        while free:
            if asha is not None and (again := asha.promotable(stopped)) is not None:
                go_on(now + path.result, again, stopped.pop(again) + 1)
            elif (following := next(waiting, None)) is not None:
                go_on(now + path.result, following, 0)
            elif asha is not None and not events and (best := asha.promotable(stopped, True)) is not None:
                go_on(now + path.result, best, stopped.pop(best) + 1)
            else:
                break
            free -= 1
    return play


def _seconds(path: _Path, per_kimg: float) -> float:
    return path.places[-1] * per_kimg + sum(path.evaluating) + path.result


def _evaluating(at: Schedule, n_fake: int, span: tuple[float, float], costs: Costs) -> float:
    """Seconds of the evaluations that come after the beginning of a span and up to its end."""
    begin, end = span
    seconds = 0.0
    first = math.floor(begin / at.interval * (1 + RELATIVE)) + 1
    last = math.ceil(end / at.interval * (1 - RELATIVE))
    for number in range(first, min(last, first + 100_000) + 1):
        kimg = min(number * at.interval, at.budget)
        if not reached(end, kimg):
            break
        stage = stage_at(at.ladder, n_fake, (number - 1) * at.interval, kimg >= at.budget)
        evaluation = costs.evaluation(stage.n_fake, n_fake)
        between = evaluation + at.interval * float(np.mean(costs.per_kimg))
        # A trial that has finished leaves one in any case.
        seconds += evaluation + (costs.per_save if kimg >= at.budget else costs.saving(between))
    return seconds
