"""The printed page: two sides for a thesis, which a browser's own print shows in place of all else.

Everything on it is bounded, so that two sides are enough for any sweep: what is left out is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweep import formatting
from sweep.report.best import LONGEST, NAMED, best_rows, caption, clipped, named, numeric
from sweep.report.drawn.axis import Axis
from sweep.report.drawn.chart import Chart
from sweep.report.drawn.gathering import curves_of, last_kimg, trials_of, values_of
from sweep.report.facts import Facts
from sweep.report.page.compare import CompareSection, SweepChart, described
from sweep.report.page.repeat import RepeatSection
from sweep.report.page.summary import Best, SummarySection, terms
from sweep.report.pictures import Album
from sweep.report.results import SWEEP, Results
from sweep.spec.space import searched

PARAMS, CHARTS, FATES = 24, 6, 8
"""At most: values of the winner, sweeps drawn, ends of trials."""
COLUMNS, SPACE = (7, 5), (750, 400)
"""At most, of one sweep and of several: parameters in the table, signs of the search space."""
CELL, NAME = 18, 30
"""Signs, at most, of a parameter in the table, and of one name of several."""
CURVES, WIDTH, HEIGHT = 40, 1320, 420
"""Grey lines, and the size of the chart, in units of which two are a pixel of a screen."""
_TOLD = ("Data", "Attribution", "Begun with", "Budget", "Time")


@dataclass(frozen=True)
class Plate:
    """A picture on the sheet, which the page's scripts take from where it stands already.

    Attributes:
        source: ``portrait``, or the index of the sweep whose real pictures they are.
        words: What it shows.
        rows: What each of its rows shows; empty where all show pictures of latents.
    """

    source: str
    words: str
    rows: Sequence[str]


@dataclass(frozen=True)
class Column:
    """A column of the table: its cells, the head first, and whether they are numbers."""

    cells: Sequence[str]
    right: bool


@dataclass(frozen=True)
class SheetSection:
    """Two printed sides.

    Attributes:
        title: The names of the sweeps.
        sweeps: How many they are.
        written: When the results were read.
        problem: Why not all trials can be ranked together; empty if they can.
        who: The best trial's name, as far as there is room.
        lacking: Why there is no best trial; empty if there is.
        plates: The winner's pictures and real ones, as far as there are any.
        params: The winner's searched values: path and value.
        params_more: How many values are left out.
        trained: Term, and a line or several on what was trained.
        charts: The learning curves: one of a single sweep, else one of each of the best sweeps.
        charts_about: What is to be known to read them.
        caption: What the table shows.
        columns: The table of the best trials; none if none is ranked.
        columns_more: How many parameters have no column.
        commands: Purpose and command.
        repeat: Term, and a line or several on how to repeat the sweeps.
        space: What was searched: path and range in words.
        space_more: How many of these are left out.
    """

    title: str
    sweeps: int
    written: str
    problem: str
    best: Best | None
    who: str
    lacking: str
    plates: Sequence[Plate]
    params: Sequence[tuple[str, str]]
    params_more: int
    trained: Sequence[tuple[str, Sequence[str]]]
    charts: Sequence[SweepChart]
    charts_about: str
    caption: str
    columns: Sequence[Column]
    columns_more: int
    commands: Sequence[tuple[str, str]]
    repeat: Sequence[tuple[str, Sequence[str]]]
    space: Sequence[tuple[str, str]]
    space_more: int

    @classmethod
    def of(
        cls,
        results: Results,
        album: Album,
        written: str,
        summary: SummarySection,
        compare: CompareSection,
        repeat: RepeatSection,
    ) -> "SheetSection":
        """Gather what is printed from the sections of the page."""
        facts = results.winner.facts if results.winner else results.sweeps[0]
        best, names = summary.best, named(results, NAME if results.several else LONGEST)
        params = [(clipped(path), clipped(value)) for path, value in best.params] if best else []
        charts, about = _charts(results, compare)
        columns, columns_more = _table(results)
        searching = searched(facts.spec)
        space = _fitting(searching, SPACE[results.several])
        return cls(
            title=names,
            sweeps=len(results.sweeps),
            written=written,
            problem=_problem(summary.problem or ""),
            best=best,
            who=_who(results),
            lacking=summary.lacking,
            plates=_plates(results, album, best),
            params=params[:PARAMS],
            params_more=max(len(params) - PARAMS, 0),
            trained=_trained(results, facts, summary),
            charts=charts,
            charts_about=about,
            caption=caption(results, names),
            columns=columns,
            columns_more=columns_more,
            commands=[(purpose, clipped(command, LONGEST + NAME)) for purpose, command in repeat.short],
            repeat=_repeat(results, facts, repeat),
            space=space,
            space_more=len(searching) - len(space),
        )


def _who(results: Results) -> str:
    """Name the best trial; empty if there is none."""
    if results.winner is None:
        return ""
    whose = f" of {clipped(results.winner.facts.sweep.name)}" if results.several else ""
    return f"trial {results.winner.entry.trial}{whose}"


def _problem(told: str) -> str:
    """Say in a few lines why not all trials can be ranked together."""
    return " ".join(clipped(line.strip(), 5 * LONGEST) for line in told.splitlines()[: 1 + NAMED])


def _plates(results: Results, album: Album, best: Best | None) -> list[Plate]:
    """List the pictures of the sheet."""
    found = []
    if best and best.portrait:
        shown = best.portrait.shown
        rows = shown if best.portrait.whole else shown[: best.portrait.rows]
        found.append(
            Plate(
                "portrait",
                f"Trial{_who(results).removeprefix('trial')} at its best, {best.kimg} kimg",
                [clipped(row) for row in rows],
            )
        )
    facts = results.winner.facts if results.winner else results.sweeps[0]
    index = next(i for i, one in enumerate(results.sweeps) if one is facts)
    if index in album.real:
        found.append(Plate(str(index), f"Real {facts.real}, which all trials learn from", ()))
    return found


def _trained(results: Results, facts: Facts, summary: SummarySection) -> list[tuple[str, Sequence[str]]]:
    """Say what was trained: of several sweeps, that of the winner, and whose pictures the others learnt from."""
    fates = [f"{part.count} {part.label}" for part in summary.parts]
    more = [f"{len(fates) - FATES} more kinds of end"] if len(fates) > FATES else []
    spent = summary.spent + (f"; {summary.saved} saved by stopping" if summary.saved else "")
    found: list[tuple[str, Sequence[str]]] = []
    if results.several:
        whose = "the best" if results.winner else "the first"
        words = f"{len(results.sweeps)} together; data, budget and time are those of {whose}"
        found.append(("Sweeps", [f"{words}, {clipped(facts.sweep.name)}"]))
    found += [("Trials", ["; ".join([*fates[:FATES], *more])]), ("Spent", [spent])]
    for term, lines in terms(facts):
        if term in _TOLD:
            found.append((term, [clipped(line, 5 * LONGEST) for line in lines[:3]]))
    others = dict.fromkeys(one.sweep.info.attribution for one in results.sweeps)
    rest = [words for words in others if words and words != facts.sweep.info.attribution]
    found.append(("Attribution of others", [clipped(words, 3 * LONGEST) for words in rest[:3]]))
    return [(term, lines) for term, lines in found if any(lines)]


def _charts(results: Results, compare: CompareSection) -> tuple[Sequence[SweepChart], str]:
    """Draw the learning curves, and say what is to be known to read them."""
    if results.several:
        left = len(compare.charts) - CHARTS
        words = [
            *compare.notes,
            *([f"{formatting.count(left, 'more sweep')} not drawn."] if left > 0 else []),
        ]
        return compare.charts[:CHARTS], " ".join(words)
    facts = results.sweeps[0]
    trials = trials_of(results, facts)
    axis = Axis.of(values_of(trials, results.metric), facts.floor)
    if axis is None:
        return [], "No evaluation yet."
    chart = Chart(axis, last_kimg(trials), WIDTH, HEIGHT, most=16)
    curves = curves_of(facts, trials, results.metric, CURVES)
    said = described(results, facts, trials, chart)
    svg = chart.svg(curves, f"{results.called} against kimg", said)
    drawn = len(curves.others) + bool(curves.best)
    told = {
        f"{results.label} against kimg, thousands of pictures shown to the discriminator": True,
        "the best trial in colour": bool(curves.best),
        "with one standard error": any(curves.error),
        "its result a star": bool(curves.result),
        "rungs as ticks": bool(curves.rungs),
        f"real {facts.real} a dashed line": axis.holds(facts.floor),
        f"{drawn} of {len(trials)} trials drawn, from the best to the last": drawn < len(trials),
        "logarithmic": axis.log,
        "a few values lie beyond the axis": axis.cut,
    }
    return [SweepChart("", "", "", "", svg)], f"{'; '.join(words for words, holds in told.items() if holds)}."


def _table(results: Results) -> tuple[list[Column], int]:
    """Lay out the best trials: of many parameters, the first of those in which they differ."""
    if not results.ranked:
        return [], 0
    cells = list(zip(*best_rows(results), strict=True))
    fixed = len(cells) - len(results.params)
    params = list(zip(results.params, cells[fixed:], strict=True))
    most = COLUMNS[results.several]
    if len(params) > most:  # without the sweep, a trial's number would be of any
        params = [(p, column) for p, column in params if p.path == SWEEP or len(set(column[1:])) > 1]
    shown = [[clipped(cell, CELL) for cell in column] for _, column in params[:most]]
    columns = [Column(column, numeric(column[1:])) for column in [*cells[:fixed], *shown]]
    return columns, len(results.params) - len(shown)


def _fitting(items: Mapping[str, str], signs: int) -> list[tuple[str, str]]:
    """Take so many of some names with words as fit into so many signs."""
    found: list[tuple[str, str]] = []
    for name, words in items.items():
        one = (clipped(name), clipped(words))
        signs -= sum(map(len, one)) + 3
        if signs < 0:
            break
        found.append(one)
    return found


def _repeat(results: Results, facts: Facts, repeat: RepeatSection) -> list[tuple[str, Sequence[str]]]:
    """Say what else is needed to repeat the sweeps."""
    sources = dict(zip(map(id, results.sweeps), repeat.sources, strict=True))
    source = sources[id(facts)]
    seeds = [f"search: {clipped(source.seed)}"]
    if results.winner:
        seeds.append(f"best trial: {formatting.value(results.winner.entry.row['seed'])}")
    found: list[tuple[str, Sequence[str]]] = [
        ("Data hash", [clipped(source.data_hash, 2 * LONGEST)]),
        ("Seeds", [", ".join(seeds)]),
        ("Versions", [clipped(source.versions, 3 * LONGEST)]),
    ]
    return [(term, lines) for term, lines in found if any(lines)]
