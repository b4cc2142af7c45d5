"""The ledger: for every trial, a second copy of all that is on record of it.

``ledger/00007.json`` holds the rows of trial 7 in all datasets, behind a line with their SHA-256. The driver
writes it after the parts themselves, so that a part which a disk has damaged can be restored, and a worker
reads in it whether its own attempt still counts, and whether its trial has ended.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from ganlib.digests import DamagedError, ForeignError, with_digest, without_digest
from ganlib.errors import WorkError
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS, to_json
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError

MAGIC = b"sweep-ledger-1"

Copy = dict[str, list[dict[str, Any]]]
"""By dataset: the rows of one trial."""


class DamagedLedgerError(WorkError):
    """The copy itself is torn or changed."""


def write(store: Store, trial: int) -> None:
    """Copy what is on record of a trial."""
    text = to_json({name: store.part(name, trial) for name in SCHEMAS}, exact=True).encode()
    store.folder.write(layout.ledger(trial), with_digest(MAGIC, text) + b"\n")


def read(folder: Folder, trial: int) -> Copy | None:
    """The copy of a trial; None where there is none.

    Raises:
        DamagedLedgerError: if it is not whole.
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
    """The row of a trial in ``trials``; None where that cannot be known."""
    try:
        copy = read(folder, trial)
    except DamagedLedgerError:
        return None
    return copy["trials"][0] if copy and copy["trials"] else None


def _typed(dataset: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row with its times as times; JSON has kept the rest."""
    times = [field.name for field in SCHEMAS[dataset] if pa.types.is_timestamp(field.type)]
    return row | {name: datetime.fromisoformat(row[name]) for name in times if row.get(name)}
