"""Which generator is exported: the best result of the winning configuration, wherever it was trained."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ganlib.errors import RequestError
from ganlib.metrics.identity import Identity
from sweep.records.catalog import Sweep
from sweep.records.status import Status
from sweep.results import choice
from sweep.results.confirming.confirmation import Confirmation, label
from sweep.results.confirming.repeats import Repeats, Run
from sweep.results.leaderboard import Entry, Leaderboard
from sweep.storage.folder import Folder
from sweep.storage.opening import open_folder


def told_winner(sweep: Sweep, board: Leaderboard, found: Confirmation | None) -> str:
    return choice.told_winner(board, found, choice.winner(sweep, board, found))


def entry(
    trial: int, value: float, lr: float, status: Status = Status.FINISHED, measured: bool = True
) -> Entry:
    row = {"trial": trial, "status": status, "verdict": None, "param.train.lr_g": lr}
    return Entry(
        trial=trial,
        status=status,
        rank=1 if measured else None,
        value=value,
        kimg=10.0,
        kid=value,
        kid_se=0.004,
        fid=100 * value,
        measured=measured,
        seen=value,
        last=value,
        n_fake=512,
        floor=None,
        baseline=None,
        suspicion=None,
        reason=None if measured else f"{status}, so far {value}",
        row=row,
    )


def board(*entries: Entry) -> Leaderboard:
    ranked = sorted((e for e in entries if e.measured), key=lambda e: e.value or 0.0)
    return Leaderboard("kid", Identity(), ranked, [e for e in entries if not e.measured])


def found(**values: list[float]) -> Confirmation:
    number, repeats = 0, []
    for name, results in values.items():
        runs = [Run(number + i, 900 + number + i, value, 20.0) for i, value in enumerate(results)]
        repeats.append(Repeats(int(name[1:]), runs, {}, 0))
        number += len(runs)
    return Confirmation("kid", sorted(repeats, key=lambda r: r.mean or 0.0))


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return cast("Sweep", SimpleNamespace(folder=open_folder(tmp_path / "runs"), name="faces"))


def first(sweep: Sweep, ranked: Leaderboard, confirmed: Confirmation | None = None) -> choice.Choice:
    return choice.best(sweep, ranked, confirmed)[0]


def test_without_a_confirmation_the_best_trial_is_exported(sweep: Sweep) -> None:
    chosen = first(sweep, board(entry(3, 0.08, 1e-3), entry(5, 0.06, 2e-3)))
    assert (chosen.where, chosen.value, chosen.measured) == ("trial 5", 0.06, True)
    assert chosen.path == "checkpoints/00005/snapshot-000000010000.safetensors"


def test_a_run_of_the_confirmation_that_is_better_is_exported_and_named(sweep: Sweep) -> None:
    ranked = board(entry(5, 0.0706, 2e-3), entry(3, 0.09, 1e-3))
    chosen = first(sweep, ranked, found(t5=[0.081, 0.0651, 0.079]))
    assert chosen.value == 0.0651
    assert chosen.folder.name == "confirm"
    assert chosen.where == "run 1 of the confirmation (the configuration of trial 5, seed 901)"


def test_the_sweeps_own_result_is_exported_where_it_is_the_best(sweep: Sweep) -> None:
    assert first(sweep, board(entry(5, 0.05, 2e-3)), found(t5=[0.07, 0.06, 0.08])).where == "trial 5"


def test_the_better_mean_wins_where_it_can_be_told(sweep: Sweep) -> None:
    """A lucky seed of a configuration that is clearly worse on average does not win, but is told."""
    ranked = board(entry(1, 0.050, 1e-3), entry(2, 0.071, 2e-3))
    chosen = first(sweep, ranked, found(t1=[0.201, 0.199, 0.203], t2=[0.070, 0.072, 0.0695]))
    assert (chosen.of, chosen.value) == (2, 0.0695)
    assert "trial 1 has a better result of one seed" in (choice.better_elsewhere(ranked, chosen) or "")


def test_where_means_cannot_be_told_apart_the_best_result_decides(sweep: Sweep) -> None:
    ranked = board(entry(1, 0.050, 1e-3), entry(2, 0.071, 2e-3))
    assert first(sweep, ranked, found(t1=[0.08, 0.06, 0.1], t2=[0.07, 0.072, 0.0695])).where == "trial 1"
    assert (
        first(sweep, ranked, found(t1=[0.2, 0.06], t2=[0.07, 0.072])).where == "trial 1"
    )  # two seeds that differ so much say nothing


def test_a_new_first_trial_that_was_not_confirmed_wins(sweep: Sweep) -> None:
    ranked = board(entry(9, 0.04, 5e-3), entry(2, 0.071, 2e-3))
    assert first(sweep, ranked, found(t2=[0.07, 0.072, 0.0695])).where == "trial 9"


def dead(trial: int, pending: int = 0, **lost: int) -> Repeats:
    return Repeats(trial, [], lost, pending)


def beside(confirmed: Confirmation, *more: Repeats) -> Confirmation:
    return replace(confirmed, repeats=[*confirmed.repeats, *more])


def test_a_configuration_whose_fresh_seeds_all_died_does_not_win(sweep: Sweep) -> None:
    ranked = board(entry(7, 0.09, 1e-3), entry(3, 0.1, 2e-3), entry(5, 0.11, 3e-3))
    others = found(t3=[0.12, 0.13, 0.125], t5=[0.121, 0.131, 0.124])
    confirmed = beside(others, dead(7, d_saturated=3))
    assert {one.of for one in choice.best(sweep, ranked, confirmed)} == {3, 5}
    assert choice.winner(sweep, ranked, confirmed) == 3
    confirmed = beside(others, dead(7, pending=2, d_saturated=1))
    assert choice.winner(sweep, ranked, confirmed) == 3, "it has lost one already"
    confirmed = beside(others, dead(7, pending=3))
    assert choice.winner(sweep, ranked, confirmed) == 7, "nothing is known of it yet"


def test_where_nobody_else_has_a_value_the_best_that_lost_no_run_wins(sweep: Sweep) -> None:
    ranked = board(entry(7, 0.09, 1e-3), entry(3, 0.1, 2e-3), entry(5, 0.11, 3e-3))
    only = beside(found(), dead(7, d_saturated=3))
    assert choice.winner(sweep, ranked, only) == 3
    assert choice.winner(sweep, ranked, beside(only, dead(3, flat_image=1, pending=2))) == 5
    all_dead = beside(only, dead(3, flat_image=3), dead(5, flat_image=3))
    assert choice.winner(sweep, ranked, all_dead) == 7


def test_who_wins_in_the_place_of_the_first_trial_is_told(sweep: Sweep) -> None:
    ranked = board(entry(1, 0.050, 1e-3), entry(2, 0.071, 2e-3), entry(4, 0.072, 2e-3))
    confirmed = found(t1=[0.201, 0.199, 0.203], t2=[0.070, 0.072, 0.0695])
    assert told_winner(sweep, ranked, confirmed) == (
        "the configuration of trial 2 wins, not that of trial 1 ('sweep best --export' takes it)"
    )
    assert told_winner(sweep, ranked, found(t1=[0.07, 0.072, 0.0695])) == ""
    assert told_winner(sweep, ranked, None) == ""
    other = replace(ranked, metric="fid")
    assert choice.winner(sweep, other, confirmed) is None, "it was confirmed by another metric"
    assert choice.winner(sweep, replace(ranked, ranked=[]), confirmed) is None


def test_equal_configurations_are_one(sweep: Sweep) -> None:
    """Trial 4 has the configuration of trial 2, whose runs are its own, too."""
    ranked = board(entry(2, 0.09, 2e-3), entry(4, 0.08, 2e-3), entry(7, 0.081, 1e-3))
    choices = choice.best(sweep, ranked, found(t2=[0.079, 0.083, 0.08], t7=[0.2, 0.21, 0.2]))
    assert [one.value for one in choices] == [0.079, 0.08, 0.08, 0.083, 0.09]


def test_what_has_not_ended_is_measured_if_it_looks_better(sweep: Sweep) -> None:
    ranked = board(
        entry(1, 0.08, 1e-3),
        entry(2, 0.05, 2e-3, Status.INTERRUPTED, measured=False),
        entry(3, 0.09, 3e-3, Status.INTERRUPTED, measured=False),
        entry(4, 0.01, 4e-3, Status.COLLAPSED, measured=False),
    )
    (only,) = choice.unmeasured(sweep, ranked, 0.08)
    assert only.of == 2
    assert not only.measured
    assert "its best so far" in only.where
    provisional = replace(ranked, provisional=True)
    assert choice.unmeasured(sweep, provisional, 0.08) == []
    wished = replace(ranked, wishes=["coverage >= 0.5"])
    assert choice.unmeasured(sweep, wished, 0.08) == [], "nothing is known of what it fulfils"


def test_a_run_of_the_confirmation_that_breaks_a_wish_is_not_exported_and_is_told(sweep: Sweep) -> None:
    ranked = board(entry(5, 0.0706, 2e-3), entry(3, 0.09, 1e-3))
    confirmed = found(t5=[0.081, 0.0651, 0.079])
    (repeats,) = confirmed.repeats
    runs = [
        replace(run, broken="coverage 0.3, wanted >= 0.5" if run.number == 1 else "") for run in repeats.runs
    ]
    confirmed = replace(confirmed, repeats=[replace(repeats, runs=runs)])
    assert [one.value for one in choice.best(sweep, ranked, confirmed)] == [0.0706, 0.079, 0.081]
    assert "3 fresh seeds" in label(confirmed, 5)
    assert "1 result of these breaking a wish" in label(confirmed, 5)


def breaking(confirmed: Confirmation, trial: int) -> Confirmation:
    """The same, but all runs with the configuration of a trial break a wish."""
    repeats = [
        replace(one, runs=[replace(run, broken="coverage 0.3, wanted >= 0.5") for run in one.runs])
        if one.trial == trial
        else one
        for one in confirmed.repeats
    ]
    return replace(confirmed, repeats=repeats)


def test_a_configuration_none_of_whose_generators_fulfils_the_wishes_does_not_win(sweep: Sweep) -> None:
    """Its own trial was ranked when it was confirmed, and breaks a wish since it has trained longer."""
    ranked = board(entry(5, 0.07, 2e-3), entry(3, 0.09, 1e-3), entry(4, 0.05, 3e-3, measured=False))
    better = found(t4=[0.05, 0.052, 0.051], t5=[0.081, 0.0851, 0.079])
    assert choice.winner(sweep, ranked, better) == 4
    confirmed = breaking(better, 4)
    assert [one.value for one in choice.best(sweep, ranked, confirmed)] == [0.07, 0.079, 0.081, 0.0851]
    assert told_winner(sweep, ranked, confirmed) == (
        "the configuration of trial 5 wins ('sweep best --export' takes it)"
    ), "the means alone speak for trial 4"
    alone = breaking(found(t4=[0.05, 0.052, 0.051]), 4)
    assert [one.where for one in choice.best(sweep, ranked, alone)] == ["trial 5"]
    dead_first = beside(alone, dead(5, d_saturated=3))
    assert [one.where for one in choice.best(sweep, ranked, dead_first)] == ["trial 3"]


def test_nothing_to_export(sweep: Sweep) -> None:
    with pytest.raises(RequestError, match="nothing to export"):
        choice.best(sweep, board(), None)


def test_words() -> None:
    one: Any = choice.Choice(cast("Folder", None), 1, 1, 0.0706, 60.0, True, "trial 1")
    assert choice.words(one, board()) == "trial 1: KID 0.0706, of the generator at 60 kimg"
