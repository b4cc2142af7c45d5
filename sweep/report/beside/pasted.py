"""Tables to paste: the best trials as LaTeX and as Markdown, with what the numbers were measured with."""

import re

from sweep.report.best import best_rows, caption, numeric
from sweep.report.results import Results

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
    head, *rows = [[_latex(cell) for cell in row] for row in best_rows(results)]
    kinds = "".join("r" if numeric(column) else "l" for column in zip(*rows, strict=True))
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
    head, *rows = [[_markdown(cell) for cell in row] for row in best_rows(results)]
    rule = ["--:" if numeric(column) else "---" for column in zip(*rows, strict=True)]
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]
    return "\n".join([_markdown(caption(results)), "", *lines, ""])


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _markdown(text: str) -> str:
    return re.sub(r"([\\|*_<>`\[\]])", r"\\\1", text)
