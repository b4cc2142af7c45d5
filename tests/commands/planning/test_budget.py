"""Trials and rungs that fit a given time."""

from dataclasses import replace

import pytest
from commands.planning.test_forecast import COSTS

from sweep.commands.planning.budget import Fit, balanced, proposals
from sweep.commands.timed import at_most
from sweep.spec.specification import Spec, parse

HOUR = 3600.0


def spec(trials: int, more: str = "asha: {grace: 10, reduction: 3, variant: stop, unit: kimg}") -> Spec:
    return parse(
        "train: {kimg: 90, lr_g: {type: float, low: 1e-4, high: 1e-3}}\n"
        f"evaluate: {{every: 10, unit: kimg, n_fake: 256}}\nsearch: {{trials: {trials}}}\n{more}"
    )


@pytest.mark.parametrize("more", ["asha: {grace: 10, unit: kimg}", "asha: {grace: 4, unit: epochs}", ""])
@pytest.mark.parametrize("limit", [0.5 * HOUR, HOUR, 8 * HOUR])
def test_what_is_proposed_is_a_right_spec_that_fits(limit: float, more: str) -> None:
    study = spec(16, more)
    found = list(proposals(Fit(study, 1000, COSTS, limit)))
    assert found
    for one in found:
        assert one.wall.high <= limit
        changed = parse(study.to_yaml(), overrides=one.overrides)
        assert changed.search.trials == one.trials
        assert changed.schedule(1000).budget == pytest.approx(one.kimg)
    assert found[0].wall.high > 0.8 * limit or found[0].trials < 3, "more would have fitted"


def test_much_time_makes_trials_longer_and_little_time_shorter() -> None:
    _, longer = proposals(Fit(spec(16), 1000, COSTS, 20 * HOUR))
    assert longer.what == "longer trials"
    assert longer.kimg > 90
    assert longer.trials == 16
    few, shorter = proposals(Fit(spec(16), 1000, COSTS, 0.25 * HOUR))
    assert few.trials < 8
    assert shorter.what == "shorter trials"
    assert shorter.kimg < 90
    assert shorter.trials == 8


def test_nothing_fits_into_a_second() -> None:
    assert list(proposals(Fit(spec(16), 1000, COSTS, 1.0))) == []


@pytest.mark.parametrize("limit", [0.25 * HOUR, HOUR, 4 * HOUR, 20 * HOUR])
def test_what_uses_the_time_best_fits_and_leaves_little(limit: float) -> None:
    best = balanced(Fit(spec(16), 1000, COSTS, limit))
    assert best is not None
    assert best.wall.high <= limit
    assert best.wall.high > 0.7 * limit
    assert best.trials >= 8 or limit < HOUR


def test_much_time_goes_into_more_trials_and_longer_ones() -> None:
    best = balanced(Fit(spec(16), 1000, COSTS, 40 * HOUR))
    assert best is not None
    assert best.trials > 16
    assert best.kimg > 90


@pytest.mark.parametrize("limit", [HOUR, 8 * HOUR, 40 * HOUR])
def test_trials_do_not_run_out_before_the_time(limit: float) -> None:
    """Though the machine was four times as slow when it was measured, and every trial ends at its first rung."""
    busy = replace(COSTS, per_kimg=tuple(4 * seconds for seconds in COSTS.per_kimg))
    best = balanced(Fit(spec(16), 1000, busy, limit))
    assert best is not None
    shorter = parse(spec(16).to_yaml(), overrides=best.overrides)
    first = shorter.schedule(1000).rungs[0] * min(COSTS.per_kimg)
    assert at_most(best.trials) * first / COSTS.at_once > limit


def test_a_grid_has_as_many_trials_as_it_has() -> None:
    grid = parse(
        "train: {kimg: 90, loss: {type: categorical, choices: [bce, hinge]}}\n"
        "evaluate: {every: 10, unit: kimg, n_fake: 256}\nsearch: {sampler: grid, trials: 2}"
    )
    best = balanced(Fit(grid, 1000, COSTS, HOUR))
    assert best is not None
    assert not any(change.startswith("search.trials") for change in best.overrides)
    assert balanced(Fit(grid, 1000, COSTS, 1.0)) is None


@pytest.mark.parametrize("limit", [0.25 * HOUR, 20 * HOUR])
def test_all_times_of_a_spec_stretch_alike(limit: float) -> None:
    """Also that after which a trial has had its best: it lies no lower than the interval of evaluations."""
    study = spec(16, "asha: {grace: 10, reduction: 3, variant: stop, patience: 20, unit: kimg}")
    *_, stretched = proposals(Fit(study, 1000, COSTS, limit))
    changed = parse(study.to_yaml(), overrides=stretched.overrides)
    assert changed.asha is not None
    assert changed.asha.patience == pytest.approx(2 * changed.evaluate.every, rel=0.06)
    assert changed.evaluate.every != study.evaluate.every
