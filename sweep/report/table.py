"""The table of all trials: its columns, its cells, and the same as CSV."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweep import formatting
from sweep.report.results import Param, Results, Trial
from sweep.results.leaderboard import METRICS


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it says in full, and the parameter that it shows, if it does."""

    title: str
    about: str = ""
    param: Param | None = None


@dataclass(frozen=True)
class Cell:
    """A table cell.

    Attributes:
        shown: The words.
        key: What it is sorted by; nothing sorts last.
        far: How far the value is from the best trial's, from 0 to 1.
    """

    shown: str
    key: str | float = ""
    far: float = 0.0


def columns(results: Results) -> list[Column]:
    """The columns of the table."""
    other = _other(results.metric)
    metrics = [Column(results.column(metric)) for metric in (results.metric, other)]
    head = [Column("Rank"), Column("Trial"), Column("Status"), *metrics]
    head += [
        Column("Best at", "kimg at which the generator was that was measured for the result"),
        Column("Trained", "kimg trained so far"),
    ]
    params = [Column(param.title, param.path, param) for param in results.params]
    return [
        *head,
        *params,
        Column("Seed", "of the trial's training"),
        Column("Time", "training and measuring"),
    ]


def rows(results: Results) -> list[tuple[Trial, list[Cell]]]:
    """Every trial with its cells, in the order of the columns."""
    spans = {param.path: _span(param, results.trials) for param in results.params}
    return [(trial, _cells(results, trial, spans)) for trial in results.trials]


def csv_text(results: Results) -> str:
    """``trials.csv``: a row a trial, best first, numbers in full."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    params = [param.path for param in results.params if param.path != "sweep"]
    numbers = ["kimg", "seconds_train", "seconds_eval"]
    head = [
        "sweep",
        "trial",
        "rank",
        "status",
        "rung",
        "verdict",
        "seed",
        "kid",
        "kid_se",
        "fid",
        "best_kimg",
        "measured",
        "n_fake",
        "best_seen",
    ]
    writer.writerow([_plain(name) for name in [*head, *numbers, "extractor", *params]])
    for trial in results.trials:
        entry, row = trial.entry, trial.entry.row
        identity = trial.facts.board.identity
        record = [trial.facts.sweep.name, entry.trial, entry.rank, entry.status, row["rung"], row["verdict"]]
        record += [
            row["seed"],
            entry.kid,
            entry.kid_se,
            entry.fid,
            entry.kimg,
            "result" if entry.measured else "so far" if entry.value is not None else None,
            entry.n_fake,
            entry.seen,
            *(row[name] for name in numbers),
        ]
        record += [identity.extractor] if identity else [""]
        writer.writerow([_plain(item) for item in [*record, *(trial.values[path] for path in params)]])
    return stream.getvalue()


def _plain(item: object) -> object:
    """A value for CSV. Text that a spreadsheet would take for a formula gets a quote before it."""
    if item is None or isinstance(item, (int, float)):
        return item
    words = item if isinstance(item, str) else formatting.value(item)
    return f"'{words}" if words[:1] in ("=", "+", "-", "@", "\t", "\r") else words


def status_words(trial: Trial) -> str:
    """The status with the one thing to know about it."""
    row = trial.entry.row
    if trial.entry.status == "stopped" and row["rung"] is not None:
        return f"stopped at rung {row['rung']}"
    if trial.entry.status == "finished" and row.get("still_improving"):
        return "finished, still improving"
    if trial.entry.status == "collapsed" and row["verdict"]:
        return f"collapsed: {row['verdict']}"
    return trial.entry.status


def _cells(results: Results, trial: Trial, spans: Mapping[str, float]) -> list[Cell]:
    entry, row = trial.entry, trial.entry.row
    other = _other(results.metric)
    other_value = entry.fid if other == "fid" else entry.kid
    other_shown = (
        formatting.number(entry.fid) if other == "fid" else formatting.with_error(entry.kid, entry.kid_se)
    )
    seconds = (row["seconds_train"] or 0.0) + (row["seconds_eval"] or 0.0)
    cells = [
        Cell(formatting.MISSING if entry.rank is None else str(entry.rank), _key(entry.rank)),
        Cell(str(entry.trial), entry.trial),
        Cell(status_words(trial), status_words(trial)),
        Cell(results.value(entry), _key(entry.value)),
        Cell(other_shown, _key(other_value)),
        Cell(_kimg(entry.kimg), _key(entry.kimg)),
        Cell(_kimg(row["kimg"]), _key(row["kimg"])),
    ]
    best = results.winner.values if results.winner else {}
    for param in results.params:
        item = trial.values.get(param.path)
        far = _far(param, item, best.get(param.path), spans[param.path]) if results.winner else 0.0
        cells.append(Cell(formatting.value(item), _key(item), far))
    seed = row["seed"]
    return [*cells, Cell(formatting.value(seed), _key(seed)), Cell(formatting.duration(seconds), seconds)]


def _other(metric: str) -> str:
    return next(name for name in METRICS if name != metric)


def _kimg(value: float | None) -> str:
    return formatting.kimg(None if value is None else round(value, 1))


def _key(item: object) -> str | float:
    if item is None:
        return ""
    return item if isinstance(item, (int, float)) else str(item)


def _span(param: Param, trials: Sequence[Trial]) -> float:
    if not param.number:
        return 0.0
    places = [_place(param, v) for trial in trials if (v := trial.values.get(param.path)) is not None]
    return max(places, default=0.0) - min(places, default=0.0)


def _place(param: Param, item: float) -> float:
    return math.log(item) if param.log else float(item)


def _far(param: Param, item: Any, best: Any, span: float) -> float:  # noqa: ANN401 - values of a configuration
    """0 for the best trial's value, 1 for another choice or the other end of the axis."""
    if item is None or best is None:
        return 0.0
    if not param.number:
        return float(formatting.value(item) != formatting.value(best))
    return round(abs(_place(param, item) - _place(param, best)) / span, 2) if span > 0 else 0.0
