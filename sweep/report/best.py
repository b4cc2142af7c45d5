"""The best trials as rows of words, for tables on paper: to paste, and on the printed page."""

import re
from collections.abc import Sequence

from ganlib.names import METRICS
from sweep import formatting
from sweep.report.results import RankedTrial, Results
from sweep.results.leaderboard import beside

MOST = 10
"""Trials in a table: as many as a page of a thesis bears."""
NAMED = 4
"""Sweeps that are named where there is little room."""
LONGEST = 60
"""Signs of a name or a value where there is little room."""


def best_rows(results: Results) -> list[list[str]]:
    """List the cells of the table, the head first: rank, trial, both metrics, kimg, then each parameter's value."""
    other = beside(results.metric)
    extractor = results.identity.extractor if results.identity else ""
    head = ["rank", "trial", results.called, METRICS[other].name(extractor), "kimg"]
    return [
        [*head, *(param.title for param in results.params)],
        *(_row(results, trial, other) for trial in results.ranked[:MOST]),
    ]


def caption(results: Results, names: str | None = None) -> str:
    """Say in a sentence what the numbers are of, and what they were measured with.

    Args:
        results: The trials.
        names: What the sweeps are called there; by default as `named` says.
    """
    shown = min(MOST, len(results.ranked))
    whole = formatting.count(len(results.trials), "trial")
    which = f"The best {shown} of {whole}" if shown < len(results.trials) else whole
    pictures = " and ".join(dict.fromkeys(f"{facts.sweep.info.images:,}" for facts in results.sweeps[:NAMED]))
    of = f" on {pictures} pictures" if pictures else ""
    return f"{which} of {names or named(results)}{of}: {results.label}, smaller is better; one seed each."


def named(results: Results, longest: int | None = None) -> str:
    """Name the sweeps where there is little room: `NAMED` of them, and how many more there are.

    Args:
        results: The sweeps.
        longest: Signs of a name; None for whole names.
    """
    names = [facts.sweep.name for facts in results.sweeps]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(clipped(name, longest or len(name)) for name in names[:NAMED]) + more


def clipped(text: str, most: int = LONGEST) -> str:
    """Cut the middle out of a text that is too long for its place: names often differ at their ends."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 3
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def numeric(column: Sequence[str]) -> bool:
    """Tell whether a column holds numbers, which stand on the right."""
    return all(not cell or cell == formatting.MISSING or re.match(r"-?[\d.]", cell) for cell in column)


def _row(results: Results, trial: RankedTrial, other: str) -> list[str]:
    entry = trial.entry
    shown = [str(entry.rank), str(entry.trial), results.value(entry), results.value(entry, other)]
    values = (trial.values.get(param.path) for param in results.params)
    return [
        *shown,
        formatting.kimg(None if entry.kimg is None else round(entry.kimg, 1)),
        *map(formatting.value, values),
    ]
