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
    """The way of a trial on machines of one kind.

    Attributes:
        places: The comparisons and the end, in kimg.
        evaluating: Seconds of evaluations on the way to each place from the one before.
        result: Seconds of its result.
        per_kimg: Seconds of training for a thousand pictures, of each configuration.
        at_once: How many trials run on these machines at a time.
    """

    places: tuple[float, ...]
    evaluating: tuple[float, ...]
    result: float
    per_kimg: tuple[float, ...]
    at_once: int

    @classmethod
    def on(cls, costs: Costs, at: Schedule, n_fake: int, points: tuple[float, ...]) -> "_Path":
        """Make the way that has these comparisons, between the beginning and the end."""
        spans = tuple(_evaluating(at, n_fake, span, costs) for span in pairwise(points))
        # Inputs that no evaluation has seen, and of a trial that has finished also what costs more.
        result = costs.evaluation(n_fake, n_fake) + costs.per_score
        return cls(points[1:], spans, result, costs.per_kimg, costs.at_once)

    def seconds(self, per_kimg: float) -> float:
        """Seconds of a trial that is trained to its end."""
        return self.places[-1] * per_kimg + sum(self.evaluating) + self.result


def forecast(
    at: Schedule,
    n_fake: int,
    trials: int,
    asha: AshaConfig | None,
    costs: Costs,
    plays: int = PLAYS,
    known: int = 0,
    others: Sequence[Costs] = (),
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
        others: What they cost on machines of other kinds, where they run as well; of the same configurations.
    """
    comparisons = at.comparisons if asha else ()
    points = (0.0, *comparisons, at.budget)
    paths = [_Path.on(one, at, n_fake, points) for one in (costs, *others)]
    some = min(trials, MOST)
    random = np.random.default_rng(0)
    plays = min(plays, max(10, TRIALS // some))
    found = [_play(random, _qualities(random, some, known), asha, paths) for _ in range(plays)]
    more = trials / some
    ends = [path.seconds(speed) for path in paths for speed in path.per_kimg]
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
    paths: Sequence[_Path],
) -> _Play:
    """Run one sweep in thought: trials take turns in the slots, and ASHA ends those that are behind."""
    trials, places = len(quality), paths[0].places
    configurations = random.choice(len(paths[0].per_kimg), trials)
    asha, stopped = Asha.of(places[:-1], config), dict[int, int]()
    arriving = [0] * (len(places) - 1)
    play = _Play(0.0, 0.0, 0.0, arriving)
    waiting, free = iter(range(trials)), [path for path in paths for _ in range(min(path.at_once, trials))]
    if len(paths) > 1:  # nobody knows which machine Ray takes first
        free = [free[place] for place in random.permutation(len(free))]
    events: list[tuple[float, int, int, _Path]] = []  # when, which trial, at which of its places, where

    def go_on(now: float, trial: int, place: int, path: _Path) -> None:
        begin = places[place - 1] if place else 0.0
        training = (places[place] - begin) * path.per_kimg[configurations[trial]]
        play.busy += training + path.evaluating[place]
        play.evaluating += path.evaluating[place]
        heapq.heappush(events, (now + training + path.evaluating[place], trial, place, path))

    while free and (trial := next(waiting, None)) is not None:
        go_on(0.0, trial, 0, free.pop())
    while events:
        now, trial, place, path = heapq.heappop(events)
        last = place == len(places) - 1
        if not last:
            arriving[place] += 1
        stop = last or (asha is not None and asha.enter(trial, places[place], quality[trial]).stop)
        if not stop:
            go_on(now, trial, place + 1, path)
            continue
        play.busy += path.result
        play.evaluating += path.result
        play.wall = max(play.wall, now + path.result)
        if asha is not None and asha.promote and not last:
            stopped[trial] = place
        free.append(path)
        while free:
            if asha is not None and (again := asha.promotable(stopped)) is not None:
                go_on(now + path.result, again, stopped.pop(again) + 1, free.pop())
            elif (following := next(waiting, None)) is not None:
                go_on(now + path.result, following, 0, free.pop())
            elif asha is not None and not events and (best := asha.promotable(stopped, True)) is not None:
                go_on(now + path.result, best, stopped.pop(best) + 1, free.pop())
            else:
                break
    return play


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
