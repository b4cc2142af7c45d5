"""Trials that no other beats in quality, variety and cost together, with what each is best at."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlib.names import METRICS
from sweep import formatting
from sweep.records.snapshots import finite
from sweep.results.leaderboard import Entry
from sweep.results.tradeoffs.front import front
from sweep.spec.wishes.wish import Wish


@dataclass(frozen=True)
class Objective:
    """Something that a trial may be good at.

    Attributes:
        name: Of the column of ``results``.
        title: For people.
        larger: Whether a larger value is better.
    """

    name: str
    title: str
    larger: bool = False

    def of(self, entry: Entry) -> float | None:
        """Look up a trial's value; None where its result has none."""
        return finite(entry.source.get(self.name))

    def shown(self, value: float | None) -> str:
        """Write a value."""
        return formatting.value(int(value)) if self.name == "params" and value else formatting.number(value)


_OBJECTIVES = {
    "coverage": Objective("coverage", "coverage", larger=True),
    "vendi": Objective("vendi", "variety (Vendi)", larger=True),
    "seconds_per_kimg": Objective("seconds_per_kimg", "seconds per kimg"),
    "params": Objective("params", "parameters"),
}


@dataclass(frozen=True)
class Offer:
    """A trial that no other beats in everything.

    Attributes:
        place: Its place among the trials that were judged.
        entry: The trial.
        values: Its value of each objective.
        best_at: The titles of the objectives that no trial is better at.
    """

    place: int
    entry: Entry
    values: Sequence[float]
    best_at: Sequence[str]

    @property
    def words(self) -> str:
        """What it is best at, in words."""
        return ", ".join(self.best_at) or "a compromise"


@dataclass(frozen=True)
class Tradeoffs:
    """The trials that no other beats in everything, the best by the metric first.

    Attributes:
        objectives: Quality, variety and cost, as far as they are on record.
        offers: Those trials.
        judged: How many trials were compared.
    """

    objectives: Sequence[Objective]
    offers: Sequence[Offer]
    judged: int

    @classmethod
    def of(cls, ranked: Sequence[Entry], metric: str, wishes: Sequence[Wish] = ()) -> "Tradeoffs":
        """Compare ranked trials, by their results alone.

        Variety is coverage where all have it, else the Vendi score. Cost is seconds of training per kimg, or the number
        of the generator's parameters where that is wished for and time is not.

        Args:
            ranked: The ranked trials, the best first.
            metric: What they are ranked by.
            wishes: What else is wanted of a result.
        """
        results = [entry for entry in ranked if entry.measured]
        wished = {wish.measure for wish in wishes}
        costs = ["seconds_per_kimg", "params"]
        if "params" in wished and "seconds_per_kimg" not in wished:
            costs.reverse()
        chosen = [
            Objective(metric, METRICS[metric].label),
            *(_first(("coverage", "vendi"), results)),
            *(_first(costs, results)),
        ]
        values = np.array([[_known(one.of(entry)) for one in chosen] for entry in results]).reshape(
            len(results), len(chosen)
        )
        costly = values * [-1.0 if one.larger else 1.0 for one in chosen]
        kept = np.flatnonzero(front(costly))
        best = costly[kept] == costly[kept].min(axis=0, initial=math.inf)
        offers = [
            Offer(
                place=ranked.index(results[place]),
                entry=results[place],
                values=values[place].tolist(),
                best_at=[one.title for one, first in zip(chosen, firsts, strict=True) if first],
            )
            for place, firsts in zip(kept, best, strict=True)
        ]
        return cls(chosen, offers, int(np.isfinite(values).all(axis=1).sum()))

    @property
    def worth_showing(self) -> bool:
        """Whether there is a choice to make: more than one trial, by more than the metric."""
        return len(self.offers) > 1 and len(self.objectives) > 1

    @property
    def sentence(self) -> str:
        """What was found, as a sentence without a full stop."""
        if not self.judged:
            return "no trial has a result to compare"
        if len(self.objectives) < 2:
            return "neither variety nor cost are on record"
        titles = [one.title for one in self.objectives]
        names = f"{', '.join(titles[:-1])} and {titles[-1]}"
        of = f"{len(self.offers)} of {formatting.count(self.judged, 'ranked trial')}"
        return f"{of} that no other beats in {names} together"

    def plain(self) -> list[dict[str, Any]]:
        """Give the trials as plain values."""
        return [
            {
                "trial": offer.entry.trial,
                "rank": offer.entry.rank,
                **{one.name: value for one, value in zip(self.objectives, offer.values, strict=True)},
                "best_at": list(offer.best_at),
                "params": offer.entry.params,
            }
            for offer in self.offers
        ]


def _first(names: Sequence[str], results: Sequence[Entry]) -> list[Objective]:
    """Choose the first measure that all results have, else the first that most have; none where nobody has any."""
    counts: Mapping[str, int] = {
        name: sum(_OBJECTIVES[name].of(entry) is not None for entry in results) for name in names
    }
    best = max(names, key=lambda name: counts[name])
    return [_OBJECTIVES[best]] if counts[best] else []


def _known(value: float | None) -> float:
    return math.nan if value is None else value
