"""The ledger: a second copy of the rows of every trial.

``ledger/00007.json`` holds the rows of trial 7 in all datasets, behind a line with their SHA-256. A part that a disk
has damaged can be restored from it, and so can one that the driver had no time to write before it was lost: of a trial
that goes on, the driver writes the ledger first, else the parts. A worker reads in the file whether the worker's
attempt still counts, and whether its trial has ended.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from ganlib.digests import DamagedError, ForeignError, with_digest, without_digest
from ganlib.errors import WorkError
from sweep.records.datasets import Store
from sweep.records.parts.late import ORDER
from sweep.records.schemas import SCHEMAS
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError

MAGIC = b"sweep-ledger-1"
_TIMES = {
    dataset: [field.name for field in schema if pa.types.is_timestamp(field.type)]
    for dataset, schema in SCHEMAS.items()
}
_FLOATS = {
    dataset: {field.name for field in schema if pa.types.is_floating(field.type)}
    for dataset, schema in SCHEMAS.items()
}

Copy = dict[str, list[dict[str, Any]]]
"""The rows of one trial in each dataset."""


class DamagedLedgerError(WorkError):
    """A ledger that is torn or changed."""


def write(store: Store, trial: int) -> None:
    """Copy the rows of a trial in all datasets to its ledger.

    Raises:
        DamagedPartError: If a part of the trial cannot be read.
        StorageError: If the ledger cannot be written.
    """
    lists = (f'"{name}": [{", ".join(store.texts(name, trial))}]' for name in SCHEMAS)
    text = f"{{{', '.join(lists)}}}"
    store.folder.write(layout.ledger(trial), with_digest(MAGIC, text.encode()) + b"\n")


def read(folder: Folder, trial: int) -> Copy | None:
    """Read the ledger of a trial; None where there is none.

    Raises:
        DamagedLedgerError: If the file does not match its digest.
    """
    try:
        data = folder.read(layout.ledger(trial))
    except MissingFileError:
        return None
    try:
        text = without_digest(MAGIC, data[:-1])
    except (ForeignError, DamagedError):
        raise DamagedLedgerError(
            f"'{folder}/{layout.ledger(trial)}' is damaged: it does not match its digest"
        ) from None
    plain: Mapping[str, list[dict[str, Any]]] = json.loads(text)
    return {dataset: [_typed(dataset, row) for row in plain.get(dataset, [])] for dataset in SCHEMAS}


def trial_row(folder: Folder, trial: int) -> dict[str, Any] | None:
    """Read the row of a trial in ``trials`` from its ledger; None where the ledger is missing or damaged."""
    try:
        copy = read(folder, trial)
    except DamagedLedgerError:
        return None
    return copy["trials"][0] if copy and copy["trials"] else None


def _typed(dataset: str, row: dict[str, Any]) -> dict[str, Any]:
    """Convert the times of a row and its numbers that are not finite, which JSON holds as text."""
    texts = {name for name, value in row.items() if isinstance(value, str)} & _FLOATS[dataset]
    times = {name: datetime.fromisoformat(row[name]) for name in _TIMES[dataset] if row.get(name)}
    return row | times | {name: float(row[name]) for name in texts}


def beyond(folder: Folder, trial: int, part: Callable[[str, int], list[dict[str, Any]]]) -> Copy:
    """Find in the ledger of a trial that goes on what its parts do not have yet.

    Args:
        folder: The folder of the sweep.
        trial: The number of the trial.
        part: Gives the rows of a trial in a dataset.

    Returns:
        All rows of each dataset whose part is late; none where the ledger is missing or damaged.
    """
    try:
        copy = read(folder, trial) or {}
    except DamagedLedgerError:
        return {}
    found = {}
    for dataset in ORDER:
        rows, known = copy.get(dataset, []), part(dataset, trial)
        if len(rows) > len(known) or (dataset == "trials" and known and _stands(rows) > _stands(known)):
            found[dataset] = rows
    return found


def _stands(rows: list[dict[str, Any]]) -> tuple[int, float]:
    """Say how far a trial has come by its row: attempt, and kimg in it."""
    return (rows[0]["attempt"], rows[0]["kimg"] or 0.0) if rows else (-1, 0.0)


def status_of(folder: Folder, trial: int) -> str | None:
    """Look up how a trial stands by the driver's records; None where that cannot be known."""
    row = trial_row(folder, trial)
    return row["status"] if row else None


class SupersededError(WorkError):
    """A worker that was thought dead comes back, and its trial is another's now."""


def refuse_if_superseded(folder: Folder, trial: int, attempt: int) -> None:
    """Refuse to touch the files of a trial that has been handed out again.

    Raises:
        SupersededError: if a newer attempt is known.
    """
    row = trial_row(folder, trial)
    newest = row["attempt"] if row else -1
    if newest > attempt:
        raise SupersededError(f"attempt {attempt} of trial {trial} has been superseded by {newest}")
