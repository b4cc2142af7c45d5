"""Tables to paste: the best trials as LaTeX and as Markdown, with what the numbers were measured with."""

import re
from collections.abc import Sequence

from ganlib.names import METRICS
from sweep import formatting
from sweep.report.results import RankedTrial, Results
from sweep.results.leaderboard import beside

MOST = 10
"""Trials in a table: as many as a page of a thesis bears."""
_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def latex(results: Results) -> str:
    """Write the best trials as a LaTeX table, for the package booktabs; empty where none is ranked."""
    if not results.ranked:
        return ""
    head, *rows = [[_latex(cell) for cell in row] for row in _rows(results)]
    kinds = "".join("r" if _numbers(column) else "l" for column in zip(*rows, strict=True))
    body = [
        rf"\caption{{{_latex(caption(results))}}}",
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join([r"\begin{table}", r"\centering", *body, r"\end{table}", ""])


def markdown(results: Results) -> str:
    """Write the best trials as a Markdown table with a line above it; empty where none is ranked."""
    if not results.ranked:
        return ""
    head, *rows = [[_markdown(cell) for cell in row] for row in _rows(results)]
    rule = ["--:" if _numbers(column) else "---" for column in zip(*rows, strict=True)]
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]
    return "\n".join([_markdown(caption(results)), "", *lines, ""])


def caption(results: Results) -> str:
    """Say in a sentence what the numbers are of, and what they were measured with."""
    shown = min(MOST, len(results.ranked))
    whole = formatting.count(len(results.trials), "trial")
    which = f"The best {shown} of {whole}" if shown < len(results.trials) else whole
    pictures = " and ".join(f"{facts.sweep.info.images:,}" for facts in results.sweeps)
    of = f" on {pictures} pictures" if pictures else ""
    return f"{which} of {results.title}{of}: {results.label}, smaller is better; one seed each."


def _rows(results: Results) -> list[list[str]]:
    """List the cells of the table, the head first."""
    other = beside(results.metric)
    extractor = results.identity.extractor if results.identity else ""
    head = ["rank", "trial", results.called, METRICS[other].name(extractor), "kimg"]
    return [
        [*head, *(param.title for param in results.params)],
        *(_row(results, trial, other) for trial in results.ranked[:MOST]),
    ]


def _row(results: Results, trial: RankedTrial, other: str) -> list[str]:
    entry = trial.entry
    shown = [str(entry.rank), str(entry.trial), results.value(entry), results.value(entry, other)]
    values = (trial.values.get(param.path) for param in results.params)
    return [*shown, formatting.number(entry.kimg), *map(formatting.value, values)]


def _numbers(column: Sequence[str]) -> bool:
    """Tell whether a column holds numbers, which stand on the right."""
    return all(not cell or cell == formatting.MISSING or re.match(r"-?[\d.]", cell) for cell in column)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _markdown(text: str) -> str:
    return re.sub(r"([\\|*_<>`\[\]])", r"\\\1", text)
