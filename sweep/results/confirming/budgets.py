"""To which budget the runs of a confirmation are trained, and which of those on record went to another one.

`sweep extend --kimg` gives a sweep a longer budget. Results of a long and of a short training are not of one kind: they
are not put into one mean, nor into one test.
"""

import json
from collections.abc import Mapping
from typing import Any

from ganlib.clock import same_time
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo

ENDS = ("train.epochs", "train.kimg")
Row = Mapping[str, Any]


def ends(spec: Mapping[str, Any]) -> bool:
    """Say whether training ends by what a spec says of it, and not by the end of ASHA.

    Args:
        spec: As plain values, with every key.
    """
    train = _section(spec, "train")
    return bring_their_own(spec) or any(train.get(path.partition(".")[2]) is not None for path in ENDS)


def bring_their_own(spec: Mapping[str, Any]) -> bool:
    """Say whether configurations of a spec, as plain values, bring their own budgets; those never change."""
    points = spec.get("configs")
    return isinstance(points, list) and any(path in point for point in points for path in ENDS)


def budget_of(spec: Mapping[str, Any], info: SweepInfo, own: SweepInfo | None) -> float | None:
    """Say how far the runs of a sweep's confirmation are trained, in kimg: as far as its trials were to go.

    Where time alone ends trials, that is further than any comes: there as far as the runs before.

    Args:
        spec: Of the sweep, as plain values.
        info: Its facts.
        own: Those of its confirmation; None before there is one.

    Returns:
        The budget; None where time alone ends trials, and there are no runs before.
    """
    if _section(spec, "search").get("time") is None or ends(spec):
        return info.budget
    return own.budget if own else None


def uncounted(spec: Mapping[str, Any], rows: Mapping[int, Row], budget: float | None) -> set[int]:
    """Find the runs that finished at another budget than the confirmation has by now.

    One that was lost counts in any case: a longer training begins as a shorter one does. One that has not ended goes on
    to the new budget.

    Args:
        spec: Of the sweep, as plain values.
        rows: The row of ``trials`` of each run by its number, with ``status`` and ``config``.
        budget: Of the confirmation.
    """
    if budget is None or bring_their_own(spec):
        return set()
    finished = {number: _budget_in(row) for number, row in rows.items() if row["status"] == Status.FINISHED}
    return {number for number, kimg in finished.items() if kimg is not None and not same_time(kimg, budget)}


def _budget_in(row: Row) -> float | None:
    """Look up the budget with which a run was trained; None where that is not on record."""
    kimg = _section(json.loads(row.get("config") or "{}"), "train").get("kimg")
    return None if kimg is None else float(kimg)


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a section of plain values; empty where there is none."""
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}
