"""Hold the trials of a sweep in the order of a metric, and those left out; `sweep.results.ranking` makes it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ganlib.metrics.identity import Baseline, Floor, Identity
from ganlib.names import METRICS
from sweep.formatting import kimg, with_error
from sweep.records.status import Status
from sweep.results.translation import warnings_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One trial and its best generator by the metric; numbers are None where there is no finite one.

    Attributes:
        rank: 1 is best, ties share a rank; None if the trial is left out.
        value: The metric of its result, of the generator at ``kimg``; of its best evaluation while it has none.
        measured: Whether ``value`` is that of a result.
        seen: The metric of its best evaluation, by which that generator was chosen.
        last: The metric at the newest evaluation that has one.
        n_fake: Generated pictures that ``value`` was measured on.
        floor: What held-out real pictures score on as many; None if that was not measured.
        baseline: What photographs score as they are, on as many; None where nothing is translated.
        suspicion: Why the values are too good to be honest; None if they are not.
        reason: Why the trial is left out; None if it is ranked.
        broken: The wishes that its result breaks, in words.
        missed: By how much it misses them together; 0 where it breaks none.
        row: Its row of ``trials``.
        source: The row of ``results``, or of ``metrics``, that its numbers are from.
    """

    trial: int
    status: Status
    rank: int | None
    value: float | None
    kimg: float | None
    kid: float | None
    kid_se: float | None
    fid: float | None
    measured: bool
    seen: float | None
    last: float | None
    n_fake: int | None
    floor: Floor | None
    baseline: Baseline | None
    suspicion: str | None
    reason: str | None
    row: Row = field(repr=False)
    source: Row = field(repr=False, default_factory=dict)
    mmd: float | None = None
    mmd_se: float | None = None
    mind: float | None = None
    broken: Sequence[str] = ()
    missed: float = 0.0

    def measure(self, metric: str) -> tuple[float | None, float | None]:
        """Give a metric of the generator at ``kimg``, and its standard error; None for what there is not."""
        error = METRICS[metric].error
        return getattr(self, metric), getattr(self, error) if error else None

    def changed(self, **fields: Any) -> "Entry":  # noqa: ANN401 - any of the attributes
        """Copy it with some attributes changed, in a tenth of the time of `dataclasses.replace`."""
        made = object.__new__(Entry)
        made.__dict__.update(self.__dict__, **fields)
        return made

    @cached_property
    def params(self) -> dict[str, Any]:
        """The searched values: path to value, None where the trial has none."""
        found = {key.removeprefix("param."): self.row[key] for key in self.row if key.startswith("param.")}
        return {path: json.loads(value) if _holds_schedule(value) else value for path, value in found.items()}


def _holds_schedule(value: object) -> bool:
    """Tell whether a value is the JSON text by which a column holds a schedule, or a list with one in it."""
    return isinstance(value, str) and value[:1] in ("{", "[") and '{"from": ' in value


@dataclass(frozen=True)
class Leaderboard:
    """The ranked trials, best first, and those left out: first what may still be ranked, the best first.

    Attributes:
        provisional: Whether no trial has a result, so that the best so far is what is ranked.
        wishes: What else is wanted of a result, in words.
    """

    metric: str
    identity: Identity | None
    ranked: Sequence[Entry]
    left_out: Sequence[Entry]
    provisional: bool = False
    wishes: Sequence[str] = ()

    @property
    def label(self) -> str:
        """The metric's name with its identity; the bare name while nothing has been measured."""
        if self.identity is None or self.provisional:  # what was seen so far was seen on different numbers
            return f"{self.column(self.metric)} so far" if self.identity else METRICS[self.metric].label
        return self.identity.label(self.metric)

    def column(self, metric: str) -> str:
        """Name a metric where there is little room, with the extractor, without which its numbers say nothing."""
        return column(metric, self.identity)

    @property
    def suspicions(self) -> list[str]:
        """One sentence for each trial that scores better than real pictures do."""
        return [
            f"trial {entry.trial}: {entry.suspicion}; has it learnt pictures by heart? The event under_floor says "
            "where the nearest real ones are shown"
            for entry in self.entries
            if entry.suspicion
        ]

    @property
    def warnings(self) -> list[str]:
        """One sentence for each flaw in the drawings of the best trial; none of families that do not translate."""
        return [
            f"trial {entry.trial}: {words}"
            for entry in self.ranked[:1]
            for words in warnings_of(entry.source)
        ]

    @property
    def infeasible(self) -> list[Entry]:
        """The trials that are left out because their result breaks a wish, the nearest first."""
        return [entry for entry in self.left_out if entry.broken]

    @property
    def nearest(self) -> str:
        """One sentence on the trial that is nearest to the wishes; empty where one fulfils all, or none was judged."""
        if self.ranked or not self.infeasible:
            return ""
        first = self.infeasible[0]
        return f"no trial fulfils the wishes; the nearest is trial {first.trial}: {first.reason}"

    @property
    def entries(self) -> list[Entry]:
        """All trials: the ranked, then the others."""
        return [*self.ranked, *self.left_out]


def column(metric: str, identity: Identity | None) -> str:
    """Name a metric where there is little room: with its extractor, where that is one for all."""
    if identity is None:
        return METRICS[metric].label
    return f"{METRICS[metric].name(identity.extractor)} ({identity.extractor})"


def beside(metric: str) -> str:
    """Name the metric that is shown beside the one that ranks."""
    return "fid" if metric == "kid" else "kid"


def had(entry: Entry, metric: str) -> str:
    """Say what a trial has, as ``KID 0.080 ± 0.004 on 384 pictures, at 60 kimg``; empty if it has nothing."""
    if entry.value is None:
        return ""
    name = METRICS[metric].name(entry.source.get("extractor") or "")
    return (
        f"{name} {with_error(*entry.measure(metric))} on {entry.n_fake} pictures, at {kimg(entry.kimg)} kimg"
    )


def with_ranks(entries: Iterable[Entry]) -> list[Entry]:
    """Give ranks, from 1, to entries that are in the order of their values; equal ones share a rank."""
    ranked: list[Entry] = []
    for place, entry in enumerate(entries, start=1):
        tied = ranked and ranked[-1].value == entry.value
        ranked.append(entry.changed(rank=ranked[-1].rank if tied else place))
    return ranked
