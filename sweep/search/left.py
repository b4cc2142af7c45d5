"""Tell from the records alone whether a sweep has anything left to do: what `resume` does, and `ls` and reports say."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.search.asha import Asha
from sweep.spec.sections import AshaConfig

Row = Mapping[str, Any]
Rows = Callable[[str], Sequence[Row]]
"""Gives the rows of a dataset by its name."""


def nothing_left(info: SweepInfo, asha: Callable[[], AshaConfig | None], rows: Rows) -> bool:
    """Say whether all trials have begun, ended and been measured, and none goes on.

    Args:
        info: The facts of the sweep.
        asha: Gives how trials are compared, as `promoting` does; not asked before all have ended.
        rows: The sweep's records.

    Raises:
        WorkError: If the rows do not fit the rungs.
    """
    trials = len(rows("trials"))
    return (
        trials > 0
        and ended_and_measured(rows) >= max(info.trials, trials)
        and not goes_on(info.rungs, asha, rows)
    )


def ended_and_measured(rows: Rows) -> int:
    """Count the trials with nothing left to do: those that ended, with a result if they have anything to measure.

    Nor does one count whose own row does not tell of its result yet: a crash came in between.
    """
    ended = [row for row in rows("trials") if Status(row["status"]).ended]
    measured = {row["trial"]: row["kimg"] for row in rows("results")} if ended else {}
    return sum(
        row["best_value"] is None or measured.get(row["trial"], -1.0) == row["result_kimg"] for row in ended
    )


def goes_on(rungs: Sequence[float], asha: Callable[[], AshaConfig | None], rows: Rows) -> bool:
    """Say whether a trial goes on though all have ended, in a sweep that was cut off before it could.

    Args:
        rungs: Where trials are compared, in kimg.
        asha: Gives how, as `promoting` does.
        rows: The sweep's records.

    Raises:
        WorkError: If the rows do not fit the rungs.
    """
    stopped = {row["trial"] for row in rows("trials") if row["status"] == Status.STOPPED}
    compared = Asha.of(rungs, asha()) if stopped and rungs else None
    if compared is None:
        return False
    compared.recall(rows("rungs"))
    return compared.promotable(stopped, at_the_end=True) is not None
