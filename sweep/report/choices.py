"""Compare the choices of a parameter, such as losses: how often each collapses, how sure that is, and its best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from sweep.records.status import Status
from sweep.report.importance import FEWEST, label_of
from sweep.report.results import Param, RankedTrial


@dataclass(frozen=True)
class Choice:
    """What became of the trials that have one choice.

    Attributes:
        param: The parameter.
        value: The choice.
        judged: How many trials have it, of those that collapsed or were measured.
        collapsed: How many of these collapsed.
        interval: Of the probability to collapse, 95 %, from 0 to 1; see `wilson`.
        best: The best of the ranked ones; None where none is ranked, or the values of all do not compare.
        half: The metric that half of them reach, those that collapsed reaching nothing; None where fewer than half
            are ranked, or the values of all do not compare.
    """

    param: Param
    value: str
    judged: int
    collapsed: int
    interval: tuple[float, float]
    best: RankedTrial | None
    half: float | None


def choices_of(
    params: Sequence[Param], judged: Sequence[RankedTrial], comparable: bool = True
) -> list[Choice]:
    """Compare the choices of each parameter that has several, the one that collapses least first.

    Args:
        params: The parameters; those that are numbers have no choices.
        judged: The trials that collapsed, or were measured and did not, best first.
        comparable: Whether their values compare; those of sweeps that were measured unalike do not.

    Returns:
        The choices, grouped by parameter; nothing where there are fewer than `FEWEST` trials.
    """
    if len(judged) < FEWEST:
        return []
    return [choice for param in params if not param.number for choice in _choices(param, judged, comparable)]


def _choices(param: Param, judged: Sequence[RankedTrial], comparable: bool) -> list[Choice]:
    """Compare the choices of one parameter; nothing where there is only one."""
    having: dict[str, list[RankedTrial]] = {}
    for trial in judged:
        if trial.values.get(param.path) is not None:
            having.setdefault(label_of(trial.values[param.path]), []).append(trial)
    choices = [_choice(param, value, trials, comparable) for value, trials in having.items()]
    by_share = sorted(choices, key=lambda one: (one.collapsed / one.judged, one.value))
    return by_share if len(choices) > 1 else []


def _choice(param: Param, value: str, trials: Sequence[RankedTrial], comparable: bool) -> Choice:
    """Count what became of the trials that have one choice."""
    collapsed = sum(trial.entry.status is Status.COLLAPSED for trial in trials)
    ranked = [trial for trial in trials if comparable and trial.entry.rank is not None]
    needed = math.ceil(len(trials) / 2)
    half = ranked[needed - 1].entry.value if len(ranked) >= needed else None
    best = ranked[0] if ranked else None
    return Choice(param, value, len(trials), collapsed, wilson(collapsed, len(trials)), best, half)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Compute the 95 % interval of a probability (Wilson 1927, Journal of the American Statistical Association 22:209).

    Args:
        hits: How often something happened, of
        n: tries, at least 1.

    Returns:
        Lowest and highest probability, from 0 to 1.
    """
    z2 = NormalDist().inv_cdf(0.975) ** 2
    share = hits / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)
