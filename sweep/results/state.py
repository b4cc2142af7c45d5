"""Say how a sweep as a whole stands, for lists, pages and whoever looks on."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ganlib.errors import WorkError
from sweep.records.catalog import Sweep
from sweep.records.status import Status
from sweep.search.left import nothing_left
from sweep.storage import lease
from sweep.storage.called import called
from sweep.storage.folder import Folder

if TYPE_CHECKING:
    from sweep.spec.sections import AshaConfig

Row = dict[str, Any]


class State(StrEnum):
    """How a sweep as a whole stands."""

    RUNNING = "running"
    """Somebody runs it, as a lease says."""
    INTERRUPTED = "interrupted"
    """Nobody runs it, and there is more to come."""
    DONE = "done"
    """All its trials have ended and have been measured, and none goes on."""

    @property
    def words(self) -> str:
        """What pages say of it; empty where it is done."""
        return {State.RUNNING: "still running", State.INTERRUPTED: "interrupted"}.get(self, "")

    def told(self, folder: Folder) -> str:
        """Say it of the sweep in a folder, and what to do."""
        if self is not State.INTERRUPTED:
            return str(self)
        again = f"sweep resume {called(folder)}"
        return f"{self}: '{again}' goes on with it"


def state_of(sweep: Sweep, rows: Callable[[str], Sequence[Row]]) -> State:
    """Say how a sweep stands, whatever else runs in its folder.

    One whose records cannot be read or contradict each other is not done: ``sweep resume`` and ``check`` say why.

    Args:
        sweep: Which.
        rows: Gives the rows of its datasets.
    """
    with suppress(WorkError):
        if nothing_left(sweep.info, lambda: _promoting(sweep), rows):
            return State.DONE
    return State.RUNNING if lease.living(sweep.folder) else State.INTERRUPTED


def as_they_stand(folder: Folder, trials: Sequence[Row]) -> list[Row]:
    """Call interrupted what was running when its driver died: the trials' own rows cannot say so.

    Args:
        folder: Of the sweep.
        trials: Its rows of ``trials``.
    """
    if not any(row["status"] == Status.RUNNING for row in trials) or lease.living(folder):
        return list(trials)
    return [
        {**row, "status": str(Status.INTERRUPTED)} if row["status"] == Status.RUNNING else row
        for row in trials
    ]


def _promoting(sweep: Sweep) -> "AshaConfig | None":
    """Read of a spec only what is asked for: all of it takes as long as all else that a list says of a sweep."""
    spec = sweep.spec()
    asha, search = spec.get("asha"), spec.get("search")
    if not isinstance(asha, dict) or not isinstance(search, dict):
        return None
    from pydantic import ValidationError

    from sweep.spec.sections import AshaConfig, promoting  # which few sweeps need

    try:
        return promoting(AshaConfig.model_validate(asha), search.get("time"))
    except ValidationError:  # of another version, or edited
        return None
