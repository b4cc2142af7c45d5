"""The tables of docs/search.md, from the figures on record."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.places import put
from benchmarks.search.curves import Table
from ganlib.metrics.score import variety

HEAD = (
    "| search | kimg to reach {target:.3f} | times less than random | best KID at {budget:g} kimg | winners lost "
    "| trials |\n|---|---|---|---|---|---|\n"
)


def table(told: Mapping[str, Any]) -> str:
    """Write the table of one question."""
    rows = [HEAD.format(**told)]
    for name, row in told["ways"].items():
        rows.append(
            f"| {name} | {_said(row['kimg_to_reach'], '.0f')} | {_times(row)} "
            f"| {_said(row['best_at_budget'], '.3f')} | {_said(row['lost_winners'], '.2f')} "
            f"| {row['trials_at_budget']:.0f} |\n"
        )
    return "".join(rows)


def _times(row: Mapping[str, Any]) -> str:
    return _said(row["times_less"] if row["kimg_to_reach"][0] is not None else None, ".1f")


def _said(interval: list[float | None] | None, form: str) -> str:
    if interval is None or interval[0] is None:
        return "not reached"
    value, low, high = interval
    ends = " to ".join("more" if end is None else format(end, form) for end in (low, high))
    return f"{value:{form}} ({ends})"


def ranks(world: Table) -> str:
    """Write how well trials can be told apart at each evaluation, by their ranks and by their pictures' variety."""
    whole = [curve for curve in world.curves if len(curve.kimg) == max(len(one.kimg) for one in world.curves)]
    ends = _ranked([curve.would_be for curve in whole])
    top = np.argsort(ends)[: max(3, len(whole) // 20)]
    rows = [
        "| kimg | rank correlation with the end | of the best 5 %, in the better third | best evaluation here "
        "| less than a fifth of the variety | of the best 5 % |\n"
    ]
    rows.append("|---|---|---|---|---|---|\n")
    for index, kimg in enumerate(whole[0].kimg):
        here = _ranked([curve.full[index] for curve in whole])
        correlation = float(np.corrcoef(here, ends)[0, 1])
        ahead = float(np.mean(here[top] < len(whole) / 3))
        peak = float(np.mean([int(np.argmin(curve.full)) == index for curve in whole]))
        shares = [variety(curve.vendi[index], curve.real_vendi[index]) for curve in whole]
        alike = np.array([share is not None and share < 0.2 for share in shares])
        poor = f"{np.mean(alike):.0%} | {np.mean(alike[top]):.0%}"
        rows.append(f"| {kimg:.0f} | {correlation:.2f} | {ahead:.0%} | {peak:.0%} | {poor} |\n")
    return f"{len(world.curves)} trials.\n\n" + "".join(rows)


def _ranked(values: Sequence[float]) -> NDArray[np.float64]:
    return np.argsort(np.argsort(values)).astype(float)


def write_tables(path: Path, known: Mapping[str, Any], world: Table) -> None:
    """Put the tables in their places in a document, between ``<!-- table: NAME -->`` and ``<!-- end -->``."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""

    def filled(place: re.Match[str]) -> str:
        name = place[1]
        body = table(known[name]) if name in known else place[2]
        return f"<!-- table: {name} -->\n{body}<!-- end -->"

    written = re.sub(r"<!-- table: ([^>]+?) -->\n(.*?)<!-- end -->", filled, text, flags=re.DOTALL)
    written = put(written, "ranks", ranks(world))
    if written != text:
        path.write_text(written, encoding="utf-8")
