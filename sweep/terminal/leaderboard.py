"""Show a leaderboard to people and to programs, as `sweep best` does."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import click

from sweep import formatting
from sweep.formatting import printable
from sweep.records.catalog import Sweep
from sweep.records.status import Status
from sweep.results import choice
from sweep.results.confirming import confirmation
from sweep.results.confirming.confirmation import Confirmation, read_confirmation
from sweep.results.continued import Continued, as_dicts, read_continued, sentences
from sweep.results.judging import eye
from sweep.results.judging.eye import Eye, eyes
from sweep.results.leaderboard import Entry, Leaderboard, beside, had
from sweep.results.ranking import grouped
from sweep.results.translation import translation_of, warnings_of
from sweep.storage.called import called
from sweep.terminal import tables

GROUPS = {"family": "model.family", "variant": "model.variant", "loss": "train.loss"}
NAMED = 12
"""Trials of one reason that are named; --json names all."""


@dataclass(frozen=True)
class Best:
    """The best of a sweep.

    Attributes:
        sweep: Its name.
        board: Its leaderboard.
        found: What ``sweep confirm`` has found; None without one.
        by: What the trials are grouped by, a key of `GROUPS`; None for not at all.
        groups: The trials of each value of it, best first; all are one group where ``by`` is None.
        count: How many of each group are shown.
        longer: Trials that were trained on (``sweep continue``).
        continued: Sentences on these.
        eyes: What people judged of their pictures, each for themselves.
        words: By which a command finds the sweep.
        winner: The trial whose configuration wins.
        wins: A sentence on it where that is not the first trial's.
    """

    sweep: str
    board: "Leaderboard"
    found: "Confirmation | None"
    by: str | None
    groups: "dict[str, list[Entry]]"
    count: int
    longer: "Sequence[Continued]" = ()
    continued: Sequence[str] = ()
    eyes: Sequence[Eye] = ()
    words: str = ""
    winner: int | None = None
    wins: str = ""

    @classmethod
    def of(cls, sweep: "Sweep", board: "Leaderboard", by: str | None, top: int | None) -> "Best":
        """Choose the ``top`` best, in all or of each family, variant or loss; by default 10, or one of each."""
        groups = {"": board.entries}
        if by is not None:
            groups = grouped(board, GROUPS[by], _unsearched(sweep, GROUPS[by]))
        longer, count = read_continued(sweep), top or (1 if by else 10)
        told = sentences(sweep, longer)
        found, seen = read_confirmation(sweep), eyes(sweep, board)
        won = choice.winner(sweep, board, found)
        wins = choice.told_winner(board, found, won)
        return cls(
            sweep.name, board, found, by, groups, count, longer, told, seen, called(sweep.folder), won, wins
        )

    def show(self) -> None:
        """Print a table, and a line for everything that a reader should know beside it."""
        board = self.board
        click.echo(
            formatting.printable(
                f"{self.sweep}: {board.label}, smaller is better; {_what(board)}; one seed each"
            )
        )
        if board.wishes:
            click.echo(f"subject to {', '.join(board.wishes)}")
        if board.ranked:
            self._show_table()
        else:
            click.echo(board.nearest or "no trial can be ranked yet")
        if self.by:
            for group, entries in self.groups.items():
                if not _ranked(entries):
                    click.echo(
                        formatting.printable(f"{self.by} {group}: no trial can be ranked{self._has(entries)}")
                    )
        elif len(board.ranked) > self.count:
            click.echo(f"and {len(board.ranked) - self.count} more (--top {len(board.ranked)})")
        self._show_confirmation()
        for line in [f"by eye: {line}" for one in self.eyes for line in eye.sentences(one)]:
            click.echo(formatting.printable(line))
        for line in self.continued:
            click.echo(formatting.printable(line))
        if growing := [entry for entry in board.ranked if entry.row.get("still_improving")]:
            timed = any(entry.status is Status.EXPIRED for entry in growing)
            when, how = ("time was over", "--time 30m") if timed else ("budget was spent", "--kimg KIMG")
            numbers = formatting.trial_numbers([entry.trial for entry in growing], NAMED)
            click.echo(
                f"still improving when the {when}: {numbers} ('sweep extend {self.words} {how}' goes on)"
            )
        for suspicion in board.suspicions:
            click.echo(f"suspicious: {suspicion}")
        for warning in board.warnings:
            click.echo(f"warning: {warning}")
        for entry in board.infeasible[: self.count]:
            click.echo(f"breaks a wish: trial {entry.trial}: {entry.reason}")
        if (more := len(board.infeasible) - self.count) > 0:
            click.echo(f"and {formatting.count(more, 'trial')} more that break a wish (--json)")
        for reason, trials in _left_out(board).items():
            click.echo(f"left out: {reason} ({formatting.trial_numbers(trials, NAMED)})")

    def _show_table(self) -> None:

        board, by, other = self.board, self.by, beside(self.board.metric)
        translated = any(entry.baseline for entry in board.entries)
        rows = [(group, entry) for group, entries in self.groups.items() for entry in self._shown(entries)]
        names = [path for path in rows[0][1].params if any(e.params.get(path) is not None for _, e in rows)]
        names = [path for path in names if by is None or path != GROUPS[by]]
        columns = [
            *([tables.Column(by)] if by else []),
            tables.Column("rank", right=True),
            tables.Column("trial", right=True),
            tables.Column("status"),
            tables.Column(board.column(board.metric), right=True),
            tables.Column("floor", right=True, droppable=True),
            *([tables.Column("baseline", right=True)] if translated else []),
            tables.Column(board.column(other), right=True, droppable=True),
            *([tables.Column("pictures", right=True)] if board.provisional else []),
            tables.Column("at kimg", right=True),
            *(tables.Column(short, right=True, droppable=True) for short in formatting.short_names(names)),
        ]
        tables.show(
            columns, [[*([g] if by else []), *_cells(e, board, other, names, translated)] for g, e in rows]
        )

    def _has(self, entries: "list[Entry]") -> str:
        """Say what the best trial of a group has where no trial of the group is ranked."""
        best = next((e for e in entries if e.value is not None and not e.status.out_of_play), None)
        if best is None:
            return ""
        return f"; the best has {had(best, self.board.metric)} (trial {best.trial})"

    def _show_confirmation(self) -> None:

        if self.found is None:
            return
        board = self.board
        for repeats in self.found.repeats:
            coming = f" ({formatting.count(repeats.pending, 'run')} to come)" if repeats.pending else ""
            label = confirmation.label(self.found, repeats.trial, board.metric)
            click.echo(f"confirmed: trial {repeats.trial}: {label}{coming}")
        for told in (confirmation.told_apart(self.found), self.wins, self.found.told_uncounted):
            if told:
                click.echo(f"confirmed: {told}")

    def as_dict(self) -> dict[str, Any]:
        """Give the leaderboard as plain values, with all that is left out of it."""
        board = self.board
        told: dict[str, Any] = {
            "sweep": self.sweep,
            "metric": board.metric,
            "label": board.label,
            "provisional": board.provisional,
            "wishes": list(board.wishes),
            "nearest": board.nearest or None,
            "identity": asdict(board.identity) if board.identity else None,
            "seeds": 1,
            "trials": len(board.entries),
        }
        if self.by:
            told |= {"by": self.by, "groups": {group: self._dicts(es) for group, es in self.groups.items()}}
        else:
            told["ranked"] = self._dicts(self.groups[""])
        told["left_out"] = [{**self._plain(entry), "reason": entry.reason} for entry in board.left_out]
        told["continued"] = as_dicts(self.longer)
        told["eyes"] = [eye.as_dict(one) for one in self.eyes]
        again = confirmation.as_dict(self.found, board) | {"winner": self.winner} if self.found else None
        told["confirmation"] = again
        return told

    def _shown(self, entries: "list[Entry]") -> "list[Entry]":
        return _ranked(entries)[: self.count]

    def _dicts(self, entries: "list[Entry]") -> list[dict[str, Any]]:
        return [{"rank": entry.rank, **self._plain(entry)} for entry in self._shown(entries)]

    def _plain(self, entry: "Entry") -> dict[str, Any]:

        hidden = ("row", "source", "reason", "rank", "floor", "baseline")
        kept = {key: value for key, value in vars(entry).items() if key not in hidden}
        kept["floor"] = getattr(entry.floor, self.board.metric, None)
        if entry.baseline:
            kept |= {"baseline": getattr(entry.baseline, self.board.metric), **translation_of(entry.source)}
            kept["warnings"] = warnings_of(entry.source)
        sure = confirmation.label(self.found, entry.trial, self.board.metric)
        return kept | {"verdict": entry.row["verdict"], "params": entry.params, "confidence": sure}


def _ranked(entries: "list[Entry]") -> "list[Entry]":
    return [entry for entry in entries if entry.rank is not None]


def _unsearched(sweep: "Sweep", path: str) -> object:
    """Look up a key's value where it is not searched: as the spec has it, or its default under a condition."""
    section, _, key = path.partition(".")
    value = (sweep.spec().get(section) or {}).get(key)
    if not isinstance(value, dict) or "type" not in value:
        return value
    from ganlib.config import ModelConfig, Section, TrainConfig

    sections: dict[str, type[Section]] = {"model": ModelConfig, "train": TrainConfig}
    return sections[section].model_fields[key].default


def _what(board: "Leaderboard") -> str:
    """Say what is ranked."""
    if board.provisional:
        return "no trial has a result yet, so by the best so far of each"
    return "each trial's best generator, measured once more when the trial had ended"


def _cells(entry: "Entry", board: "Leaderboard", other: str, names: list[str], translated: bool) -> list[str]:

    metric = board.metric

    value, second = (formatting.with_error(*entry.measure(name)) for name in (metric, other))
    floor = formatting.number(getattr(entry.floor, metric, None))
    baseline = [formatting.number(getattr(entry.baseline, metric, None))] if translated else []
    head = [str(entry.rank), str(entry.trial), entry.status, value, floor, *baseline, second]
    if board.provisional:
        head.append(formatting.value(entry.n_fake))
    return [*head, formatting.kimg(entry.kimg), *(formatting.value(entry.params.get(path)) for path in names)]


def _left_out(board: "Leaderboard") -> dict[str, list[int]]:

    reasons: dict[str, list[int]] = {}
    for entry in board.left_out:
        if entry.broken:
            continue
        reasons.setdefault(printable(entry.reason or ""), []).append(entry.trial)
    return reasons
