"""What a director writes down: each trial in its rows and once more in its ledger."""

from collections.abc import Mapping
from typing import Any

from sweep.records import compaction, ledger
from sweep.records.datasets import Store, by_trial
from sweep.records.trial_state import Trial

COMPACT_EVERY = compaction.MANY
"""After so many trials that have nothing left to do, there may be enough loose parts."""


def remembered(store: Store, metric: str) -> list[tuple[Trial, list[dict[str, Any]]]]:
    """Read all trials of a sweep from its records, each with its rows of ``metrics``.

    Raises:
        WorkError: if a dataset cannot be read.
    """
    # Trials first: the reverse order could show a trial's end without its last evaluation.
    records = store.rows("trials")
    metrics, results = by_trial(store.rows("metrics")), by_trial(store.rows("results"))
    found = []
    for record in records:
        rows = metrics.get(record["trial"], [])
        found.append((Trial.remembered(record, rows, metric, results.get(record["trial"], [])), rows))
    return found


class Records:
    """The records of a running sweep, of which it is the only writer.

    All methods raise `sweep.storage.folder.StorageError` where nothing can be written.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._settled = 0

    def put(self, trial: Trial, **columns: Any) -> None:  # noqa: ANN401
        """Write down how a trial stands; ``columns`` of ``trials`` keep what they were until they are named again."""
        self.store.put_trial(trial.row() | columns)
        ledger.write(self.store, trial.number)

    def event(self, trial: Trial, kind: str, detail: Mapping[str, Any]) -> None:
        """Write down that something happened to a trial."""
        row = {"trial": trial.number, "attempt": trial.attempt, "kimg": trial.kimg, "kind": kind}
        self.store.add("events", row | {"detail": dict(detail)})

    def evaluation(self, row: Mapping[str, Any], sample: Mapping[str, Any]) -> bool:
        """Write down an evaluation; False if it was on record."""
        self.store.add("samples", sample)
        # Last, because with it the evaluation counts as recorded.
        return self.store.add("metrics", row)

    def result(self, trial: Trial, row: Mapping[str, Any]) -> dict[str, Any]:
        """Write down a trial's result, in the place of an earlier one; returns its row of ``results``."""
        self.store.replace(
            "results", trial.number, [{"trial": trial.number, "attempt": trial.attempt, **row}]
        )
        return self.store.part("results", trial.number)[0]

    def settled(self) -> None:
        """Take note that one more trial has nothing left to do: from time to time, the datasets are compacted."""
        self._settled += 1
        if self._settled % COMPACT_EVERY == 0:
            self.store.compact()
