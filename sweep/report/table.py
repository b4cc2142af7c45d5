"""The table of all trials: its columns and cells for the page, and ``trials.csv``."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sweep import formatting
from sweep.records.schemas import TRANSLATION
from sweep.records.status import Status
from sweep.report.results import SWEEP, Param, RankedTrial, Results
from sweep.report.translation import TRANSLATED
from sweep.results.leaderboard import Entry, beside
from sweep.results.translation import translation_of, warnings_of


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: The heading.
        about: What the column says, in full; empty where the heading does.
        path: Another name by which it can be filtered: the path of a parameter, or a name on record; may be empty.
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
        Column(results.column(beside(results.metric))),
        *([_BASELINE] if results.translates else []),
        Column("Best at", "kimg at which the generator was that was measured for the result"),
        Column("Trained", "kimg trained so far"),
        *(Column(param.title, param.path, param.path) for param in results.params),
        *(Column(TRANSLATED[name].title, TRANSLATED[name].about, name) for name in _translated(results)),
        *([_WARNINGS] if results.translates else []),
        *([_WISHES] if wished(results) else []),
        Column("Seed", "of the trial's training"),
        Column("Time", "training and measuring"),
    ]


def rows(results: Results) -> list[tuple[RankedTrial, list[Cell]]]:
    """List every trial with its cells, in the order of the columns."""
    spans = {param.path: _span(param, results.trials) for param in results.params}
    measures = _translated(results)
    return [(trial, _cells(results, trial, spans, measures)) for trial in results.trials]


def csv_text(results: Results) -> str:
    """Write ``trials.csv``: a row for each trial, best first, numbers in full."""
    params = [param.path for param in results.params if param.path != SWEEP]
    columns = {**_CSV, **(_CSV_TRANSLATED if results.translates else {})}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([csv_cell(name) for name in (*columns, *params)])
    for trial in results.trials:
        record = [*(get(trial) for get in columns.values()), *(trial.values[path] for path in params)]
        writer.writerow([csv_cell(item) for item in record])
    return stream.getvalue()


def csv_cell(item: object) -> object:
    """Prepare a value for CSV: text that a spreadsheet would take for a formula gets a quote before it."""
    if item is None or isinstance(item, (int, float)):
        return item
    words = item if isinstance(item, str) else json.dumps(item)
    return f"'{words}" if words[:1] in ("=", "+", "-", "@", "\t", "\r") else words


def status_words(trial: RankedTrial) -> str:
    """Say the status with the one thing to know about it."""
    row = trial.entry.row
    if alike := trial.facts.too_alike(trial.entry.trial):
        return f"stopped: {alike.variety:.0%} of the variety"
    if trial.entry.status is Status.STOPPED and row["rung"] is not None:
        return f"stopped at rung {row['rung']}"
    if trial.entry.status.to_the_end and row.get("still_improving"):
        return f"{trial.entry.status}, still improving"
    if trial.entry.status is Status.COLLAPSED and row["verdict"]:
        return f"collapsed: {row['verdict']}"
    return trial.entry.status


def _measured(trial: RankedTrial) -> str | None:
    """Say whether a trial's metric is that of a result, or the best so far; None where there is none."""
    if trial.entry.measured:
        return "result"
    return None if trial.entry.value is None else "so far"


def wished(results: Results) -> bool:
    """Tell whether any sweep has wishes beside its metric."""
    return any(facts.sweep.info.wishes for facts in results.sweeps)


def _wishes(trial: RankedTrial) -> Cell:
    """Say which wishes a trial's result breaks."""
    if not trial.facts.sweep.info.wishes or not trial.entry.measured or trial.entry.status.out_of_play:
        return Cell(formatting.MISSING)
    return Cell("; ".join(trial.entry.broken) or "fulfilled", trial.entry.missed)


def _extractor(trial: RankedTrial) -> str:
    """Name the extractor that a trial was measured with; empty where it was not measured."""
    identity = trial.facts.board.identity
    return identity.extractor if identity else ""


