"""What happened during a sweep, for people: its events in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweep import formatting
from sweep.report.results import Results, Trial
from sweep.results.summary import detail

LIMIT = 1000
"""Events shown at most, the newest."""
_LONGEST = 400
_ELSEWHERE = ("skipped_file",)  # has a list of its own


@dataclass(frozen=True)
class Happening:
    """One event; ``first`` of its trial's, so that links have a place to go."""

    time: str
    trial: Trial | None
    kimg: str
    kind: str
    words: str
    first: bool


def events(results: Results) -> tuple[list[Happening], int]:
    """The newest events in order of time, and how many older ones are left out."""
    trials = {(id(trial.facts), trial.entry.trial): trial for trial in results.trials}
    found = [
        (row["time"], trials.get((id(facts), row["trial"])), row)
        for facts in results.sweeps
        for row in facts.events
        if row["kind"] not in _ELSEWHERE
    ]
    found.sort(key=lambda item: item[0])
    seen: set[str] = set()
    happenings = []
    for time, trial, row in found[-LIMIT:]:
        first = trial is not None and trial.key not in seen
        seen |= {trial.key} if trial else set()
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        happenings.append(
            Happening(when, trial, formatting.kimg(row["kimg"]), row["kind"], _words(detail(row)), first)
        )
    return happenings, max(len(found) - LIMIT, 0)


def _words(said: Mapping[str, Any]) -> str:
    """The reason first, then the rest; long ones are cut."""
    rest = {key: item for key, item in said.items() if key not in ("reason", "text") and item is not None}
    parts = [str(said[key]) for key in ("reason", "text") if said.get(key)]
    parts += [f"{key} {_short(item)}" for key, item in rest.items()]
    words = "; ".join(parts)
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def _short(item: object) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{key} {_short(value)}" for key, value in item.items())
    return formatting.number(item, 4) if isinstance(item, float) else formatting.value(item)
