"""What happened during a sweep, for people: its events in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweep import formatting
from sweep.records.event_kind import EventKind
from sweep.report.results import RankedTrial, Results
from sweep.results.summary import detail

LIMIT = 1000
"""Events shown at most, the newest."""
_LONGEST = 400
_ELSEWHERE = (EventKind.SKIPPED_FILE,)  # has a list of its own


@dataclass(frozen=True)
class Happening:
    """One event, in words.

    Attributes:
        time: When, in UTC.
        trial: Whose event; None if no trial's.
        words: What it says.
        traceback: Where an error was raised; empty for other events.
        first: Whether it is the first event shown of its trial, so that links have a place to go.
    """

    time: str
    trial: RankedTrial | None
    kimg: str
    kind: str
    words: str
    traceback: str
    first: bool


@dataclass(frozen=True)
class History:
    """The newest events in order of time, and how many older ones are left out."""

    newest: Sequence[Happening]
    older: int

    @classmethod
    def of(cls, results: Results) -> "History":
        """Tell the events of all sweeps."""
        trials = {(id(trial.facts), trial.entry.trial): trial for trial in results.trials}
        found = [
            (row["time"], trials.get((id(facts), row["trial"])), row)
            for facts in results.sweeps
            for row in facts.events
            if row["kind"] not in _ELSEWHERE
        ]
        found.sort(key=lambda item: item[0])
        seen: set[str] = set()
        newest = []
        for time, trial, row in found[-LIMIT:]:
            first = trial is not None and trial.key not in seen
            seen |= {trial.key} if trial else set()
            when = time.strftime("%Y-%m-%d %H:%M:%S")
            said = detail(row)
            traceback = formatting.printable_lines(str(said.pop("traceback", "")))
            kimg, words = formatting.kimg(row["kimg"]), _words(said)
            newest.append(Happening(when, trial, kimg, row["kind"], words, traceback, first))
        return cls(newest, max(len(found) - LIMIT, 0))

    @property
    def trials(self) -> frozenset[str]:
        """The keys of the trials that events are shown of."""
        return frozenset(event.trial.key for event in self.newest if event.trial)


def _words(said: Mapping[str, Any]) -> str:
    """Say the reason first, then the rest, cut where that is long."""
    rest = {key: item for key, item in said.items() if key not in ("reason", "text") and item is not None}
    parts = [str(said[key]) for key in ("reason", "text") if said.get(key)]
    parts += [f"{key} {_short(item)}" for key, item in rest.items()]
    words = "; ".join(parts)
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def _short(item: object) -> str:
    """Say a value; a mapping as its keys with their values."""
    if isinstance(item, Mapping):
        return ", ".join(f"{key} {_short(value)}" for key, value in item.items())
    return formatting.number(item, 4) if isinstance(item, float) else formatting.value(item)
