"""What mattered in a sweep: the parameters that decide who is best, who collapses, and who breaks a wish."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep import formatting
from sweep.records.status import Status
from sweep.report.choices import Choice, choices_of
from sweep.report.importance import FEWEST, Importance, Risk, importance, risk, top
from sweep.report.results import Param, RankedTrial, Results


@dataclass(frozen=True)
class Deaths:
    """What matters for one verdict, beside all that have another fate.

    Attributes:
        verdict: The kind of collapse.
        collapsed: How many trials have it.
        importances: For having it, the greatest first.
        risks: Where trials that have it are concentrated, in the order of ``importances``.
    """

    verdict: str
    collapsed: int
    importances: Sequence[Importance]
    risks: Sequence[Risk]


@dataclass(frozen=True)
class Unfulfilled:
    """What matters for breaking a wish.

    Attributes:
        importances: For breaking one, the greatest first.
        risks: Where results that break one are concentrated, in the order of ``importances``.
        judged: How many results there are.
        broken: How many of these break a wish.
    """

    importances: Sequence[Importance]
    risks: Sequence[Risk]
    judged: int
    broken: int

    @property
    def why_not(self) -> str:
        """Why nothing can be said; empty if it can."""
        if self.importances:
            return ""
        if self.broken in (0, self.judged):
            return f"{'Every' if self.broken else 'No'} result breaks a wish."
        results = formatting.count(self.judged, "result")
        return f"{self.broken} of {results} break a wish: too few to say why."


@dataclass(frozen=True)
class Matters:
    """Importances, the greatest first.

    Attributes:
        best: For being among the best.
        ranked: How many trials ``best`` was judged by.
        deaths: For collapsing.
        risks: Where collapses are concentrated, in the order of ``deaths``.
        judged: How many trials ``deaths`` was judged by.
        collapsed: How many of these collapsed.
        choices: What became of the trials with each choice of a parameter, grouped by parameter.
        verdicts: Each verdict by itself, the most frequent first; only where something is translated: what makes an
            identity map is another thing than what saturates a discriminator.
        unfulfilled: What matters for breaking a wish; None where nothing is wished for beside the metric.
        unlike: Why the trials cannot be ranked together; empty if they can.
    """

    best: Sequence[Importance]
    ranked: int
    deaths: Sequence[Importance]
    risks: Sequence[Risk]
    judged: int
    collapsed: int
    choices: Sequence[Choice] = ()
    verdicts: Sequence[Deaths] = ()
    unfulfilled: Unfulfilled | None = None
    unlike: str = ""

    @classmethod
    def of(cls, results: Results) -> "Matters":
        """Judge the trials of a report."""
        judged = [trial for trial in results.trials if _lived(trial)]
        marked = np.array([trial.entry.status is Status.COLLAPSED for trial in judged], bool)
        best = [_best(param, results.ranked) for param in results.params]
        deaths, risks = _judged(results.params, judged, marked)
        return cls(
            best=_sorted(best),
            ranked=len(results.ranked),
            deaths=deaths,
            risks=risks,
            judged=len(judged),
            collapsed=int(marked.sum()),
            choices=choices_of(results.params, judged, comparable=results.problem is None),
            verdicts=_verdicts(results.params, judged) if results.translates else [],
            unfulfilled=_unfulfilled(results),
            unlike=results.unlike,
        )

    @property
    def why_no_best(self) -> str:
        """Why nothing can be said of the best; empty if it can."""
        if self.best:
            return ""
        if self.unlike:
            return self.unlike
        if self.ranked < FEWEST:
            return (
                f"{formatting.count(self.ranked, 'trial')} to judge by; below {FEWEST} nothing can be said."
            )
        return "No searched parameter takes more than one value."

    @property
    def why_no_deaths(self) -> str:
        """Why nothing can be said of collapses; empty if it can."""
        if self.deaths:
            return ""
        if not self.collapsed:
            return "No trial collapsed."
        return f"{self.collapsed} of {formatting.count(self.judged, 'trial')} collapsed: too few to say why."


def range_words(param: Param, low: object, high: object) -> str:
    """Say a range or a choice: ``1e-05 to 0.001``, ``bce``."""
    if not param.number or low == high:
        return formatting.value(low)
    return f"{formatting.value(low)} to {formatting.value(high)}"


def where_words(item: Importance) -> str:
    """Say which values the chosen trials have."""
    if isinstance(item.where, tuple):
        return range_words(item.param, *item.where)
    return ", ".join(f"{choice} ({count})" for choice, count in item.where.items())


def _judged(
    params: Sequence[Param], trials: Sequence[RankedTrial], marked: NDArray[np.bool_]
) -> tuple[list[Importance], list[Risk]]:
    """Judge all parameters for being marked, the most important first, and find where marks are concentrated."""
    found = _sorted([importance(param, _values(param, trials), marked) for param in params])
    risks = [risk(item.param, _values(item.param, trials), marked) for item in found]
    return found, [item for item in risks if item]


def _unfulfilled(results: Results) -> Unfulfilled | None:
    """Judge all parameters for breaking a wish, by the results of trials that may be ranked."""
    wished = [trial for trial in results.trials if trial.facts.sweep.info.wishes]
    if not wished:
        return None
    judged = [trial for trial in wished if trial.entry.measured and not trial.entry.status.out_of_play]
    marked = np.array([bool(trial.entry.broken) for trial in judged], bool)
    return Unfulfilled(*_judged(results.params, judged, marked), len(judged), int(marked.sum()))


def _verdicts(params: Sequence[Param], trials: Sequence[RankedTrial]) -> list[Deaths]:
    """Judge each verdict by itself."""
    verdicts = [
        trial.facts.collapses[trial.entry.trial].verdict if trial.entry.status is Status.COLLAPSED else None
        for trial in trials
    ]
    return [
        Deaths(verdict, count, *_judged(params, trials, np.array([one == verdict for one in verdicts], bool)))
        for verdict, count in Counter(one for one in verdicts if one).most_common()
    ]


def _lived(trial: RankedTrial) -> bool:
    """Tell whether a trial says anything about collapses: it collapsed, or was measured and did not."""
    entry = trial.entry
    return entry.status is Status.COLLAPSED or (entry.status is not Status.FAILED and bool(trial.evaluations))


def _values(param: Param, trials: Sequence[RankedTrial]) -> list[object]:
    """List the values of a parameter, None where a trial has none."""
    return [trial.values.get(param.path) for trial in trials]


def _best(param: Param, ranked: Sequence[RankedTrial]) -> Importance | None:
    """Judge a parameter by the ranked trials that have it, best first; None where there are too few."""
    with_it = [trial for trial in ranked if trial.values.get(param.path) is not None]
    if len(with_it) < FEWEST:
        return None
    # By place in the list: a trial that was stopped early may have a value that compares with no other.
    return importance(param, _values(param, with_it), top(range(len(with_it))))


def _sorted(found: Sequence[Importance | None]) -> list[Importance]:
    """Sort what could be judged, the greatest importance first."""
    return sorted((item for item in found if item), key=lambda item: -item.value)
