"""Read everything of a folder, damaged or not, for ``sweep check``."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from ganlib.errors import WorkError
from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.records.parts.copies import Parts
from sweep.records.parts.sealed import DamagedPartError, check_seal, readable
from sweep.records.retention import to_extend
from sweep.records.schemas import SCHEMAS
from sweep.records.status import RESUMABLE, Status
from sweep.records.sweep_info import NEEDED, SweepInfo
from sweep.records.trial_state import Trial
from sweep.search.left import nothing_left
from sweep.spec.specification import Spec, parse
from sweep.storage import layout
from sweep.storage.folder import Folder
from sweep.storage.layout import SPEC
from sweep.storage.lease import living

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        path: The file or folder in question, relative to the sweep's folder.
        what: One sentence.
        mend: Puts it right; None where that cannot be done.
    """

    path: str
    what: str
    mend: Callable[[], None] | None = field(default=None, compare=False)


@dataclass
class Found:
    """All that could be read of a sweep, and what could not.

    Attributes:
        parts: By dataset and trial: the rows.
        running: Whether a driver lives: then what it is writing now is not judged.
        late: Of those, what a driver had no time to write, and its ledgers have.
        damage: What could not be read.
        damaged: The paths of what could not be read.
    """

    folder: Folder
    spec: Spec
    info: SweepInfo
    store: Store
    running: bool
    parts: dict[tuple[str, int], Rows] = field(default_factory=dict)
    late: dict[tuple[str, int], Rows] = field(default_factory=dict)
    damage: list[Finding] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    _remembered: dict[int, Trial] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Folder) -> "Found":
        """Read everything that the folder of a sweep holds.

        Raises:
            WorkError: if ``spec.yaml`` or ``sweep.json`` is missing or broken: the rest says nothing without them.
        """
        spec = parse(folder.read(SPEC).decode(errors="replace"), f"{folder}/{SPEC}")
        info = SweepInfo.read(folder, NEEDED)
        info.check_columns(Store(folder))
        store = Store(folder, spec.space.kinds())
        found = cls(folder, spec, info, store, living(folder) is not None)
        for dataset in SCHEMAS:
            copied = Parts.of(folder, dataset).rows()
            for name in folder.names(dataset):
                found._read(dataset, name, copied.get(name))
        found._bring_up()
        found.damaged = {finding.path for finding in found.damage}
        return found

    def _read(self, dataset: str, name: str, copy: Rows | None) -> None:
        path = f"{dataset}/{name}"
        trial = layout.trial_of(name)
        drop = partial(self.folder.delete, path)
        if not layout.is_part(name):
            self.damage.append(Finding(path, "is no part of this dataset", drop))
            return
        try:
            rows = checked_part(self.store, dataset, trial, copy)
        except DamagedPartError as error:
            if trial is None:
                self.damage.append(Finding(path, f"{reason(error)}; what it said cannot be restored", drop))
            else:
                self.damage.append(Finding(path, reason(error), self.from_ledger(dataset, trial)))
            return
        if trial is not None:
            self.parts[dataset, trial] = rows

    def _bring_up(self) -> None:
        """Take what the driver had no time for from the ledgers: `sweep resume` does the same, and it is no fault."""
        going = [
            trial
            for (dataset, trial), rows in self.parts.items()
            if dataset == "trials" and rows and rows[0]["status"] in RESUMABLE
        ]
        for trial in going:
            for dataset, rows in ledger.beyond(self.folder, trial, self.rows).items():
                self.parts[dataset, trial] = self.late[dataset, trial] = rows

    def from_ledger(self, dataset: str, trial: int) -> Callable[[], None] | None:
        """Make the function that puts a part back as the ledger has it; None where the ledger cannot."""
        try:
            copy = ledger.read(self.folder, trial)
        except ledger.DamagedLedgerError:
            return None
        return None if copy is None else partial(self.store.replace, dataset, trial, copy[dataset])

    @cached_property
    def trials(self) -> dict[int, dict[str, Any]]:
        """The rows of ``trials`` by number."""
        return {
            trial: rows[0] for (dataset, trial), rows in sorted(self.parts.items()) if dataset == "trials"
        }

    @cached_property
    def waiting(self) -> set[int]:
        """The trials that a rung or the end of the time has stopped and that may go on: they need their checkpoints."""
        promotes = self.spec.asha is not None and self.spec.asha.promotes
        able = {Status.EXPIRED, Status.STOPPED} if promotes else {Status.EXPIRED}
        waiting = {trial for trial, row in self.trials.items() if row["status"] in able}
        waiting -= {row["trial"] for row in self._all("rungs") if row["alike"]}
        with suppress(WorkError):  # what is damaged is told elsewhere
            if nothing_left(self.info, self.spec.promoting, self._all):
                return to_extend(map(self.remembered, self.trials), lambda one: one.number in waiting)
        return waiting

    def _all(self, dataset: str) -> Rows:
        """List the rows of all trials in a dataset."""
        return [row for (name, _), part in self.parts.items() if name == dataset for row in part]

    def rows(self, dataset: str, trial: int) -> Rows:
        """Look up the rows of one part; none where the part is not there or cannot be read."""
        return self.parts.get((dataset, trial), [])

    def remembered(self, trial: int) -> Trial:
        """Make a trial from its records."""
        if trial not in self._remembered:
            rows, results = self.rows("metrics", trial), self.rows("results", trial)
            record, search = self.trials[trial], self.spec.search
            self._remembered[trial] = Trial.remembered(record, rows, search, results)
        return self._remembered[trial]

    def budget(self, trial: int) -> float:
        """Find the budget of a trial in kimg as it was when the trial was last handed out: it may have grown."""
        row = self.trials[trial]
        try:
            return float(json.loads(row["config"])["train"]["kimg"])
        except (TypeError, ValueError, KeyError):  # none on record, or one that is damaged
            pass
        return self.spec.trial_budget(json.loads(row["params"]), self.info.schedule)

    @property
    def due(self) -> list[int]:
        """The trials that have ended and wait to be measured, which is no fault: ``sweep resume`` does it."""
        return [number for number in self.trials if self.remembered(number).due]

    def settled(self, trial: int) -> bool:
        """Tell whether nothing can be in flight for a trial."""
        return not self.running or self.trials[trial]["status"] not in RESUMABLE


def checked_part(store: Store, dataset: str, trial: int | None, copy: Rows | None) -> Rows:
    """Read the rows of one part, of whose bytes each is checked.

    Args:
        store: The datasets of the sweep.
        dataset: The name of the dataset.
        trial: The number of the trial; None for the events of the sweep itself.
        copy: The rows that the part had as it was last written, which spare reading more than the digest.

    Raises:
        DamagedPartError: if the part is not as it was written, or cannot be read.
    """
    if copy is not None:
        path = layout.part(dataset, trial)
        data = store.folder.read(path)
        with readable(store.folder, path):
            if check_seal(data):
                return copy
    return store.part(dataset, trial)


def reason(error: Exception) -> str:
    """Say what an error says, without the path that stands before it."""
    return str(error).partition("' ")[2] or str(error)