def _number(name: str, trial: RankedTrial) -> float | None:
    """Look up what was measured of a translator alone."""
    return translation_of(trial.entry.source).get(name)


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
    "mmd": lambda trial: trial.entry.mmd,
    "mmd_se": lambda trial: trial.entry.mmd_se,
    "mind": lambda trial: trial.entry.mind,
    "best_kimg": lambda trial: trial.entry.kimg,
    "measured": _measured,
    "n_fake": lambda trial: trial.entry.n_fake,
    "best_seen": lambda trial: trial.entry.seen,
    "kimg": lambda trial: trial.entry.row["kimg"],
    "seconds_train": lambda trial: trial.entry.row["seconds_train"],
    "seconds_eval": lambda trial: trial.entry.row["seconds_eval"],
    "node": lambda trial: trial.entry.row.get("node"),
    "device": lambda trial: trial.entry.row.get("device"),
    "extractor": _extractor,
    "broken": lambda trial: "; ".join(trial.entry.broken) or None,
}
"""The columns of ``trials.csv`` before those of the parameters."""


_CSV_TRANSLATED: Mapping[str, Callable[[RankedTrial], object]] = {
    "baseline_kid": lambda trial: getattr(trial.entry.baseline, "kid", None),
    "baseline_fid": lambda trial: getattr(trial.entry.baseline, "fid", None),
    **{name: partial(_number, name) for name in TRANSLATION},
    "warnings": lambda trial: "; ".join(warnings_of(trial.entry.source)),
}
"""More columns of ``trials.csv``, where photographs are turned into drawings."""
_WISHES = Column(
    "Wishes", "what was wanted of the result beside its metric, and which of it the result breaks"
)
_BASELINE = Column("Baseline", "what photographs score as they are, on as many pictures")
_WARNINGS = Column(
    "Warnings", "flaws of the drawings that KID and FID do not name; below the table with figures"
)


def _translated(results: Results) -> list[str]:
    """List the measures of translators that any trial has a number of, by their names on record."""
    known = {name for trial in results.trials for name in translation_of(trial.entry.source)}
    return [name for name, measure in TRANSLATED.items() if measure.title and name in known]


def _cells(
    results: Results, trial: RankedTrial, spans: Mapping[str, float], measures: Sequence[str]
) -> list[Cell]:
    """Fill the cells of one trial, in the order of the columns."""
    entry, row = trial.entry, trial.entry.row
    other = beside(results.metric)
    best = results.winner.values if results.winner else {}
    params = []
    for param in results.params:
        item = trial.values.get(param.path)
        far = _far(param, item, best.get(param.path), spans[param.path])
        params.append(Cell(formatting.value(item), _key(item), far))
    seconds = (row["seconds_train"] or 0.0) + (row["seconds_eval"] or 0.0)
    status = status_words(trial)
    baseline = getattr(entry.baseline, results.metric, None)
    return [
        Cell(formatting.MISSING if entry.rank is None else str(entry.rank), _key(entry.rank)),
        Cell(str(entry.trial), entry.trial),
        Cell(status, status, badge=entry.status),
        Cell(results.value(entry), _key(entry.value)),
        Cell(results.value(entry, other), _key(entry.measure(other)[0])),
        *([Cell(formatting.number(baseline, 3), _key(baseline))] if results.translates else []),
        Cell(_kimg(entry.kimg), _key(entry.kimg)),
        Cell(_kimg(row["kimg"]), _key(row["kimg"])),
        *params,
        *_cells_translated(entry, measures),
        *([_flaws(entry)] if results.translates else []),
        *([_wishes(trial)] if wished(results) else []),
        Cell(formatting.value(row["seed"]), _key(row["seed"])),
        Cell(formatting.duration(seconds), seconds),
    ]


def _cells_translated(entry: Entry, measures: Sequence[str]) -> list[Cell]:
    """Fill the cells of some measures of translators."""
    values = translation_of(entry.source)
    return [Cell(formatting.number(values.get(name), 3), _key(values.get(name))) for name in measures]


def _flaws(entry: Entry) -> Cell:
    """Name the flaws that a trial is warned of."""
    names = ", ".join(words.partition(":")[0] for words in warnings_of(entry.source))
    return Cell(names, names)


def _kimg(value: float | None) -> str:
    """Say a time to the tenth of a kimg."""
    return formatting.kimg(None if value is None else round(value, 1))


def _key(item: object) -> str | float:
    """Make a value one to sort and to filter by: a number, or the words that are shown; empty for none."""
    if item is None:
        return ""
    return item if isinstance(item, (int, float)) and not isinstance(item, bool) else formatting.value(item)


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
