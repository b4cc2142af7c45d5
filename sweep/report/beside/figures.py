"""Draw ``curves.png`` and ``importance.png``, for papers and slides, with Matplotlib."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ganlib.names import METRICS
from sweep.formatting import printable
from sweep.records.snapshots import finite
from sweep.records.status import Status
from sweep.report.charts import SHOWN, Panel, panels, rungs
from sweep.report.importance import Importance
from sweep.report.matters import Matters
from sweep.report.results import RankedTrial, Results
from sweep.report.translation import TRANSLATED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 300
OTHERS = 200
"""Trials in grey, the best of the others; more lines would only be a grey area."""
COLOURS = ("#2456a6", "#d1662c", "#2e8b6e", "#a13d8f", "#8a6d00")
GREY, RED, MUTED = "#c4c3bd", "#bf3a2b", "#686862"
LEFT, RIGHT = 2, 1  # panels: the metric is as high as the others together
_SHORT = {
    "score_real": "Score, real",
    "score_fake": "Score, generated",
    **{name: measure.title for name, measure in TRANSLATED.items() if measure.title},
}
_STYLE: Any = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.parse_math": False,  # names are no formulas
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
}


def curves(results: Results) -> bytes | None:
    """Draw the learning curves: the best trials in colour, with one standard error of KID.

    Returns:
        A PNG; None while nothing has been measured.
    """
    shown = panels(results)[:5]
    if not shown:
        return None
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        grid = figure.add_gridspec(2, 4)
        places = [grid[:, :2], grid[0, 2], grid[0, 3], grid[1, 2], grid[1, 3]]
        for place, panel in zip(places, shown, strict=False):
            _curves(figure.add_subplot(place), panel, results, large=panel is shown[0])
        _, opening, about = shown[0].title.partition(" (")
        figure.suptitle(printable(results.title) + opening + about, fontsize=9, x=0.01, ha="left")
        return _png(figure)


def _curves(axes: "Axes", panel: Panel, results: Results, large: bool) -> None:
    """Draw one panel; the large one with errors, results and a legend."""
    from matplotlib.collections import LineCollection

    key, extractor = panel.key, results.identity.extractor if results.identity else ""
    others = [_points(trial, key) for trial in results.trials[SHOWN : SHOWN + OTHERS]]
    axes.add_collection(LineCollection([p for p in others if len(p) > 1], colors=GREY, linewidths=0.5))
    for trial, colour in zip(results.trials[:SHOWN], COLOURS, strict=False):
        points = _points(trial, key)
        if not points:
            continue
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=colour, linewidth=1.2, marker="o", markersize=1.8, label=printable(trial.name))
        error = METRICS[key].error if key in METRICS else None
        if error and large:
            drawn = [one.values for one in trial.evaluations if finite(one.values[key]) is not None]
            errors = [finite(values[error]) or 0.0 for values in drawn]
            low, high = zip(*((v - e, v + e) for v, e in zip(y, errors, strict=True)), strict=True)
            axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
        entry = trial.entry
        if large and entry.measured and entry.kimg is not None and entry.value is not None:
            axes.plot([entry.kimg], [entry.value], "*", color=colour, markersize=7, clip_on=False)
    _collapses(axes, results, key)
    for rung in rungs(results):
        axes.axvline(rung.kimg, color=MUTED, linewidth=0.6, linestyle=":", zorder=0)
    axes.autoscale()
    axes.set_xlim(left=0)
    if panel.range:
        axes.set_ylim(*panel.range)
    axes.set_title(_SHORT.get(key, METRICS[key].name(extractor) if key in METRICS else panel.title))
    axes.set_xlabel("kimg" if large else "")
    if large and axes.get_legend_handles_labels()[0]:  # not where no trial has a finite value
        axes.legend(frameon=False, fontsize=7)


def _points(trial: RankedTrial, key: str) -> list[tuple[float, float]]:
    """List time and value of each evaluation of a trial at which the measure is finite."""
    found = [(one.kimg, finite(one.values[key])) for one in trial.evaluations]
    return [(kimg, value) for kimg, value in found if value is not None]


def _collapses(axes: "Axes", results: Results, key: str) -> None:
    """Mark the last value of every trial that collapsed."""
    collapsed = [trial for trial in results.trials if trial.entry.status is Status.COLLAPSED]
    last = [points[-1] for trial in collapsed if (points := _points(trial, key))]
    if last:
        axes.plot(
            *zip(*last, strict=True), "x", color=RED, markersize=4, markeredgewidth=1.0, label="collapsed"
        )


def importances(results: Results) -> bytes | None:
    """Draw what decides who is best, and what decides who collapses, each with its level of chance.

    Returns:
        A PNG; None where neither can be said.
    """
    matters = Matters.of(results)
    parts = [(matters.best, f"for\n{results.label}", COLOURS[0]), (matters.deaths, "for collapsing", RED)]
    shown = [part for part in parts if part[0]]
    if not shown:
        return None
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        most = max(len(items) for items, _, _ in shown)
        figure = Figure(figsize=(3.6 * len(shown), 1.1 + 0.28 * most), layout="constrained")
        for axes, (items, title, colour) in zip(
            figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True
        ):
            _bars(axes, items, title, colour)
        return _png(figure)


def _bars(axes: "Axes", items: Sequence[Importance], title: str, colour: str) -> None:
    """Draw importances as bars, those within chance in grey, with a line at the level of chance."""
    names = [printable(item.param.title) for item in items]
    places = range(len(items))
    colours = [colour if item.clear else GREY for item in items]
    axes.barh(places, [item.value for item in items], height=0.62, color=colours)
    for place, item in zip(places, items, strict=True):
        axes.plot([item.chance] * 2, [place - 0.42, place + 0.42], color="black", linewidth=1.1)
    axes.set_yticks(list(places), names)
    axes.invert_yaxis()
    axes.set_xlabel("importance (PED-ANOVA); line: chance, 95 %")
    axes.set_title(f"Importance {title}")


def _png(figure: "Figure") -> bytes:
    """Encode a figure as PNG."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
