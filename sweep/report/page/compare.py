"""The section that compares sweeps: a small chart for each, all with the same axes where they were measured alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sweep import formatting
from sweep.report.drawn.axis import Axis
from sweep.report.drawn.chart import Chart
from sweep.report.drawn.gathering import curves_of, last_kimg, trials_of, values_of
from sweep.report.facts import Facts
from sweep.report.page.hours import hours
from sweep.report.results import RankedTrial, Results

LINES, FEWEST = 1500, 40
"""Grey lines in all charts together, and in each chart at least: more would only be a grey area, and a heavy page."""


@dataclass(frozen=True)
class SweepChart:
    """The curves of one sweep.

    Attributes:
        target: The id of what the page says of the sweep.
        name: The sweep's name.
        best: The best trial's metric; why there is none where there is none.
        words: Trials, time spent, and what is to be known of them.
        svg: The chart; empty while nothing has been measured.
    """

    target: str
    name: str
    best: str
    words: str
    svg: Markup


@dataclass(frozen=True)
class CompareSection:
    """Sweeps as small multiples.

    Attributes:
        label: The metric's name with what it was measured with, where that is one for all.
        charts: The best sweep first, if they can be ranked together; none of a single sweep.
        notes: What is to be known to read them.
        alike: Whether all charts have the same axes.
    """

    label: str
    charts: Sequence[SweepChart]
    notes: Sequence[str]
    alike: bool

    @classmethod
    def of(cls, results: Results) -> "CompareSection":
        """Draw the sweeps of a report; nothing where there is one."""
        if not results.several:
            return cls("", (), (), True)
        most = max(FEWEST, LINES // len(results.sweeps))
        trials = [trials_of(results, facts) for facts in results.sweeps]
        alike = results.problem is None
        end = last_kimg([trial for each in trials for trial in each])
        # What was not measured alike has no common axis: equal heights would look like equal quality.
        axes = [_axis(results, each) for each in trials]
        if alike:
            axes = [_axis(results, [trial for each in trials for trial in each])] * len(trials)
        unlike = len({_measured_on(each) for each in trials if each}) > 1
        charts = [
            SweepChart(
                target=f"sweep-{index}",
                name=facts.sweep.name,
                best=_best(results, facts),
                words=", ".join(_about(facts, each, unlike, not alike and axis is not None and axis.log)),
                svg=_drawn(results, facts, each, Chart(axis, end), most) if axis else Markup(),
            )
            for index, (facts, each, axis) in enumerate(zip(results.sweeps, trials, axes, strict=True))
        ]
        return cls(
            label=results.called if results.identity is None else results.label,
            charts=[charts[index] for index in _order(results)],
            notes=_notes(results, axes, max(map(len, trials)) - 1 > most, unlike),
            alike=alike,
        )


def _axis(results: Results, trials: Sequence[RankedTrial]) -> Axis | None:
    floors = {trial.facts.floor for trial in trials}
    return Axis.of(values_of(trials, results.metric), floors.pop() if len(floors) == 1 else None)


def _drawn(results: Results, facts: Facts, trials: Sequence[RankedTrial], chart: Chart, most: int) -> Markup:
    """Draw one sweep; nothing before its first evaluation."""
    if not trials:
        return Markup()
    title = f"{results.called} of {facts.sweep.name} against kimg"
    return chart.svg(
        curves_of(facts, trials, results.metric, most), title, described(results, facts, trials, chart)
    )


def described(results: Results, facts: Facts, trials: Sequence[RankedTrial], chart: Chart) -> str:
    """Say in words what a chart of one sweep shows."""
    words = [f"A line for each of {formatting.count(len(trials), 'trial')}"]
    if facts.winner:
        at = formatting.kimg(facts.winner.kimg)
        words.append(f"the best, trial {facts.winner.trial}, has {results.value(facts.winner)} at {at} kimg")
    if rungs := [formatting.kimg(rung.kimg) for rung in facts.summary.rungs]:
        words.append(f"rungs at {', '.join(rungs)} kimg")
    if facts.floor is not None:
        words.append(f"real {facts.real} score {formatting.number(facts.floor, 3)}")
    axes = f"Vertical axis from {chart.axis}; horizontal axis from 0 to {formatting.kimg(chart.end)} kimg."
    return f"{'; '.join(words)}. {axes}"


def _order(results: Results) -> list[int]:
    """Order the sweeps by their best trials where these compare; the others follow as they were named."""
    first: dict[int, int] = {}
    for place, trial in enumerate(results.ranked):
        first.setdefault(id(trial.facts), place)
    last = len(results.trials)
    return sorted(range(len(results.sweeps)), key=lambda i: first.get(id(results.sweeps[i]), last))


def _best(results: Results, facts: Facts) -> str:
    """Say the best value of a sweep, or why there is none."""
    if facts.winner:
        return results.value(facts.winner)
    return "not ranked" if facts.trials else "no trial yet"


def _about(facts: Facts, trials: Sequence[RankedTrial], unlike: bool, log: bool) -> list[str]:
    """Say how many trials a sweep has, what they cost, and what is special about the chart."""
    collapsed = facts.summary.statuses.get("collapsed", 0)
    return [
        formatting.count(len(facts.trials), "trial"),
        *([f"{collapsed} collapsed"] if collapsed else []),
        *([spent] if (spent := hours([facts])[0]) else []),
        *([facts.state.words] if facts.state.words else []),
        *([f"lines on {_measured_on(trials)} pictures"] if unlike and trials else []),
        *(["logarithmic axis"] if log else []),
    ]


def _measured_on(trials: Sequence[RankedTrial]) -> str:
    """Say on how many pictures the evaluations of some trials were measured."""
    counts = sorted({one.n_fake for trial in trials for one in trial.evaluations if one.n_fake})
    return " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]]))) if counts else "?"


def _floors(results: Results, axes: Sequence[Axis | None]) -> list[tuple[float, Axis]]:
    """Pair what real pictures score in each sweep, where that is known, with the axis of its chart."""
    pairs = zip(results.sweeps, axes, strict=True)
    return [(facts.floor, axis) for facts, axis in pairs if axis and facts.floor is not None]


def _place(floor: float, axis: Axis) -> str:
    """Say where on a chart stands what real pictures score."""
    if axis.holds(floor):
        return "a dashed line"
    return "below the axis" if floor < axis.low else "above the axis"


def _notes(results: Results, axes: Sequence[Axis | None], many: bool, unlike: bool) -> list[str]:
    """Say what is to be known to read the charts."""
    known = [axis for axis in axes if axis]
    found = []
    if results.problem:
        found.append(
            "These sweeps were not measured alike (the summary says in what): every chart has a vertical axis of its "
            "own, and heights in two charts do not compare. They stand in the order in which they were named."
        )
    else:
        found.append(
            "All charts have the same axes, so that equal heights are equal values; the best sweep first."
        )
        if any(axis.log for axis in known):
            found.append("The vertical axis is logarithmic: equal distances are equal ratios.")
    places = [_place(floor, axis) for floor, axis in _floors(results, axes)]
    found += [
        f"What real {results.sweeps[0].real} score is {place}." for place in dict.fromkeys(sorted(places))
    ]
    if any(axis.cut for axis in known):
        found.append("A few values lie beyond the axis.")
    if many:
        found.append("Of a sweep with many trials some are drawn, evenly spread from the best to the last.")
    if unlike:
        found.append(
            "The lines of these sweeps were measured on different numbers of pictures, which stand under the charts: "
            "compare the stars."
        )
    return found
