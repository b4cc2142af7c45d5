"""What a person's eye says of a sweep's trials, beside what the metric says.

Only judgements of the very pictures at which a trial is at its best now count: a trial that has become better since
(a sweep that goes on) shows others. Judgements of two people are never put together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ganlib.names import METRICS
from sweep import formatting
from sweep.records.catalog import Sweep
from sweep.results.judging import judgements
from sweep.results.judging.bradley_terry import Array, Choice, Fit, Match, fit, preferred
from sweep.results.judging.judgements import Judgement, Shown
from sweep.results.leaderboard import Entry, Leaderboard

SURE_OF_BEST = 0.95
"""From this probability on, a trial is called the best to the eye."""
BIASED = 0.01
"""Where chance alone would prefer one side as often as this or less, that is told."""


@dataclass(frozen=True)
class Standing:
    """A trial as a person sees it.

    Attributes:
        trial: Its number.
        rank: Its rank by the metric.
        value: The metric of its result.
        score: Its Bradley-Terry score; the mean of all is 0.
        interval: The 95 % interval of that.
        best: The probability that it is the best of all that were judged.
        judged: In how many judgements it was shown.
    """

    trial: int
    rank: int | None
    value: float | None
    score: float
    interval: tuple[float, float]
    best: float
    judged: int

    @property
    def wins(self) -> float:
        """The share of pairs, ties aside, that it wins against an average one of those that were judged."""
        return preferred(self.score)

    @property
    def wins_interval(self) -> tuple[float, float]:
        """The 95 % interval of that share."""
        return preferred(self.interval[0]), preferred(self.interval[1])


@dataclass(frozen=True)
class Eye:
    """The judgements of one person.

    Attributes:
        who: Whose they are.
        metric: What they are compared with, one of `ganlib.names.METRICS`.
        entries: The trials that were judged, the best by the metric first.
        matches: The judgements, by place in ``entries``.
        other: How many more there are, of pictures that no trial is at its best with now.
    """

    who: str
    metric: str
    entries: Sequence[Entry]
    matches: Sequence[Match]
    other: int

    @cached_property
    def fit(self) -> Fit:
        """The scores of the trials, in the order of ``entries``."""
        return fit(len(self.entries), self.matches)

    @cached_property
    def standings(self) -> list[Standing]:
        """The trials, the best to the eye first."""
        if not self.entries:
            return []
        counts = np.bincount(
            [player for match in self.matches for player in match[:2]], minlength=len(self.entries)
        )
        order = np.argsort(-self.fit.scores, kind="stable")
        return [
            Standing(
                trial=self.entries[place].trial,
                rank=self.entries[place].rank,
                value=self.entries[place].value,
                score=float(self.fit.scores[place]),
                interval=self.fit.interval(place),
                best=float(self.fit.best[place]),
                judged=int(counts[place]),
            )
            for place in map(int, order)
        ]

    @cached_property
    def tau(self) -> float | None:
        """Kendall's tau (b) between the scores and the metric, 1 where both order all alike.

        None for one trial, or where all are equal by either.
        """
        if len(self.entries) < 2:
            return None
        found = float(kendall(self.fit.scores[None], -self._values[None])[0])
        return None if math.isnan(found) else found

    @cached_property
    def tau_interval(self) -> tuple[float, float] | None:
        """Where that may lie, given how few judgements there are, and the metric's standard errors: 95 % interval."""
        if self.tau is None:
            return None
        draws = self.fit.draws[:1000]
        errors = np.array([entry.measure(self.metric)[1] or 0.0 for entry in self.entries])
        noise = np.random.default_rng(1).standard_normal(draws.shape)
        found = kendall(draws, -(self._values + noise * errors))
        low, high = np.quantile(found, (0.025, 0.975))
        return min(float(low), self.tau), max(float(high), self.tau)

    @property
    def label(self) -> str:
        """What the metric is called, on the features that it was measured on."""
        extractor = self.entries[0].source.get("extractor") if self.entries else None
        return METRICS[self.metric].name(extractor or "")

    @property
    def _values(self) -> Array:
        return np.array([entry.value for entry in self.entries], float)

    @property
    def disagrees(self) -> bool:
        """Whether the eye prefers another trial to the metric's first, and can tell the two apart."""
        favourite = int(np.argmax(self.fit.scores)) if self.entries else 0
        return favourite != 0 and self.fit.apart(favourite, 0)

    @property
    def bias(self) -> str:
        """Say that one side was preferred more often than chance explains; empty where it was not."""
        from scipy.special import bdtr

        first = sum(choice is Choice.FIRST for *_, choice in self.matches)
        decided = first + sum(choice is Choice.SECOND for *_, choice in self.matches)
        less = min(first, decided - first)
        if not decided or 2 * float(bdtr(less, decided, 0.5)) > BIASED:
            return ""
        side = "first" if first > less else "second"
        return (
            f"the {side} of the two was preferred in {decided - less} of {decided}, though sides are random"
        )


