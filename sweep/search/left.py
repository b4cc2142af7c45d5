"""Tell from the records alone whether a sweep has anything left to do: what `resume` does, and `ls` and reports say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sweep.records.snapshots import finite
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.search.asha import Asha

if TYPE_CHECKING:
    from sweep.spec.sections import AshaConfig

Row = Mapping[str, Any]
Rows = Callable[[str], Sequence[Row]]
"""Gives the rows of a dataset by its name."""


def nothing_left(info: SweepInfo, asha: "Callable[[], AshaConfig | None]", rows: Rows) -> bool:
    """Say whether all trials have begun, ended and been measured, and none goes on.

    Args:
        info: The facts of the sweep.
        asha: Gives how trials are compared, as `promoting` does; not asked before all have ended.
        rows: The sweep's records.

    Raises:
        WorkError: If the rows do not fit the rungs.
    """
    trials = rows("trials")
    if not trials or len(trials) < info.trials or not all(Status(row["status"]).ended for row in trials):
        return False
    whole = ended_and_measured(trials, rows("results")) == len(trials)
    return whole and not goes_on(info.rungs, asha, trials, rows)


def ended_and_measured(trials: Iterable[Row], results: Iterable[Row]) -> int:
    """Count the trials with nothing left to do: those that ended, with a result if they have anything to measure.

    Nor does one count whose own row does not tell of its result yet: a crash came in between.

    Args:
        trials: The rows of the dataset ``trials``.
        results: Those of the dataset ``results``.
    """
    measured = {row["trial"]: row["kimg"] for row in results}
    return sum(
        Status(row["status"]).ended
        and (row["best_value"] is None or measured.get(row["trial"], -1.0) == row["result_kimg"])
        for row in trials
    )


def able(trials: Iterable[Row]) -> list[Row]:
    """List the rows of trials that can win: they have a value, and have not collapsed, failed or broken a wish.

    Args:
        trials: Rows of the dataset ``trials``.
    """
    in_play = (row for row in trials if not Status(row["status"]).out_of_play and not row["broken"])
    return [row for row in in_play if any(finite(row[name]) is not None for name in ("result", "best_value"))]


def goes_on(
    rungs: Sequence[float], asha: "Callable[[], AshaConfig | None]", trials: Sequence[Row], rows: Rows
) -> bool:
    """Say whether a trial goes on though all have ended, in a sweep that was cut off before it could.

    Args:
        rungs: Where trials are compared, in kimg.
        asha: Gives how, as `promoting` does.
        trials: The rows of the dataset ``trials``.
        rows: The sweep's records.

    Raises:
        WorkError: If the rows do not fit the rungs.
    """
    stopped = {row["trial"] for row in trials if row["status"] == Status.STOPPED}
    compared = Asha.of(rungs, asha()) if stopped and rungs else None
    if compared is None:
        return False
    compared.recall(rows("rungs"))
    gone = {row["trial"] for row in trials if Status(row["status"]).out_of_play}
    return compared.promotable(stopped, at_the_end=True, gone=gone) is not None
