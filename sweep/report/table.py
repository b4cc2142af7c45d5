"""The table of all trials: its columns and cells for the page, and ``trials.csv``."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweep import formatting
from sweep.records.status import Status
from sweep.report.results import SWEEP, Param, RankedTrial, Results
from sweep.results.leaderboard import METRICS


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: The heading.
        about: What the column says, in full; empty where the heading does.
        path: The path of the parameter that it shows; empty if it shows none.
    """

    title: str
    about: str = ""
    path: str = ""


@dataclass(frozen=True)
class Cell:
    """A table cell.

    Attributes:
        shown: The words.
        key: What the cell is sorted by; an empty one stands last.
        far: How far the value is from the best trial's, from 0 to 1.
        badge: The status whose colour the words have; empty if none.
    """

    shown: str
    key: str | float = ""
    far: float = 0.0
    badge: str = ""


def columns(results: Results) -> list[Column]:
    """List the columns of the table."""
    return [
        Column("Rank"),
        Column("Trial"),
        Column("Status"),
        Column(results.column(results.metric)),
        Column(results.column(_other(results.metric))),
        Column("Best at", "kimg at which the generator was that was measured for the result"),
        Column("Trained", "kimg trained so far"),
        *(Column(param.title, param.path, param.path) for param in results.params),
        Column("Seed", "of the trial's training"),
        Column("Time", "training and measuring"),
    ]


def rows(results: Results) -> list[tuple[RankedTrial, list[Cell]]]:
    """List every trial with its cells, in the order of the columns."""
    spans = {param.path: _span(param, results.trials) for param in results.params}
    return [(trial, _cells(results, trial, spans)) for trial in results.trials]


def csv_text(results: Results) -> str:
    """Write ``trials.csv``: a row for each trial, best first, numbers in full."""
    params = [param.path for param in results.params if param.path != SWEEP]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([csv_cell(name) for name in (*_CSV, *params)])
    for trial in results.trials:
        record = [*(get(trial) for get in _CSV.values()), *(trial.values[path] for path in params)]
        writer.writerow([csv_cell(item) for item in record])
    return stream.getvalue()


def csv_cell(item: object) -> object:
    """Prepare a value for CSV: text that a spreadsheet would take for a formula gets a quote before it."""
    if item is None or isinstance(item, (int, float)):
        return item
    words = item if isinstance(item, str) else formatting.value(item)
    return f"'{words}" if words[:1] in ("=", "+", "-", "@", "\t", "\r") else words


def status_words(trial: RankedTrial) -> str:
    """Say the status with the one thing to know about it."""
    row = trial.entry.row
    if trial.entry.status is Status.STOPPED and row["rung"] is not None:
        return f"stopped at rung {row['rung']}"
    if trial.entry.status is Status.FINISHED and row.get("still_improving"):
        return "finished, still improving"
    if trial.entry.status is Status.COLLAPSED and row["verdict"]:
        return f"collapsed: {row['verdict']}"
    return trial.entry.status


def _measured(trial: RankedTrial) -> str | None:
    """Say whether a trial's metric is that of a result, or the best so far; None where there is none."""
    if trial.entry.measured:
        return "result"
    return None if trial.entry.value is None else "so far"


def _extractor(trial: RankedTrial) -> str:
    """Name the extractor that a trial was measured with; empty where it was not measured."""
    identity = trial.facts.board.identity
    return identity.extractor if identity else ""


_CSV: Mapping[str, Callable[[RankedTrial], object]] = {
    "sweep": lambda trial: trial.facts.sweep.name,
    "trial": lambda trial: trial.entry.trial,
    "rank": lambda trial: trial.entry.rank,
    "status": lambda trial: trial.entry.status,
    "rung": lambda trial: trial.entry.row["rung"],
    "verdict": lambda trial: trial.entry.row["verdict"],
    "seed": lambda trial: trial.entry.row["seed"],
    "kid": lambda trial: trial.entry.kid,
    "kid_se": lambda trial: trial.entry.kid_se,
    "fid": lambda trial: trial.entry.fid,
    "best_kimg": lambda trial: trial.entry.kimg,
    "measured": _measured,
    "n_fake": lambda trial: trial.entry.n_fake,
    "best_seen": lambda trial: trial.entry.seen,
    "kimg": lambda trial: trial.entry.row["kimg"],
    "seconds_train": lambda trial: trial.entry.row["seconds_train"],
    "seconds_eval": lambda trial: trial.entry.row["seconds_eval"],
    "extractor": _extractor,
}
"""The columns of ``trials.csv`` before those of the parameters."""


def _cells(results: Results, trial: RankedTrial, spans: Mapping[str, float]) -> list[Cell]:
    """Fill the cells of one trial, in the order of the columns."""
    entry, row = trial.entry, trial.entry.row
    other = _other(results.metric)
    best = results.winner.values if results.winner else {}
    params = []
    for param in results.params:
        item = trial.values.get(param.path)
        far = _far(param, item, best.get(param.path), spans[param.path])
        params.append(Cell(formatting.value(item), _key(item), far))
    seconds = (row["seconds_train"] or 0.0) + (row["seconds_eval"] or 0.0)
    status = status_words(trial)
    return [
        Cell(formatting.MISSING if entry.rank is None else str(entry.rank), _key(entry.rank)),
        Cell(str(entry.trial), entry.trial),
        Cell(status, status, badge=entry.status),
        Cell(results.value(entry), _key(entry.value)),
        Cell(results.value(entry, other), _key(entry.fid if other == "fid" else entry.kid)),
        Cell(_kimg(entry.kimg), _key(entry.kimg)),
        Cell(_kimg(row["kimg"]), _key(row["kimg"])),
        *params,
        Cell(formatting.value(row["seed"]), _key(row["seed"])),
        Cell(formatting.duration(seconds), seconds),
    ]


def _other(metric: str) -> str:
    """Name the metric that does not rank."""
    return next(name for name in METRICS if name != metric)


def _kimg(value: float | None) -> str:
    """Say a time to the tenth of a kimg."""
    return formatting.kimg(None if value is None else round(value, 1))


def _key(item: object) -> str | float:
    """Make a value one to sort by: a number, or text; empty for none."""
    if item is None:
        return ""
    return item if isinstance(item, (int, float)) else str(item)


def _span(param: Param, trials: Sequence[RankedTrial]) -> float:
    """Measure how far apart the values of a parameter are, on its axis; 0 for choices."""
    if not param.number:
        return 0.0
    places = [_place(param, v) for trial in trials if (v := trial.values.get(param.path)) is not None]
    return max(places, default=0.0) - min(places, default=0.0)


def _place(param: Param, item: float) -> float:
    """Say where a number stands on its parameter's axis."""
    return math.log(item) if param.log else float(item)


def _far(param: Param, item: Any, best: Any, span: float) -> float:  # noqa: ANN401 - values of a configuration
    """Measure how far a value is from the best trial's: 1 for another choice, or the other end of the axis."""
    if item is None or best is None:
        return 0.0
    if not param.number:
        return float(formatting.value(item) != formatting.value(best))
    return round(abs(_place(param, item) - _place(param, best)) / span, 2) if span > 0 else 0.0
