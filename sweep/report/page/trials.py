"""The section with the table of all trials, the events, and the files that were left out of the data."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep.report import table
from sweep.report.page.events import History
from sweep.report.pictures import Album
from sweep.report.results import Results
from sweep.report.table import Cell, Column
from sweep.results.translation import warnings_of

FILES = 100
"""Unreadable files that are named, of each sweep: a data set may have tens of thousands."""


@dataclass(frozen=True)
class TableRow:
    """A trial in the table.

    Attributes:
        key: The trial's key in links.
        name: The trial's name.
        cells: In the order of the columns.
        pictured: Whether the page shows pictures of the trial.
        eventful: Whether the page shows events of the trial.
    """

    key: str
    name: str
    cells: Sequence[Cell]
    pictured: bool
    eventful: bool


@dataclass(frozen=True)
class Skipped:
    """Unreadable files that were left out of the data.

    Attributes:
        sweep: The sweep's name; empty where it is the only one.
        count: How many there are.
        files: The names of the first `FILES`.
        more: How many more there are.
    """

    sweep: str
    count: int
    files: Sequence[str]
    more: int

    @classmethod
    def of(cls, files: Sequence[str], sweep: str) -> "Skipped":
        """Name the first of the files that were left out."""
        return cls(sweep, len(files), files[:FILES], len(files[FILES:]))


@dataclass(frozen=True)
class Flawed:
    """A trial that is warned of: the trial's key and name, and a sentence for each flaw."""

    key: str
    name: str
    words: Sequence[str]


@dataclass(frozen=True)
class TrialsSection:
    """The table of all trials.

    Attributes:
        label: The metric's name with what it was measured with.
        ranked: Whether there is a winner.
        wished: Whether anything is wished for beside the metric.
        columns: The columns of the table.
        rows: Every trial, best first.
        flawed: The trials that are warned of.
        history: What happened.
        skipped: For each sweep that left files out, which ones.
    """

    label: str
    ranked: bool
    wished: bool
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    flawed: Sequence[Flawed]
    history: History
    skipped: Sequence[Skipped]

    @classmethod
    def of(cls, results: Results, album: Album) -> "TrialsSection":
        """Lay out the trials of a report."""
        history = History.of(results)
        eventful = history.trials
        return cls(
            label=results.label,
            ranked=results.winner is not None,
            wished=table.wished(results),
            columns=table.columns(results),
            rows=[
                TableRow(trial.key, trial.name, cells, trial.key in album.frames, trial.key in eventful)
                for trial, cells in table.rows(results)
            ],
            flawed=[
                Flawed(trial.key, trial.name, words)
                for trial in results.trials
                if (words := warnings_of(trial.entry.source))
            ],
            history=history,
            skipped=[
                Skipped.of(facts.summary.skipped, facts.sweep.name if results.several else "")
                for facts in results.sweeps
                if facts.summary.skipped
            ],
        )