def kendall(one: Array, other: Array) -> Array:
    """Compute Kendall's tau-b of each row with its partner. Kendall, 1945, https://doi.org/10.1093/biomet/33.3.239.

    Args:
        one: Shape ``(rows, n)``, n at least 2.
        other: Of the same shape.

    Returns:
        Shape ``(rows,)``, in [-1, 1]; NaN where all values of a row are equal.
    """
    left, right = np.triu_indices(one.shape[1], 1)
    first, second = np.sign(one[:, left] - one[:, right]), np.sign(other[:, left] - other[:, right])
    with np.errstate(invalid="ignore"):
        norms = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
        return np.asarray((first * second).sum(axis=1) / norms)


def eyes(sweep: Sweep, board: Leaderboard) -> list[Eye]:
    """Read what people judged of a sweep's trials, each for themselves; those who judged most first.

    Raises:
        WorkError: If a file of judgements cannot be read.
    """
    found = [eye_of(who, board, of_one) for who, of_one in judgements.read(sweep.folder).items()]
    return sorted(found, key=lambda eye: (-len(eye.matches), eye.who))


def eye_of(who: str, board: Leaderboard, of_one: Sequence[Judgement]) -> Eye:
    """Compare what one person judged with a leaderboard."""
    ranked = {Shown(entry.trial, entry.kimg): entry for entry in board.ranked if entry.kimg is not None}
    counted = [one for one in of_one if one.first in ranked and one.second in ranked]
    judged = {shown for one in counted for shown in (one.first, one.second)}
    places = {shown: place for place, shown in enumerate(shown for shown in ranked if shown in judged)}
    return Eye(
        who=who,
        metric=board.metric,
        entries=[ranked[shown] for shown in places],
        matches=[(places[one.first], places[one.second], one.choice) for one in counted],
        other=len(of_one) - len(counted),
    )


def sentences(eye: Eye) -> list[str]:
    """Say what a person's judgements come to, the most important first."""
    count = formatting.count(len(eye.matches), "judgement")
    label = eye.label
    if not eye.standings:
        told = [f"{count} by {eye.who}"]
    else:
        first = eye.standings[0]
        sure = "is the best" if first.best >= SURE_OF_BEST else "is ahead"
        best, wins = formatting.percent(first.best), formatting.percent(first.wins)
        told = [
            f"{count} by {eye.who}: trial {first.trial} {sure} ({best} that it is the best of {len(eye.entries)}; "
            f"it wins {wins} of pairs against an average one)"
        ]
        if eye.disagrees:
            told.append(
                f"the eye prefers trial {first.trial} to trial {eye.entries[0].trial}, the first by {label}"
            )
        if eye.tau is not None and eye.tau_interval is not None:
            low, high = (f"{end:.2f}" for end in eye.tau_interval)
            told.append(
                f"agreement with {label}: Kendall's tau {eye.tau:.2f} (95 % interval {low} to {high})"
            )
        if eye.bias:
            told.append(eye.bias)
    if eye.other:
        others = formatting.count(eye.other, "judgement")
        told.append(f"not counted: {others} of pictures that no ranked trial is at its best with now")
    return told


def as_dict(eye: Eye) -> dict[str, Any]:
    """Give a person's judgements as plain values."""
    return {
        "who": eye.who,
        "judgements": len(eye.matches),
        "of_other_pictures": eye.other,
        "ties": sum(choice is Choice.TIE for *_, choice in eye.matches),
        "tau": eye.tau,
        "tau_interval": eye.tau_interval,
        "disagrees": eye.disagrees,
        "trials": [
            {**vars(one), "wins": one.wins, "wins_interval": one.wins_interval} for one in eye.standings
        ],
    }
