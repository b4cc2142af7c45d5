"""Where the trials of a sweep ran, in `show` and in the report."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import KINDS, make_sweep

from sweep.records.datasets import Store
from sweep.results.places import Place, places, told


def row(
    trial: int, node: str | None, device: str | None = "cpu", train: float | None = 10.0
) -> dict[str, Any]:
    return {"trial": trial, "node": node, "device": device, "seconds_train": train, "seconds_eval": 5.0}


def test_time_is_added_up_by_device_and_machine() -> None:
    rows = [
        row(2, "b", "A100", 100),
        row(0, "a"),
        row(1, "a"),
        row(3, "a", "A100"),
        row(4, None),
        row(5, "b", None, None),
    ]
    assert places(rows) == [
        Place("b", "A100", [2], 105.0),
        Place("a", "cpu", [0, 1], 30.0),
        Place("a", "A100", [3], 15.0),
        Place("b", "unknown device", [5], 5.0),
    ]
    assert told(places(rows))[1] == "a, cpu: 30 s, trials 0-1"


def test_of_a_trial_that_moved_only_the_last_place_is_known() -> None:
    found = places([row(0, "a"), row(1, "b") | {"attempt": 2}])
    assert told(found)[-1] == "a trial that moved counts where it was last"
    assert told(found[:1]) == []


def test_one_place_is_no_news() -> None:
    assert told(places([row(0, "a"), row(1, "a")])) == []
    assert places([]) == []


@pytest.mark.parametrize("several", [True, False])
def test_show_and_report_say_it(several: bool, tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, 4, pictures=False)
    store = Store(sweep.folder, KINDS)
    for trial in range(4):
        node = f"node-{trial % 2}" if several else "node-0"
        store.put_trial({"trial": trial, "node": node, "device": "cpu"})
    storage = ("--storage", tmp_path)
    shown = run("show", "faces", *storage)
    assert shown.exit_code == 0, shown.output
    assert ("places" in shown.output) == several
    assert ("node-1, cpu: " in shown.output) == several
    found = json.loads(run("show", "faces", *storage, "--json").output)["summary"]["places"]
    assert sorted(place["node"] for place in found) == (["node-0", "node-1"] if several else ["node-0"])
    assert run("report", "faces", *storage, "--out", tmp_path / "r.html").exit_code == 0
    assert ("node-1, cpu: " in (tmp_path / "r.html").read_text()) == several
    assert ("node-1,cpu" in (tmp_path / "r-trials.csv").read_text()) == several
