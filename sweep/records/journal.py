"""The records that a director writes: each trial in its rows of the datasets and once more in its ledger."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from ganlib.names import MEASURED
from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.records.event_kind import EventKind
from sweep.records.parts import compaction
from sweep.records.parts.late import Late
from sweep.records.rows import Row, by_trial, in_turn
from sweep.records.status import RESUMABLE
from sweep.records.trial_state import Trial
from sweep.spec.sections import SearchConfig

COMPACT_EVERY = compaction.MANY
"""After so many trials that have nothing left to do, there may be enough loose parts."""
COMPACT_SHARE = 16
"""Of many trials, this part may be loose before their datasets are compacted again."""


def remembered(store: Store, search: SearchConfig) -> Iterator[tuple[Trial, list[Row]]]:
    """Read all trials of a sweep from its records; the rows of many trials are never in memory together.

    Args:
        store: The datasets of the sweep.
        search: What is searched for.

    Yields:
        Each trial with its rows of ``metrics``, by number.

    Raises:
        WorkError: If a dataset cannot be read.
    """
    # Trials first: the reverse order could show a trial's end without its last evaluation.
    trials = store.table("trials").drop_columns(["config"])
    metrics = groupby(in_turn(store.table("metrics")), key=lambda row: int(row["trial"]))
    results = by_trial(store.rows("results"))
    number, evaluations = next(metrics, (-1, iter(())))
    for row in in_turn(trials):
        while 0 <= number < row["trial"]:
            number, evaluations = next(metrics, (-1, iter(())))
        rows = list(evaluations) if number == row["trial"] else []
        yield Trial.remembered(row, rows, search, results.pop(row["trial"], [])), rows


def bring_up(store: Store) -> None:
    """Write the parts that a lost driver had no time for, from the ledgers of the trials that went on.

    Args:
        store: The datasets of the sweep, of which nobody else writes any.

    Raises:
        WorkError: If a dataset cannot be read, or a part not be written.
    """
    for row in store.rows("trials", ["status"]):
        if row["status"] in RESUMABLE:
            for dataset, rows in ledger.beyond(store.folder, row["trial"], store.part).items():
                store.replace(dataset, row["trial"], rows)


class Records:
    """The records of a running sweep, written by its director alone.

    All methods raise `sweep.storage.folder.StorageError` where nothing can be written. What `evaluation` and the rungs
    are told of a trial is on record when `put` has been called for it.

    Args:
        store: The datasets of the sweep.
    """

    def __init__(self, store: Store) -> None:
        self.store, self.now = store, store.now
        self.late = store.late = Late()
        self._settled = 0
        self._done = set[int]()
        self._compact_at = COMPACT_EVERY

    def begin(self, trial: Trial) -> None:
        """Take in a trial that was never handed out, and so has nothing on record."""
        self.store.expect_new(trial.number)

    def put(self, trial: Trial, goes_on: bool = False, **columns: Any) -> None:  # noqa: ANN401
        """Write a trial's row of ``trials`` and all else that is known of it.

        Args:
            trial: The trial.
            goes_on: Whether it trains on after an evaluation; then its parts may be late (`keep_up`).
            columns: Further columns of the row; a column that is not named keeps its value.
        """
        self.store.put_trial(trial.row() | columns)
        if not goes_on:
            self.store.catch_up(trial.number)
        ledger.write(self.store, trial.number)
        self.keep_up()

    def keep_up(self) -> None:
        """Write parts that are late, if there is time."""
        self.store.catch_up()

    def event(self, trial: Trial, kind: EventKind, detail: Mapping[str, Any]) -> None:
        """Write an event of a trial, at the time of the call.

        Args:
            trial: The trial.
            kind: The kind of the event.
            detail: The particulars, as JSON-like values.
        """
        row = {"trial": trial.number, "attempt": trial.attempt, "kimg": trial.kimg, "kind": kind}
        self.store.catch_up(trial.number)  # what it follows from
        self.store.add("events", row | {"detail": dict(detail)})

    def evaluation(self, row: Mapping[str, Any], sample: Mapping[str, Any]) -> bool:
        """Take in an evaluation and its samples.

        Args:
            row: The row of ``metrics``.
            sample: The row of ``samples``.

        Returns:
            Whether the evaluation is new; False if it was on record.
        """
        self.store.add("samples", sample)
        return self.store.add("metrics", row)

    def result(self, trial: Trial, row: Mapping[str, Any]) -> dict[str, Any]:
        """Write the result of a trial in place of an earlier one.

        Returns:
            The row of ``results``, with every column.
        """
        self.store.replace(
            "results", trial.number, [{"trial": trial.number, "attempt": trial.attempt, **row}]
        )
        return self.store.part("results", trial.number)[0]

    def open_again(self, trial: Trial, kind: EventKind, detail: Mapping[str, Any]) -> None:
        """Make an ended trial one that can be resumed; its result so far becomes an event.

        Args:
            trial: The trial.
            kind: Why it goes on.
            detail: The particulars, to which the result is added.
        """
        result = trial.result or {}
        told = {name: result.get(name) for name in (*MEASURED, "n_fake", "kimg")}
        self.event(trial, kind, {**detail, "result": told})
        self.store.replace("results", trial.number, [])
        self._done.discard(trial.number)
        trial.reopen()
        self.put(trial)

    def settled(self, trial: Trial) -> None:
        """Take note that a trial has nothing left to do.

        From time to time the datasets are compacted, which begins with a look at all parts: the more trials there are,
        the less often. Rows that a copy holds leave the memory then.
        """
        self._settled += 1
        self._done.add(trial.number)
        if self._settled >= self._compact_at:
            self._done = self.store.compact(self._done)
            self._compact_at = self._settled + max(COMPACT_EVERY, self._settled // COMPACT_SHARE)
