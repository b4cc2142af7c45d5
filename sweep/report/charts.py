"""The learning curves of a sweep as plain data, which the page's script draws with plotly.js."""

from collections.abc import Sequence
from typing import Any

from sweep.rank import METRICS, Entry
from sweep.report.facts import Facts, Row
from sweep.text import count, kimg, value

SERIES = ("kid", "kid_se", "fid", "loss_g", "loss_d", "score_real", "score_fake", "similarity")
SHOWN = 5
"""How many of the best trials are in colour at first."""
# Two values of which one is this many times the other do not fit one picture.
_CROWDED = 4.0


def chart_data(facts: Facts) -> dict[str, Any]:
    """Curves of all trials, best first, with rungs and collapses; NaN stands for what was not measured."""
    board = facts.board
    return {
        "metric": board.metric,
        "panels": _panels(facts),
        "trials": [_curves(entry, facts.metrics.get(entry.trial, ())) for entry in board.entries],
        "rungs": [
            {"kimg": rung.kimg, "label": f"{kimg(rung.kimg)} kimg: {_fate(rung.reached, rung.survived)}"}
            for rung in facts.summary.rungs
        ],
        "collapses": [
            {"trial": trial, "kimg": said["kimg"], "verdict": _verdict(facts, trial)}
            for trial, said in facts.collapses.items()
        ],
        "shown": [entry.trial for entry in board.entries[:SHOWN]],
    }


def _panels(facts: Facts) -> list[dict[str, Any]]:
    identity, metric = facts.board.identity, facts.board.metric
    other = "fid" if metric == "kid" else "kid"
    names = {name: identity.label(name) if identity else METRICS[name] for name in METRICS}
    titles = {
        metric: names[metric],
        other: names[other],
        "loss_g": "Generator loss",
        "loss_d": "Discriminator loss",
        "score_real": "Discriminator score on real pictures",
        "score_fake": "Discriminator score on generated pictures",
        "similarity": "Similarity of the generated pictures",
    }
    rows = [row for rows in facts.metrics.values() for row in rows]
    panels = [
        {"key": key, "title": title, "range": _range([row[key] for row in rows])}
        for key, title in titles.items()
        if any(row[key] is not None for row in rows)
    ]
    return panels


def _curves(entry: Entry, rows: Sequence[Row]) -> dict[str, Any]:
    params = [f"{path} {value(item)}" for path, item in entry.params.items() if item is not None]
    return {
        "trial": entry.trial,
        "status": entry.status,
        "about": params,
        "kimg": [_short(row["kimg"]) for row in rows],
        **{key: [_short(row[key]) for row in rows] for key in SERIES},
    }


def _short(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.5g}")


def _range(values: Sequence[float | None]) -> list[float] | None:
    """An axis for most of the values, where a few (of a run that blew up) would flatten all others."""
    finite = sorted(v for v in values if v is not None and abs(v) < float("inf"))
    if len(finite) < 8:
        return None
    low, usual, high = finite[0], finite[int(0.9 * (len(finite) - 1))], finite[-1]
    if high - low <= _CROWDED * (usual - low) or usual == low:
        return None
    margin = 0.06 * (usual - low)
    return [low - margin, usual + 4 * margin]


def _fate(reached: int, survived: int) -> str:
    return f"{survived} of {count(reached, 'trial')} went on" if reached else "not reached yet"


def _verdict(facts: Facts, trial: int) -> str:
    return next((row["verdict"] or "collapsed" for row in facts.trials if row["trial"] == trial), "collapsed")
