"""The plots of a report as plain data: of curves, rungs and parameters, best trials first."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ganlib.names import METRICS
from sweep.formatting import count, kimg, printable, value
from sweep.report.results import Param, RankedTrial, Results
from sweep.report.translation import TRANSLATED
from sweep.results.leaderboard import beside

SHOWN = 5
"""How many of the best trials are in colour at first."""
CROWDED = 4.0
"""Values of which a few are this many times as far from the lowest as most of them do not fit one picture."""


@dataclass(frozen=True)
class Panel:
    """One picture of learning curves.

    Attributes:
        key: Which of the values of `sweep.report.facts.Evaluation` is drawn.
        title: What that is, for people; KID and FID with what they were measured with.
        range: The axis, where a few values would flatten all others; None where all values fit.
    """

    key: str
    title: str
    range: tuple[float, float] | None


@dataclass(frozen=True)
class RungMark:
    """A rung at which trials were compared.

    Attributes:
        kimg: When.
        label: How many trials reached the rung and went on, in words.
        went_on: Numbers of the trials that went on.
        stopped: Numbers of the trials that were stopped there.
    """

    kimg: float
    label: str
    went_on: Sequence[int]
    stopped: Sequence[int]


def chart_data(results: Results) -> dict[str, Any]:
    """Gather all that the page's plots show, as values for JSON; None stands for what was not measured."""
    ranked = {trial.key for trial in results.ranked}
    drawn = panels(results)
    errors = {name: metric.error for name, metric in METRICS.items()}
    keys = [panel.key for panel in drawn]
    names = [*keys, *filter(None, map(errors.get, keys))]
    return {
        "metric": results.metric,
        "called": results.called,
        "label": results.label,
        "errors": errors,
        "panels": [asdict(panel) for panel in drawn],
        "trials": [_trial(trial, results.params, trial.key in ranked, names) for trial in results.trials],
        "params": [asdict(param) for param in results.params],
        "rungs": [{"kimg": rung.kimg, "label": rung.label} for rung in rungs(results)],
        "shown": [trial.key for trial in results.trials[:SHOWN]],
        "unranked": results.unlike or "No trial can be ranked yet.",
        "worst": axis_range(trial.entry.value for trial in results.trials),
    }


def rungs(results: Results) -> list[RungMark]:
    """List the rungs of all sweeps in order of kimg."""
    found = []
    for facts in results.sweeps:
        prefix = f"{printable(facts.sweep.name)}, " if results.several else ""
        for rung in facts.summary.rungs:
            fate = "not reached yet"
            if rung.reached or rung.alike:
                fate = f"{rung.survived} of {count(rung.reached, 'trial')} went on"
            stopped = {
                trial: decision.stopped
                for trial, decisions in facts.decisions.items()
                for decision in decisions
                if decision.rung == rung.index
            }
            found.append(
                RungMark(
                    kimg=rung.kimg,
                    label=f"{prefix}{kimg(rung.kimg)} kimg: {fate}",
                    went_on=[trial for trial, was_stopped in stopped.items() if not was_stopped],
                    stopped=[trial for trial, was_stopped in stopped.items() if was_stopped],
                )
            )
    return sorted(found, key=lambda rung: rung.kimg)


def panels(results: Results) -> list[Panel]:
    """List what there are curves of: the metric first, then whatever has been measured."""
    metric = results.metric
    other = beside(metric)
    evaluations = [one for trial in results.trials for one in trial.evaluations]
    pictures = _span({one.n_fake for one in evaluations if one.n_fake})
    extractor = results.identity.extractor if results.identity else ""
    told = f" ({extractor}, n={pictures})" if extractor else " (not measured alike)" * bool(results.problem)
    titles = {
        **{name: METRICS[name].name(extractor) + told for name in (metric, other)},
        **{name: measure.curve for name, measure in TRANSLATED.items() if measure.curve},
        "loss_g": "Generator loss",
        "loss_d": "Discriminator loss",
        "score_real": "Discriminator score on real pictures",
        "score_fake": "Discriminator score on generated pictures",
        "similarity": "Similarity of the generated pictures",
    }
    found = []
    for key, title in titles.items():
        values = [one.values[key] for one in evaluations]
        if any(item is not None for item in values):
            found.append(Panel(key, title, axis_range(values)))
    return found


def axis_range(values: Iterable[float | None], crowded: float = CROWDED) -> tuple[float, float] | None:
    """Choose an axis for most of some values, where a few (of a run that blew up) would flatten all others.

    Args:
        values: What is drawn; what is None, infinite or NaN is not.
        crowded: How many times as far as most of the values the highest may be from the lowest.

    Returns:
        The ends of the axis; None where all values fit one picture, or fewer than eight are finite.
    """
    finite = sorted(v for v in values if v is not None and abs(v) < float("inf"))
    if len(finite) < 8:
        return None
    low, usual, high = finite[0], finite[int(0.9 * (len(finite) - 1))], finite[-1]
    if high - low <= crowded * (usual - low) or usual == low:
        return None
    margin = 0.06 * (usual - low)
    return low - margin, usual + 4 * margin


def _trial(trial: RankedTrial, params: Sequence[Param], ranked: bool, names: Iterable[str]) -> dict[str, Any]:
    """Gather what the plots show of one trial.

    Args:
        trial: The trial.
        params: What has an axis.
        ranked: Whether the trial's value compares with that of others.
        names: Which values of evaluations are drawn.
    """
    entry, evaluations = trial.entry, trial.evaluations
    result, collapse = None, trial.facts.collapses.get(entry.trial)
    if entry.measured:
        result = {"kimg": _short(entry.kimg), "value": _short(entry.value), "n_fake": entry.n_fake}
    return {
        "key": trial.key,
        "name": trial.name,
        "rank": entry.rank,
        "ranked": ranked,
        "status": entry.status,
        "best": _short(entry.value),
        "result": result,
        "n_fake": [one.n_fake for one in evaluations],
        "about": [f"{path} {value(item)}" for path, item in trial.values.items() if item is not None],
        "values": [_place(param, trial.values.get(param.path)) for param in params],
        "collapse": {"kimg": collapse.kimg, "verdict": collapse.verdict} if collapse else None,
        "rungs": [
            {
                "kimg": decision.kimg,
                "value": _short(decision.value),
                "cutoff": _short(decision.cutoff),
                "stopped": decision.stopped,
                "variety": _short(decision.variety),
            }
            for decision in trial.facts.decisions.get(entry.trial, ())
            if decision.value is not None
        ],
        "kimg": [_short(one.kimg) for one in evaluations],
        **{name: [_short(one.values[name]) for one in evaluations] for name in names},
    }


def _span(counts: set[int]) -> str:
    """Say which numbers of pictures there are: ``512``, or ``128 to 512`` where evaluations climb a ladder."""
    return " to ".join(str(count) for count in sorted({min(counts), max(counts)})) if counts else "?"


def _place(param: Param, item: object) -> object:
    """Say where a value stands on its parameter's axis: a number, the name of a choice, or nowhere."""
    return item if param.number or item is None else value(item)


def _short(number: float | None) -> float | None:
    """Round to five digits, which no picture shows more of."""
    return None if number is None else float(f"{number:.5g}")
