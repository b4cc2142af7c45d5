"""The plots of a report as plain data, which the page's scripts draw with plotly.js."""

from collections.abc import Sequence
from typing import Any

from sweep.formatting import count, kimg, printable, value
from sweep.report.results import Param, Results, Trial
from sweep.results.leaderboard import METRICS

SERIES = ("kid", "kid_se", "fid", "loss_g", "loss_d", "score_real", "score_fake", "similarity")
SHOWN = 5
"""How many of the best trials are in colour at first."""
# Two values of which one is this many times the other do not fit one picture.
_CROWDED = 4.0


def chart_data(results: Results) -> dict[str, Any]:
    """All trials, best first, with their curves; NaN stands for what was not measured."""
    return {
        "metric": results.metric,
        "label": results.label,
        "panels": panels(results),
        "trials": [_trial(trial, results.params) for trial in results.trials],
        "params": [
            {"path": p.path, "title": p.title, "number": p.number, "log": p.log, "when": p.when}
            for p in results.params
        ],
        "rungs": [{"kimg": rung["kimg"], "label": rung["label"]} for rung in rungs(results)],
        "shown": [trial.key for trial in results.trials[:SHOWN]],
        "worst": _range([trial.entry.value for trial in results.trials]),
    }


def rungs(results: Results) -> list[dict[str, Any]]:
    """The rungs of all sweeps in order of kimg: how many went on, and who."""
    found = []
    for facts in results.sweeps:
        prefix = f"{printable(facts.sweep.name)}, " if results.several else ""
        for rung in facts.summary.rungs:
            rows = [row for rows in facts.rungs.values() for row in rows if row["rung"] == rung.index]
            fate = (
                f"{rung.survived} of {count(rung.reached, 'trial')} went on"
                if rung.reached
                else "not reached yet"
            )
            found.append(
                {
                    "kimg": rung.kimg,
                    "label": f"{prefix}{kimg(rung.kimg)} kimg: {fate}",
                    "went_on": [row["trial"] for row in rows if not row["stopped"]],
                    "stopped": [row["trial"] for row in rows if row["stopped"]],
                }
            )
    return sorted(found, key=lambda rung: rung["kimg"])


def panels(results: Results) -> list[dict[str, Any]]:
    """What there are curves of, the metric first: key, title, and an axis where a few values need another."""
    identity, metric = results.identity, results.metric
    other = "fid" if metric == "kid" else "kid"
    counts = {n for trial in results.trials for row in trial.metrics if (n := row["n_fake"])}
    names = {
        name: f"{METRICS[name]} ({identity.extractor}, n={_span(counts)})" if identity else METRICS[name]
        for name in METRICS
    }
    titles = {
        metric: names[metric],
        other: names[other],
        "loss_g": "Generator loss",
        "loss_d": "Discriminator loss",
        "score_real": "Discriminator score on real pictures",
        "score_fake": "Discriminator score on generated pictures",
        "similarity": "Similarity of the generated pictures",
    }
    rows = [row for trial in results.trials for row in trial.metrics]
    return [
        {"key": key, "title": title, "range": _range([row[key] for row in rows])}
        for key, title in titles.items()
        if any(row[key] is not None for row in rows)
    ]


def _trial(trial: Trial, params: Sequence[Param]) -> dict[str, Any]:
    entry, rows = trial.entry, trial.metrics
    about = [f"{path} {value(item)}" for path, item in trial.values.items() if item is not None]
    return {
        "key": trial.key,
        "name": trial.name,
        "rank": entry.rank,
        "healthy": trial.healthy,
        "status": entry.status,
        "best": _short(entry.value),
        "result": [_short(entry.kimg), _short(entry.value), entry.n_fake] if entry.measured else None,
        "n_fake": [row["n_fake"] for row in rows],
        "about": about,
        "values": [_place(param, trial.values.get(param.path)) for param in params],
        "collapse": _collapse(trial),
        "rungs": [
            [row["rung_kimg"], _short(row["value"]), _short(row["cutoff"]), bool(row["stopped"])]
            for row in trial.facts.rungs.get(entry.trial, ())
            if row["value"] is not None
        ],
        "kimg": [_short(row["kimg"]) for row in rows],
        **{key: [_short(row[key]) for row in rows] for key in SERIES},
    }


def _span(counts: set[int]) -> str:
    """``512``, or ``128 to 512`` where evaluations climb a ladder."""
    return " to ".join(str(count) for count in sorted({min(counts), max(counts)})) if counts else "?"


def _place(param: Param, item: object) -> object:
    """Where a value stands on its parameter's axis: a number, the name of a choice, or nowhere."""
    return item if param.number or item is None else value(item)


def _collapse(trial: Trial) -> dict[str, Any] | None:
    said = trial.facts.collapses.get(trial.entry.trial)
    if said is None:
        return None
    return {"kimg": said["kimg"], "verdict": trial.entry.row["verdict"] or "collapsed"}


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
