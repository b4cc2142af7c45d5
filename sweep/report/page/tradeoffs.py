"""The section on trade-offs: trials that no other beats in quality, variety and cost together."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep import formatting
from sweep.report.results import Results
from sweep.results.tradeoffs.offers import Tradeoffs


@dataclass(frozen=True)
class OfferRow:
    """A trial that no other beats in everything.

    Attributes:
        key: The trial's key in links.
        name: The trial's name.
        rank: Its rank by the metric.
        cells: Its value of each objective, and whether no trial is better at that.
        best_at: What it is best at, in words.
    """

    key: str
    name: str
    rank: int | None
    cells: Sequence[tuple[str, bool]]
    best_at: str


@dataclass(frozen=True)
class TradeoffsSection:
    """What one gives up for what; left out where there is no choice to make.

    Attributes:
        told: What was found, as a sentence.
        objectives: The heading of each objective.
        rows: The trials, the best by the metric first; empty where there is no choice.
    """

    told: str
    objectives: Sequence[str]
    rows: Sequence[OfferRow]

    @classmethod
    def of(cls, results: Results) -> "TradeoffsSection":
        """Compare the ranked trials of a report."""
        wishes = [wish for facts in results.sweeps for wish in facts.sweep.info.wishes]
        found = Tradeoffs.of([trial.entry for trial in results.ranked], results.metric, wishes)
        if not found.worth_showing:
            return cls("", [], [])
        rows = []
        for offer in found.offers:
            trial = results.ranked[offer.place]
            cells = [
                (one.shown(value), one.title in offer.best_at)
                for one, value in zip(found.objectives, offer.values, strict=True)
            ]
            rows.append(OfferRow(trial.key, trial.name, trial.entry.rank, cells, offer.words))
        titles = [one.title for one in found.objectives]
        return cls(formatting.sentence(found.sentence), [results.column(results.metric), *titles[1:]], rows)
