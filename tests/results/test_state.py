"""How a sweep stands: the same for lists, pages and whoever looks on, and what `sweep resume` would do."""

from pathlib import Path

import pytest
from helpers.sweeps.synthetic import KINDS, make_sweep

from sweep.api import Sweep as OfPython
from sweep.commands.watch import Watched
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.results import Results
from sweep.results.overview import Overview
from sweep.results.state import State
from sweep.storage.layout import LEASE, SPEC


def stands(sweep: Sweep) -> State:
    """Ask everybody who says how a sweep stands that nobody runs, or that is run itself."""
    listed, shown = Overview.of(sweep, sized=False).state, Results.read([sweep]).state
    watched = Watched(sweep)
    watched.refresh()
    assert listed is shown
    assert watched.complete is OfPython(sweep, "").done is (listed is State.DONE)
    return listed


def edited(sweep: Sweep, before: str, after: str) -> Sweep:
    text = sweep.spec_text()
    assert before in text
    sweep.folder.write(SPEC, text.replace(before, after).encode())
    return sweep


def ends(sweep: Sweep, number: int, **columns: object) -> Sweep:
    store = Store(sweep.folder, KINDS)
    row = store.trial(number)
    assert row is not None
    store.put_trial(row | columns)
    return sweep


@pytest.fixture
def ended(tmp_path: Path) -> Sweep:
    """Of six trials three were stopped, and one each has finished, collapsed and failed."""
    return make_sweep(tmp_path, trials=6, pictures=False)


def test_one_whose_trials_have_all_ended_is_done(ended: Sweep) -> None:
    assert stands(ended) is State.DONE


def test_one_that_has_trials_to_come_is_interrupted(tmp_path: Path) -> None:
    begun = make_sweep(tmp_path, trials=1, name="begun", running=True, pictures=False)
    begun.folder.delete(LEASE)
    assert stands(begun) is State.INTERRUPTED
    assert stands(make_sweep(tmp_path, trials=3, name="some", info={"trials": 4})) is State.INTERRUPTED


def test_one_that_was_cut_off_before_a_promotion_is_interrupted(ended: Sweep) -> None:
    """Its trials have all ended, and `sweep resume` trains one on; not where the time is over."""
    assert stands(edited(ended, "variant: stop", "variant: promote")) is State.INTERRUPTED
    assert stands(edited(ended, "metric: kid}", "metric: kid, time: 15m}")) is State.DONE


def test_one_that_was_cut_off_before_a_result_is_interrupted(ended: Sweep) -> None:
    """The driver died between the end of a trial and its result, or between that and the trial's own row."""
    stopped = next(
        row["trial"]
        for row in ended.store.rows("trials")
        if row["status"] == "stopped" and row["result_kimg"]
    )
    measured = ended.store.part("results", stopped)
    store = Store(ended.folder, KINDS)
    ends(ended, stopped, result=None, result_se=None, result_kimg=None)
    assert stands(ended) is State.INTERRUPTED
    store.replace("results", stopped, [])
    assert stands(ended) is State.INTERRUPTED
    store.replace("results", stopped, [measured[0] | {"kid": None, "kimg": None, "problem": "out of memory"}])
    assert stands(ended) is State.DONE, "it could not be measured, and is not tried again"


def test_one_that_ended_for_good_is_done_though_it_has_nothing_to_measure(ended: Sweep) -> None:
    failed = next(row["trial"] for row in ended.store.rows("trials") if row["status"] == "failed")
    Store(ended.folder, KINDS).replace("results", failed, [])
    ends(ended, failed, best_value=None, best_kimg=None, result=None, result_se=None, result_kimg=None)
    assert stands(ended) is State.DONE


def test_one_runs_while_somebody_does_it(tmp_path: Path) -> None:
    """And is interrupted when that one has died, whatever its trials' rows say."""
    sweep = make_sweep(tmp_path, trials=4, running=True, pictures=False)
    assert stands(sweep) is State.RUNNING
    sweep.folder.delete(LEASE)
    assert stands(sweep) is State.INTERRUPTED


def test_records_that_contradict_each_other_are_not_done(ended: Sweep) -> None:
    """And do not keep the others from being listed."""
    edited(ended, "variant: stop", "variant: promote")
    store = Store(ended.folder, KINDS)
    store.replace("rungs", 0, [row | {"rung_kimg": 77.0} for row in store.part("rungs", 0)])
    assert stands(ended) is State.INTERRUPTED
