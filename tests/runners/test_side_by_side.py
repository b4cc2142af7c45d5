"""The loop that trains trials side by side without Ray, with a pack made up from formulas."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.sweeps.directing import (
    Boom,
    Breaking,
    Fast,
    Machines,
    die,
    drive,
    make,
    no_space,
    records,
    said,
    work,
)

from sweep.runners import local
from sweep.runners.local import LocalRunner
from sweep.spec.sections import ResourcesConfig
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Assignment, Fault, Pulse, Report

MOST_TURNS = 500
"""More than a sweep of five trials takes."""


class Pack:
    """Trials of `helpers.sweeps.directing.work`, each of which says that it lives before each report."""

    def __init__(self, folder: LocalFolder) -> None:
        self.folder, self.turns = folder, 0
        self._slots: dict[tuple[int, int], Iterator[Report]] = {}
        self._wanted: set[tuple[int, int]] = set()

    def __len__(self) -> int:
        return len(self._slots)

    def begin(self, assignment: Assignment) -> None:
        """Take in a trial."""
        attempt = assignment.trial, assignment.attempt
        self._slots[attempt] = self._lives(assignment)
        self._wanted.add(attempt)

    def _lives(self, assignment: Assignment) -> Iterator[Report]:
        for report in work(self.folder, assignment):
            yield said(assignment, Pulse)
            yield report

    def want(self, attempt: tuple[int, int]) -> None:
        """Let it go on."""
        self._wanted.add(attempt)

    def leave(self, attempt: tuple[int, int]) -> None:
        """Let it go."""
        del self._slots[attempt]

    def round(self) -> Iterator[tuple[tuple[int, int], Report | Fault]]:
        """Give each a turn."""
        self.turns += 1
        assert self.turns < MOST_TURNS, "the runner waits for what will never come"
        for attempt in sorted(self._wanted):
            self._wanted.discard(attempt)
            try:
                yield attempt, next(self._slots[attempt])
            except (Boom, StorageError) as error:
                del self._slots[attempt]
                yield attempt, Fault("error" if isinstance(error, Boom) else "storage", str(error))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[LocalFolder], str | None]:
    """Runs a sweep of five trials, two at a time; gives why it halted."""

    def run(folder: LocalFolder) -> str | None:
        monkeypatch.setattr(local, "Pack", lambda gpu, room: Pack(folder))
        runner = LocalRunner(ResourcesConfig())
        runner.slots = 2
        director = make(folder, room=Machines())
        runner.run(director, lambda: None)
        director.abandon()
        return director.halted

    return run


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_disk_that_is_full_from_any_write_on_ends_it(
    after: bool, run: Callable[[LocalFolder], str | None], tmp_path: Path
) -> None:
    """At evaluations, events, ends, results: each is told to stop, and none is waited for."""
    whole = Breaking(tmp_path / "whole", 0, die, False, False)
    assert run(whole) is None
    for nth in range(1, len(whole.paths) + 1, 3):
        place = tmp_path / str(nth)
        assert "full" in (run(Breaking(place, nth, no_space, after, True)) or ""), f"write {nth}"
        drive(make(Fast(place)), Fast(place))
        statuses = [row["status"] for row in records(Fast(place))["trials"]]
        assert statuses == ["finished", "collapsed", "failed", "stopped", "collapsed"], f"write {nth}"
