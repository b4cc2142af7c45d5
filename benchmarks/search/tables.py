"""The tables of docs/search.md, from the figures on record."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEAD = (
    "| search | kimg to reach {target:.3f} | times less than random | best KID at {budget:g} kimg | winners lost "
    "| trials |\n|---|---|---|---|---|---|\n"
)


def table(told: Mapping[str, Any]) -> str:
    """Write the table of one question."""
    rows = [HEAD.format(**told)]
    for name, row in told["ways"].items():
        rows.append(
            f"| {name} | {_said(row['kimg_to_reach'], '.0f')} | {_said(row.get('times_less'), '.1f')} "
            f"| {_said(row['best_at_budget'], '.3f')} | {_said(row['lost_winners'], '.2f')} "
            f"| {row['trials_at_budget']:.0f} |\n"
        )
    return "".join(rows)


def _said(interval: list[float | None] | None, form: str) -> str:
    if interval is None or interval[0] is None:
        return "not reached"
    value, low, high = interval
    ends = " to ".join("more" if end is None else format(end, form) for end in (low, high))
    return f"{value:{form}} ({ends})"


def write_tables(path: Path, known: Mapping[str, Any]) -> None:
    """Put the tables in their places in a document, between ``<!-- table: NAME -->`` and ``<!-- end -->``."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""

    def filled(place: re.Match[str]) -> str:
        name = place[1]
        body = table(known[name]) if name in known else place[2]
        return f"<!-- table: {name} -->\n{body}<!-- end -->"

    written = re.sub(r"<!-- table: ([^>]+?) -->\n(.*?)<!-- end -->", filled, text, flags=re.DOTALL)
    if written != text:
        path.write_text(written, encoding="utf-8")
