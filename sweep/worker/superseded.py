"""Tell a worker that its trial is another's by now."""

from ganlib.errors import WorkError
from sweep.records import ledger
from sweep.storage.folder import Folder


class SupersededError(WorkError):
    """A worker that was thought dead comes back, and its trial is another's now."""


def refuse_if_superseded(folder: Folder, trial: int, attempt: int) -> None:
    """Refuse to touch the files of a trial that has been handed out again.

    Raises:
        SupersededError: if the ledger knows a newer attempt.
    """
    row = ledger.trial_row(folder, trial)
    newest = row["attempt"] if row else -1
    if newest > attempt:
        raise SupersededError(f"attempt {attempt} of trial {trial} has been superseded by {newest}")
