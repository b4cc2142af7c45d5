"""Runs of a confirmation are compared with runs of the same budget alone; what went to another one is told."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.sweeps.looking import fine
from helpers.sweeps.synthetic import make_sweep

from sweep.commands.exporting.choosing import best_of
from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.report.page.sureness import sureness
from sweep.report.results import Results
from sweep.results import choice
from sweep.results.confirming.confirmation import Confirmation, read_confirmation
from sweep.results.ranking import board_of
from sweep.storage.opening import open_folder

Outcome = tuple[int, float, float | str]
"""Of a run: the trial whose configuration it has, its budget in kimg, and its result or its verdict."""


def confirmed(
    tmp_path: Path, budget: float, runs: Sequence[Outcome], own: float | None = None, **more: Any
) -> tuple[Sweep, Confirmation]:
    """A sweep of three trials with a budget, and these runs of its confirmation."""
    sweep = make_sweep(tmp_path, trials=3, pictures=False, info={"budget": budget})
    if more:
        spec = {**sweep.spec(), **more}
        sweep.folder.write("spec.yaml", yaml.safe_dump(spec).encode())
    plan = [{"trial": trial, "seed": 100 + number} for number, (trial, _, _) in enumerate(runs)]
    facts = {"plan": plan, "metric": "kid", "budget": own or budget}
    sweep.folder.write("confirm/sweep.json", json.dumps(facts).encode())
    for number, (_, kimg, outcome) in enumerate(runs):
        row = {"trial": number, "config": json.dumps({"train": {"kimg": kimg}}), "kimg": kimg}
        if isinstance(outcome, str):
            row |= {"status": "collapsed", "verdict": outcome}
        else:
            row |= {"status": "finished", "result": outcome, "result_kimg": kimg, "best_value": outcome}
        Store(sweep.folder / "confirm").put_trial(row)
    found = read_confirmation(sweep)
    assert found is not None
    return sweep, found


SHORT: list[Outcome] = [(0, 120, 0.5), (0, 120, 0.51), (0, 120, 0.52)]
LONG: list[Outcome] = [(2, 240, 0.2), (2, 240, 0.21), (2, 240, 0.22)]


def test_runs_to_the_budget_that_the_sweep_has_by_now_are_counted_alone(tmp_path: Path) -> None:
    _, found = confirmed(tmp_path, 240, [*SHORT, *LONG, (0, 240, 0.1)])
    short, long = found.of(0), found.of(2)
    assert short is not None
    assert long is not None
    assert short.values == [0.1]
    assert [run.value for run in short.uncounted] == [0.5, 0.51, 0.52]
    assert long.values == [0.2, 0.21, 0.22]
    assert found.comparison is None, "one of them has one run alone"
    assert found.chances == {}


def test_how_many_are_not_counted_is_told_with_the_reason(tmp_path: Path) -> None:
    told = "not counted: 3 runs to another budget, because by now it is 240 kimg"
    sweep, found = confirmed(tmp_path, 240, [*SHORT, *LONG])
    assert found.told_uncounted == f"{told} ('sweep confirm' trains fresh seeds to that)"
    lines = fine("best", "--storage", tmp_path).splitlines()
    assert "confirmed: trial 0: one seed" in lines
    assert f"confirmed: {found.told_uncounted}" in lines
    plain = json.loads(fine("best", "--json", "--storage", tmp_path))["confirmation"]
    assert plain["budget"] == 240
    by_trial = {one["trial"]: one for one in plain["configurations"]}
    assert by_trial[0]["uncounted"] == [0.5, 0.51, 0.52]
    assert by_trial[0]["values"] == []
    assert "3 runs to another budget" in sureness(Results.read([sweep])).words
    _, found = confirmed(tmp_path / "again", 240, [*SHORT, *LONG, (0, 240, 0.1)])
    assert found.told_uncounted == told
    _, found = confirmed(tmp_path / "all", 240, LONG)
    assert found.told_uncounted == ""


def test_a_collapse_counts_whatever_the_budget(tmp_path: Path) -> None:
    """The longer run begins as the shorter one did."""
    _, found = confirmed(tmp_path, 240, [(0, 120, "d_saturated"), (0, 120, 0.4), *LONG])
    dead = found.of(0)
    assert dead is not None
    assert dead.lost == {"d_saturated": 1}
    assert [one.trial for one in found.able] == [2]


def test_before_the_next_confirmation_the_first_trial_wins_unless_it_lost_seeds(tmp_path: Path) -> None:
    first, second = (entry.trial for entry in board_of(make_sweep(tmp_path, 3, pictures=False)).ranked[:2])
    better: list[Outcome] = [(second, 120, 0.2 + seed / 100) for seed in range(3)]
    worse: list[Outcome] = [(first, 120, 0.5 + seed / 100) for seed in range(3)]
    sweep, found = confirmed(tmp_path / "short", 120, [*better, *worse])
    assert choice.winner(sweep, board_of(sweep), found) == second
    sweep, found = confirmed(tmp_path / "extended", 240, [*better, *worse])
    assert choice.winner(sweep, board_of(sweep), found) == first, "nothing is known of so long a training"
    died: list[Outcome] = [(first, 120, "d_saturated")] * 3
    sweep, found = confirmed(tmp_path / "died", 240, [*better, *died])
    assert choice.winner(sweep, board_of(sweep), found) == second


def test_the_best_generator_of_the_winning_configuration_is_exported_whatever_its_budget(
    tmp_path: Path,
) -> None:
    first = board_of(make_sweep(tmp_path, 3, pictures=False)).ranked[0].trial
    runs: list[Outcome] = [(first, 120, 1e-6), (first, 240, 0.2)]
    sweep, _ = confirmed(tmp_path / "extended", 240, runs)
    sweep.folder.write("confirm/checkpoints/00000/snapshot-000000120000.safetensors", b"weights")
    chosen, _ = best_of(sweep, board_of(sweep))
    assert (chosen.folder.name, chosen.number, chosen.value) == ("confirm", 0, 1e-6)


def test_where_time_alone_ends_trials_the_budget_is_that_of_the_runs_before(tmp_path: Path) -> None:
    """That of the sweep is then further than any trial comes."""
    timed = {"train": {"epochs": None, "kimg": None}, "search": {"time": "30m", "trials": 3}}
    _, found = confirmed(tmp_path, 9000, [*SHORT, *LONG], own=120, **timed)
    assert [len(one.values) for one in found.repeats] == [3, 0]
    assert "3 runs to another budget, because by now it is 120 kimg" in found.told_uncounted


def test_configurations_with_budgets_of_their_own_are_compared(tmp_path: Path) -> None:
    own = {"configs": [{"train.kimg": 120}, {"train.kimg": 130}, {"train.kimg": 240}]}
    _, found = confirmed(tmp_path, 240, [*SHORT, *LONG], **own)
    assert [len(one.values) for one in found.repeats] == [3, 3]
    assert found.told_uncounted == ""


@pytest.mark.parametrize("config", [None, "{}", '{"train": null}'])
def test_a_run_whose_budget_is_not_on_record_counts(config: str | None, tmp_path: Path) -> None:
    sweep, _ = confirmed(tmp_path, 240, SHORT)
    for number in range(3):
        Store(sweep.folder / "confirm").put_trial({"trial": number, "config": config})
    found = read_confirmation(open_sweep(open_folder(tmp_path), "faces"))
    assert found is not None
    assert len(found.repeats[0].values) == 3
