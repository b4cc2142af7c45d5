"""Read what became of trials that were trained on (`sweep continue`), beside what they began with.

They lie in ``continued/`` of the sweep's folder. They trained for longer than the trials of the sweep, so that they are
shown beside the ranking and never in it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ganlib.errors import WorkError
from ganlib.names import METRICS
from sweep import formatting
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.records.snapshots import finite
from sweep.records.sweep_info import SweepInfo
from sweep.storage import layout
from sweep.storage.folder import MissingFileError


@dataclass(frozen=True)
class Continued:
    """A trial that was trained on.

    Attributes:
        number: The number of the new trial, in ``SWEEP/continued``.
        trial: The trial of the sweep that it began with.
        where: That trial in words; of a confirmation, its run.
        began: Thousands of pictures that the ancestor had been shown.
        more: For how many thousand pictures it is trained on.
        status: How the new trial stands.
        before: The metric of the ancestor's result; None where that is not on record.
        value: The metric of the new trial's result; None where there is none yet.
        kimg: Where its generator was at its best, by its own clock.
    """

    number: int
    trial: int | None
    where: str
    began: float | None
    more: float
    status: str
    before: float | None
    value: float | None
    kimg: float | None


def read_continued(sweep: Sweep) -> Sequence[Continued]:
    """Read the trials of a sweep that were trained on; empty where none was.

    Raises:
        WorkError: if their records cannot be read.
    """
    folder = sweep.folder / layout.CONTINUED
    try:
        SweepInfo.read(folder, ("plan",))
    except MissingFileError:
        return []
    except WorkError as error:
        raise WorkError(f"{error}; delete {folder} to train on anew") from None
    own = {row["trial"]: finite(row["result"]) for row in sweep.store.rows("trials", ["result"])}
    found = []
    for row in Store(folder).rows("trials"):
        config = json.loads(row["config"])
        ancestor = config.get("ancestor") or {}
        trial, where = ancestor.get("trial"), ancestor.get("where") or ""
        found.append(
            Continued(
                number=row["trial"],
                trial=trial,
                where=where,
                began=ancestor.get("kimg"),
                more=config["train"]["kimg"],
                status=row["status"],
                before=own.get(trial) if where == f"trial {trial}" else None,
                value=finite(row["result"]),
                kimg=row["result_kimg"],
            )
        )
    return found


def sentences(sweep: Sweep, found: Sequence[Continued]) -> list[str]:
    """Say in a sentence each what came of training on."""
    label = METRICS[sweep.info.metric].name(sweep.info.extractor)
    told = []
    for one in found:
        value = (
            f"{label} {formatting.number(one.value)}" if one.value is not None else f"{one.status}, no result"
        )
        before = f", {formatting.number(one.before)} before" if one.before is not None else ""
        told.append(
            f"trained on: {one.where} for {formatting.kimg(one.more)} kimg more, as trial {one.number} of "
            f"{sweep.name}/{layout.CONTINUED}: {value}{before}; not ranked here, because it trained for longer"
        )
    return told


def as_dicts(found: Sequence[Continued]) -> list[dict[str, Any]]:
    """Give them as plain values."""
    return [asdict(one) for one in found]
