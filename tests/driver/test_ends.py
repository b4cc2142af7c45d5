"""The director by itself, ended at any moment: what it takes up again comes to the same results."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.directing import (
    COLLAPSES,
    FAILS,
    FINISHES,
    STOPS,
    Breaking,
    Fast,
    Killed,
    begun,
    die,
    drive,
    full,
    handed,
    make,
    no_space,
    records,
    result,
    said,
    told,
    trial_of,
)

from sweep.driver.events import Next
from sweep.search.trial_source import PastTrial
from sweep.storage import layout
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Fault, Paused


def test_interrupted_while_it_is_measured(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 4.0)
    director.interrupt()
    assert director.report(said(assignment, Paused)) is False
    director.abandon()
    assert trial_of(folder)["status"] == "finished"
    assert told(director) == []
    again = make(folder, trials=1)
    assert told(again) == []
    assert again.trials[0].due
    second = handed(again)
    assert [one.kimg for one in second.to_measure or ()] == [3.0]
    assert again.report(result(second, 3.0)) is False
    assert [past.value for past in told(again)] == [pytest.approx(0.105)]
    assert again.next() is Next.DONE


@pytest.mark.parametrize("asked_to_stop", [False, True])
def test_a_runner_that_ends_leaves_what_is_due(asked_to_stop: bool, folder: LocalFolder) -> None:
    director = make(folder, trials=2)
    begun(director, 4.0)
    if asked_to_stop:
        director.interrupt()
        director.fail(0, 0, Fault("died", "killed with all others"))
    director.abandon()
    assert trial_of(folder)["status"] == "finished"
    drive(make(folder, trials=2), folder)
    assert [row["trial"] for row in records(folder)["results"]] == [0, 1]


def test_a_disk_that_is_full_when_the_result_comes(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    director = make(folder, trials=1)
    assignment = begun(director, 4.0)
    with monkeypatch.context() as patch:
        patch.setattr(LocalFolder, "write", full)
        assert director.report(result(assignment, 3.0)) is False
    assert director.halted == "the disk is full"
    assert director.stopping
    director.abandon()
    assert told(director) == []
    assert trial_of(folder)["result"] is None
    drive(again := make(folder, trials=1), folder)
    assert trial_of(folder)["result"] == pytest.approx(0.105)
    assert len(told(again)) == 1


Undisturbed = tuple[dict[str, Any], list[str], list[PastTrial], bool]
"""Its records, the files in the order of their writing, what the study was told, whether the driver was in a hurry."""


@pytest.fixture(scope="module", params=[False, True], ids=["with time", "in a hurry"])
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A run that nothing happens to."""
    folder = Breaking(tmp_path_factory.mktemp("undisturbed"), 0, die, False, False)
    drive(director := make(folder, hurried=request.param), folder)
    return records(folder), folder.paths, told(director), request.param


def test_five_fates(undisturbed: Undisturbed) -> None:
    found, _, said_to, _ = undisturbed
    statuses = ["finished", "collapsed", "failed", "stopped", "collapsed"]
    assert [row["status"] for row in found["trials"]] == statuses == [past.state for past in said_to]
    results = {row["trial"]: row["kimg"] for row in found["results"]}
    assert results == {FINISHES: 3.0, COLLAPSES: 1.0, FAILS: 1.0, STOPS: 2.0}
    assert [row["result_kimg"] for row in found["trials"]] == [3.0, 1.0, 1.0, 2.0, None]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("happen", "lasting"),
    [(die, False), (no_space, False), (no_space, True)],
    ids=["killed", "once", "full"],
)
def test_whenever_it_ends_every_trial_has_its_result_in_the_end(
    happen: Callable[[], None],
    lasting: bool,
    after: bool,
    undisturbed: Undisturbed,
    tmp_path: Path,
) -> None:
    """Around the writing of each result and of the first trial's start, and at many other writes."""
    expected, paths, said_to, hurried = undisturbed
    results = [nth for nth, path in enumerate(paths, start=1) if path.startswith("results/")]
    moments = {1, *range(5 + 2 * after + lasting, len(paths) + 1, 4 if hurried else 9)}
    for nth in sorted(moments | {nth + more for nth in results for more in (-1, 0, 1)}):
        place = tmp_path / str(nth)
        broken = Breaking(place, nth, happen, after, lasting)
        with contextlib.suppress(Killed):
            drive(make(broken, hurried=hurried), broken)
        folder = Fast(place)
        drive(director := make(folder, hurried=hurried), folder)
        assert records(folder) == expected, f"write {nth}"
        assert sorted(told(director), key=lambda past: past.number) == said_to, f"write {nth}"
        for number, row in enumerate(expected["trials"]):
            kept = folder.names(f"checkpoints/{number:05d}")
            assert not kept or kept == [layout.snapshot_name(row["result_kimg"])], f"write {nth}"
