"""The section on what people judged by eye (``sweep judge``); it is left out where nobody has."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep import formatting
from sweep.report.results import RankedTrial, Results
from sweep.results.judging.eye import Eye, Standing, sentences


@dataclass(frozen=True)
class EyeRow:
    """A trial as a person sees it, in words.

    Attributes:
        key: The trial's key in links.
        name: The trial's name.
        wins: The share of pairs that it wins against an average one, from 0 to 1.
        low: Lower end of the 95 % interval of that share.
        high: Upper end of it.
        shown: Share and interval in words.
        best: The probability that it is the best of all that were judged.
        judged: In how many judgements it was shown.
        value: Its result.
        rank: Its rank by the metric in its sweep.
    """

    key: str
    name: str
    wins: float
    low: float
    high: float
    shown: str
    best: str
    judged: int
    value: str
    rank: int | None


@dataclass(frozen=True)
class Person:
    """What one person judged.

    Attributes:
        heading: The person's name, with the sweep where there are several.
        words: What the judgements come to, a sentence each.
        rows: The trials that were judged, the best to the eye first.
    """

    heading: str
    words: Sequence[str]
    rows: Sequence[EyeRow]


@dataclass(frozen=True)
class EyesSection:
    """What people judged by eye.

    Attributes:
        metric: The name of the metric that it is compared with.
        people: Those who judged, sweep by sweep.
    """

    metric: str
    people: Sequence[Person]

    @classmethod
    def of(cls, results: Results) -> "EyesSection":
        """Lay out what was judged of the sweeps of a report."""
        people = []
        for facts in results.sweeps:
            trials = {trial.entry.trial: trial for trial in results.trials if trial.facts is facts}
            for eye in facts.eyes:
                heading = f"{eye.who}, {facts.sweep.name}" if results.several else eye.who
                people.append(_person(heading, eye, trials))
        return cls(results.called, people)


def _person(heading: str, eye: Eye, trials: dict[int, RankedTrial]) -> Person:
    rows = [_row(one, trials[one.trial]) for one in eye.standings]
    return Person(heading, [formatting.sentence(words) for words in sentences(eye)], rows)


def _row(one: Standing, trial: RankedTrial) -> EyeRow:
    low, high = one.wins_interval
    return EyeRow(
        key=trial.key,
        name=trial.name,
        wins=round(one.wins, 4),
        low=round(low, 4),
        high=round(high, 4),
        shown=f"{formatting.percent(one.wins)} ({formatting.percent(low)} to {formatting.percent(high)})",
        best=formatting.percent(one.best),
        judged=one.judged,
        value=formatting.number(one.value, 3),
        rank=one.rank,
    )
