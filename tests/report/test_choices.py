"""Choices beside each other: made-up trials whose fates are known, and the words on the page."""

from pathlib import Path

import pytest
from helpers.sweeps.reports import page_of
from helpers.sweeps.synthetic import make_sweep, remeasured
from scipy.stats import binomtest

from sweep.records.catalog import Sweep
from sweep.records.status import Status
from sweep.report.choices import choices_of, wilson
from sweep.report.matters import Matters
from sweep.report.results import Results


def test_fates_add_up(faces: Sweep) -> None:
    """Of twelve trials with three losses three collapsed, one of them with each of two losses, and one failed."""
    results = Results.read([faces])
    choices = Matters.of(results).choices
    assert [choice.param.path for choice in choices] == ["train.loss"] * 3
    judged = [trial for trial in results.trials if trial.entry.status is not Status.FAILED]
    assert sum(choice.judged for choice in choices) == len(judged)
    assert sum(choice.collapsed for choice in choices) == 3
    shares = [choice.collapsed / choice.judged for choice in choices]
    assert shares == sorted(shares)
    for choice in choices:
        low, high = choice.interval
        assert 0 <= low <= choice.collapsed / choice.judged <= high <= 1
        having = [trial for trial in results.ranked if trial.values["train.loss"] == choice.value]
        assert choice.best is (having[0] if having else None)
        reached = [trial.entry.value for trial in having] + [None] * choice.collapsed
        assert choice.half == reached[(choice.judged + 1) // 2 - 1]


def test_the_interval_is_wilsons() -> None:
    """Against scipy, which a report does not import because it is heavy."""
    for n in (1, 4, 37):
        for hits in range(n + 1):
            wanted = binomtest(hits, n).proportion_ci(method="wilson")
            assert wilson(hits, n) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_few_trials_and_numbers_have_no_choices(faces: Sweep) -> None:
    results = Results.read([faces])
    assert choices_of(results.params, results.trials[:7]) == []
    assert choices_of([param for param in results.params if param.number], results.trials) == []


def test_of_sweeps_that_were_measured_unalike_none_is_best(faces: Sweep, tmp_path: Path) -> None:
    """Their collapses compare, their values do not."""
    other = remeasured(make_sweep(tmp_path, trials=12, name="other", pictures=False), n_fake=64)
    choices = Matters.of(Results.read([faces, other])).choices
    assert {"bce", "lsgan", "wgan-gp", "faces", "other"} == {choice.value for choice in choices}
    assert sum(choice.collapsed for choice in choices) == 2 * 6
    assert {(choice.best, choice.half) for choice in choices} == {(None, None)}
    words = page_of(faces, other).words()
    assert "Choice by choice" in words
    assert "Half reach" not in words


def test_the_page_has_a_row_for_each_choice(faces: Sweep) -> None:
    words = page_of(faces).words()
    assert "Choice by choice" in words
    best = Results.read([faces]).ranked[0]
    assert f"train.loss {best.values['train.loss']} " in words
    for choice in Matters.of(Results.read([faces])).choices:
        assert f"{choice.value} {choice.collapsed} of {choice.judged} " in words
