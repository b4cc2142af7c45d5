"""Which parts are older than what is known, or not there yet, because the driver had no time to write them.

An evaluation of a trial that goes on is on record with the trial's ledger. The parts, which all others read, are
written in the same breath while that takes little of the driver's time, and later where it would take more.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

ORDER = ("samples", "metrics", "rungs", "trials")
"""The datasets whose parts may be late, in the order of writing: nobody is to read of an end before what came to it."""
SHARE = 0.15
"""Of a busy driver's time, so much may go into the parts of trials that go on."""
AT_ONCE = 1.0
"""So many seconds of it may be used together, after a while in which little was written."""


class Late:
    """The parts that are late, and whether there is time for them.

    Attributes:
        share: Of all time, so much may go into them; None for as much as they take.
    """

    def __init__(self) -> None:
        self.share: float | None = None
        self._waiting: dict[int, set[str]] = {}
        self._left, self._looked = 0.0, time.monotonic()

    def note(self, dataset: str, trial: int) -> None:
        """Take note that a part is older than what is known, or that there is none yet."""
        self._waiting.setdefault(trial, set()).add(dataset)

    def written(self, dataset: str, trial: int) -> None:
        """Take note that a part is as it should be."""
        if waiting := self._waiting.get(trial):
            waiting.discard(dataset)
            if not waiting:
                del self._waiting[trial]

    def of(self, trial: int) -> list[str]:
        """List the datasets whose parts of a trial are late, in the order in which they are to be written."""
        waiting = self._waiting.get(trial, ())
        return [dataset for dataset in ORDER if dataset in waiting]

    def trials(self, dataset: str) -> set[int]:
        """Tell the trials whose parts of a dataset are late."""
        return {trial for trial, datasets in self._waiting.items() if dataset in datasets}

    def turn(self) -> int | None:
        """Give the trial that has waited longest, if there is time for it."""
        now = time.monotonic()
        if self.share is not None:
            self._left = min(AT_ONCE, self._left + self.share * (now - self._looked))
        self._looked = now
        return next(iter(self._waiting), None) if self.share is None or self._left > 0 else None

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time that is spent meanwhile."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._left -= time.monotonic() - begun
