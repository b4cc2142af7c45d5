"""Gather the curves of a sweep for a chart, and the values that its axis is chosen by."""

from collections.abc import Iterator, Sequence

from ganlib.names import METRICS
from sweep.records.snapshots import finite
from sweep.report.drawn.chart import Curves, finite_points, spread
from sweep.report.facts import Facts
from sweep.report.results import RankedTrial, Results


def trials_of(results: Results, facts: Facts) -> list[RankedTrial]:
    """List the trials of one sweep that have been evaluated, the best first."""
    return [trial for trial in results.trials if trial.facts is facts and trial.evaluations]


def values_of(trials: Sequence[RankedTrial], metric: str) -> Iterator[float | None]:
    """Yield every value that a chart of some trials shows."""
    for trial in trials:
        yield from (one.values[metric] for one in trial.evaluations)
        if trial.entry.measured:
            yield trial.entry.value


def last_kimg(trials: Sequence[RankedTrial]) -> float:
    """Find the last time at which any of some trials was evaluated; 1 if none was."""
    return max((trial.evaluations[-1].kimg for trial in trials), default=0.0) or 1.0


def curves_of(facts: Facts, trials: Sequence[RankedTrial], metric: str, most: int) -> Curves:
    """Gather the curves of one sweep.

    Args:
        facts: The sweep.
        trials: Those of its trials that have been evaluated, the best first.
        metric: One of `ganlib.names.METRICS`.
        most: Trials drawn in grey, evenly spread from the best to the last.
    """
    winner = facts.winner
    best = next((trial for trial in trials if winner and trial.entry.trial == winner.trial), None)
    others = [trial for trial in trials if trial is not best]
    result = None
    if winner and winner.measured and winner.kimg is not None and winner.value is not None:
        result = (winner.kimg, winner.value)
    points = _points(best, metric) if best else []
    name = METRICS[metric].error
    errors = {one.kimg: one.values[name] for one in best.evaluations} if best and name else {}
    return Curves(
        best=points,
        error=[finite(errors.get(at)) or 0.0 for at, _ in points],
        others=[_points(others[index], metric) for index in spread(len(others), most)],
        result=result,
        rungs=[rung.kimg for rung in facts.summary.rungs],
        floor=facts.floor,
    )


def _points(trial: RankedTrial, metric: str) -> list[tuple[float, float]]:
    times = [one.kimg for one in trial.evaluations]
    return finite_points(times, [one.values[metric] for one in trial.evaluations])
