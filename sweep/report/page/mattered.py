"""The section on what mattered: importances as bars, ranges in which trials collapse, and what became of those."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep import formatting
from sweep.records.status import Status
from sweep.report.choices import Choice
from sweep.report.importance import Importance, Risk
from sweep.report.matters import Matters, Unfulfilled, range_words, where_words
from sweep.report.results import RankedTrial, Results


@dataclass(frozen=True)
class Bar:
    """The importance of a parameter.

    Attributes:
        path: The parameter.
        when: Where the parameter applies; empty if everywhere.
        length: The importance as a share of the greatest one, from 0 to 1.
        chance: What chance reaches, as a share of the greatest importance, at most 1.
        shown: The importance in figures.
        clear: Whether the importance is more than chance.
        where: Which values the chosen trials have.
        trials: How many trials have the parameter.
    """

    path: str
    when: str
    length: float
    chance: float
    shown: str
    clear: bool
    where: str
    trials: int


@dataclass(frozen=True)
class RiskLine:
    """A range in which collapses are frequent, in words: ``8 of 10`` trials there, and elsewhere."""

    path: str
    values: str
    inside: str
    outside: str


@dataclass(frozen=True)
class ChoiceLine:
    """What became of the trials with one choice of a parameter, in words.

    Attributes:
        path: The parameter.
        value: The choice.
        collapsed: ``3 of 12``.
        share: The share that collapsed with its 95 % interval, in percent.
        key: The best of these trials, in links; empty if none is ranked.
        best: The best of these trials, with the metric.
        half: The metric that half of these trials reach.
    """

    path: str
    value: str
    collapsed: str
    share: str
    key: str
    best: str
    half: str


@dataclass(frozen=True)
class VerdictLines:
    """What matters for one verdict: how many trials have it, bars, and ranges in which it is frequent."""

    verdict: str
    collapsed: int
    bars: Sequence[Bar]
    risks: Sequence[RiskLine]


@dataclass(frozen=True)
class UnfulfilledLines:
    """What breaks the wishes: bars and ranges, and how many results break one.

    Attributes:
        wishes: What is wished for.
        judged: How many results there are.
        broken: How many of these break a wish.
        why_not: Why ``bars`` is empty.
    """

    wishes: Sequence[str]
    bars: Sequence[Bar]
    risks: Sequence[RiskLine]
    judged: int
    broken: int
    why_not: str


@dataclass(frozen=True)
class Mishap:
    """A trial that collapsed or failed: what happened, and why, empty if that is not known."""

    key: str
    name: str
    what: str
    why: str


@dataclass(frozen=True)
class MattersSection:
    """What mattered.

    Attributes:
        metric: The name of the metric that ranks.
        label: The metric's name with what it was measured with.
        plotted: Whether parameters are plotted against the metric.
        best: What matters for being among the best.
        ranked: How many trials ``best`` was judged by.
        why_no_best: Why ``best`` is empty.
        deaths: What matters for collapsing.
        judged: How many trials ``deaths`` was judged by.
        collapsed: How many of these collapsed.
        why_no_deaths: Why ``deaths`` is empty.
        risks: Where collapses are concentrated.
        choices: What became of the trials with each choice of a parameter.
        verdicts: Each verdict by itself; empty where they are not judged apart.
        mishaps: Every trial that collapsed or failed.
        unfulfilled: What breaks the wishes; None where there are none.
    """

    metric: str
    label: str
    plotted: bool
    best: Sequence[Bar]
    ranked: int
    why_no_best: str
    deaths: Sequence[Bar]
    judged: int
    collapsed: int
    why_no_deaths: str
    risks: Sequence[RiskLine]
    choices: Sequence[ChoiceLine]
    verdicts: Sequence[VerdictLines]
    mishaps: Sequence[Mishap]
    unfulfilled: UnfulfilledLines | None

    @classmethod
    def of(cls, results: Results) -> "MattersSection":
        """Judge what mattered among the trials of a report."""
        matters = Matters.of(results)
        measured = any(trial.evaluations for trial in results.trials)
        return cls(
            metric=results.called,
            label=results.label,
            plotted=measured and bool(results.params),
            best=_bars(matters.best),
            ranked=matters.ranked,
            why_no_best=matters.why_no_best,
            deaths=_bars(matters.deaths),
            judged=matters.judged,
            collapsed=matters.collapsed,
            why_no_deaths=matters.why_no_deaths,
            risks=[_risk(risk) for risk in matters.risks],
            choices=[_choice(choice) for choice in matters.choices],
            verdicts=[
                VerdictLines(
                    one.verdict, one.collapsed, _bars(one.importances), [_risk(risk) for risk in one.risks]
                )
                for one in matters.verdicts
            ],
            mishaps=[mishap for trial in results.trials if (mishap := _mishap(trial))],
            unfulfilled=_unfulfilled(results, matters.unfulfilled),
        )


def _unfulfilled(results: Results, found: Unfulfilled | None) -> UnfulfilledLines | None:
    """Lay out what breaks the wishes."""
    if found is None:
        return None
    wishes = dict.fromkeys(wish.words for facts in results.sweeps for wish in facts.sweep.info.wishes)
    bars, risks = _bars(found.importances), [_risk(risk) for risk in found.risks]
    return UnfulfilledLines(list(wishes), bars, risks, found.judged, found.broken, found.why_not)


def _bars(items: Sequence[Importance]) -> list[Bar]:
    """Draw importances as bars, the greatest of full length."""
    most = max((item.value for item in items), default=0.0)
    return [
        Bar(
            path=item.param.path,
            when=item.param.when,
            length=round(item.value / most, 4) if most else 0.0,
            chance=min(round(item.chance / most, 4), 1.0) if most else 1.0,
            shown=formatting.number(item.value, 2),
            clear=item.clear,
            where=where_words(item),
            trials=item.trials,
        )
        for item in items
    ]


def _risk(risk: Risk) -> RiskLine:
    """Say where collapses are frequent."""
    return RiskLine(
        path=risk.param.path,
        values=range_words(risk.param, risk.low, risk.high),
        inside=f"{risk.inside[0]} of {risk.inside[1]}",
        outside=f"{risk.outside[0]} of {risk.outside[1]}",
    )


def _choice(choice: Choice) -> ChoiceLine:
    """Say what became of the trials with one choice."""
    low, high = choice.interval
    best = choice.best
    return ChoiceLine(
        path=choice.param.path,
        value=choice.value,
        collapsed=f"{choice.collapsed} of {choice.judged}",
        share=f"{choice.collapsed / choice.judged:.0%} ({low:.0%} to {high:.0%})",
        key=best.key if best else "",
        best=f"{best.name}: {formatting.number(best.entry.value)}" if best else "",
        half=formatting.number(choice.half),
    )


def _mishap(trial: RankedTrial) -> Mishap | None:
    """Say how a trial collapsed or failed; None if it did neither."""
    entry = trial.entry
    if entry.status is Status.FAILED:
        return Mishap(trial.key, trial.name, "failed", (entry.reason or "").removeprefix("failed: "))
    if entry.status is not Status.COLLAPSED:
        return None
    collapse = trial.facts.collapses[entry.trial]
    what = f"{collapse.verdict} at {formatting.kimg(collapse.kimg)} kimg"
    step = "" if collapse.step is None else f" (step {collapse.step:,})"
    return Mishap(trial.key, trial.name, what + step, collapse.reason)
