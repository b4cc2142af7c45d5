"""What a sweep will take: closed forms without early stopping, ASHA's own expectation with it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.commands.planning.costs import Costs
from sweep.commands.planning.forecast import MOST, forecast
from sweep.commands.planning.plan import foretold
from sweep.search.survivors import expected_survivors
from sweep.spec.schedule import Schedule
from sweep.spec.sections import AshaConfig
from sweep.spec.specification import parse

COSTS = Costs(
    device="cpu",
    takes=1.0,
    at_once=1,
    measured=1,
    slots=1,
    packs=False,
    machine="here",
    per_kimg=(2.0,),
    per_picture=0.01,
    per_score=1.0,
    per_evaluation=0.5,
    per_save=0.0,
    saves_all=False,
    memory=10**9,
    memory_there=10**10,
    checkpoint=10**7,
    snapshot=10**6,
    grid=10**5,
)
LONG = "train: {kimg: 90}\nasha: {grace: 10, unit: kimg}\nevaluate: {every: 10, unit: kimg, n_fake: 256}"
THIRD = AshaConfig(grace=10, reduction=3, variant="stop", unit="kimg")
RESULT = 256 * 0.01 + 1.0 + 0.5 + 1.0
"""Of a trial's result: an evaluation, and what costs more."""


def schedule(text: str = "", images: int = 1000) -> Schedule:
    return parse(f"train: {{kimg: 90}}\nevaluate: {{every: 10, unit: kimg, n_fake: 256}}\n{text}").schedule(
        images
    )


def test_a_trial_is_its_training_its_evaluations_and_its_result() -> None:
    found = forecast(schedule(), 256, 16, None, COSTS)
    assert found.trial.middle == pytest.approx(90 * 2 + 9 * (256 * 0.01 + 1.0 + 0.5) + RESULT)
    assert found.wall.low == found.wall.high == pytest.approx(16 * found.trial.middle)
    assert found.busy.middle == pytest.approx(16 * found.trial.middle)
    assert found.arriving == ()


@pytest.mark.parametrize(
    ("per_kimg", "saves_all", "checkpoints"),
    [
        (2.0, True, 9),  # a rollback may go back to any
        (2.0, False, 9),  # 24 s lie between two evaluations
        (0.6, False, 1 + 8 / 2),  # 10 s: at every second one, and at the end
        (0.1, False, 1 + 8 / 3),  # 5 s
    ],
)
def test_checkpoints_are_counted_as_often_as_they_are_written(
    per_kimg: float, saves_all: bool, checkpoints: float
) -> None:
    costs = replace(COSTS, per_kimg=(per_kimg,))
    plain = forecast(schedule(), 256, 1, None, costs)
    found = forecast(schedule(), 256, 1, None, replace(costs, per_save=0.25, saves_all=saves_all))
    assert found.trial.middle - plain.trial.middle == pytest.approx(0.25 * checkpoints)


def test_trials_side_by_side_share_the_time() -> None:
    found = forecast(schedule(), 256, 16, None, replace(COSTS, at_once=3))
    assert found.wall.middle == pytest.approx(6 * found.trial.middle)  # five rounds of three, and one alone
    assert found.busy.middle == pytest.approx(16 * found.trial.middle)


def test_machines_of_two_kinds_share_the_trials() -> None:
    """Three trials on two machines, one of them half as fast in everything: the fast one takes two."""
    slow = replace(COSTS, per_kimg=(4.0,), per_picture=0.02, per_score=2.0, per_evaluation=1.0)
    one = forecast(schedule(), 256, 1, None, COSTS).trial.middle
    found = forecast(schedule(), 256, 3, None, COSTS, others=[slow])
    assert found.wall.low == found.wall.high == pytest.approx(2 * one)
    assert found.busy.middle == pytest.approx(4 * one)
    assert (found.trial.low, found.trial.high) == (pytest.approx(one), pytest.approx(2 * one))


@pytest.mark.parametrize("variant", ["stop", "promote"])
def test_machines_of_two_kinds_that_are_as_fast_are_one_kind(variant: str) -> None:
    asha = THIRD.model_copy(update={"variant": variant})
    apart = forecast(schedule(), 256, 27, asha, COSTS, others=[replace(COSTS, at_once=3)])
    together = forecast(schedule(), 256, 27, asha, replace(COSTS, at_once=4))
    assert apart.wall.middle == pytest.approx(together.wall.middle, rel=0.1)
    assert apart.busy.middle == pytest.approx(together.busy.middle, rel=0.1)


def test_the_slowest_configuration_is_in_the_range() -> None:
    found = forecast(schedule(), 256, 1, None, replace(COSTS, per_kimg=(1.0, 2.0, 4.0)))
    assert found.trial.low < found.trial.middle < found.trial.high
    assert found.trial.high - found.trial.low > 0.9 * 90 * 3


def test_early_stopping_saves_what_asha_expects() -> None:
    at = schedule("asha: {grace: 10, reduction: 3, unit: kimg}")
    found = forecast(at, 256, 27, THIRD, COSTS)
    expected = expected_survivors(27, at.comparisons, 3)
    arriving = [27.0, *(number for _, number in expected)]
    assert [place for place, _ in found.arriving] == list(at.comparisons)
    for (_, came), wanted in zip(found.arriving, arriving, strict=False):
        assert came == pytest.approx(wanted, rel=0.1)
    assert found.busy.middle < 0.6 * 27 * found.trial.middle


def test_with_promotion_fewer_go_on() -> None:
    at = schedule("asha: {grace: 10, reduction: 3, unit: kimg}")
    promoted = forecast(at, 256, 27, THIRD.model_copy(update={"variant": "promote"}), COSTS)
    (_, came), (_, later) = promoted.arriving
    assert came == 27
    assert 9 <= later < expected_survivors(27, at.comparisons, 3)[0][1], (
        "some are overtaken after they went on"
    )
    assert promoted.busy.middle < forecast(at, 256, 27, THIRD, COSTS).busy.middle


def test_configurations_that_are_named_stop_more_of_the_others() -> None:
    at = schedule("asha: {grace: 10, reduction: 3, unit: kimg}")
    drawn, named = (forecast(at, 256, 27, THIRD, COSTS, known=known) for known in (0, 2))
    assert all(fewer <= more for (_, fewer), (_, more) in zip(named.arriving, drawn.arriving, strict=True))
    assert named.busy.middle < drawn.busy.middle
    same = forecast(at, 256, 27, THIRD, COSTS, known=27)
    assert same.busy.middle == pytest.approx(drawn.busy.middle, rel=0.05), "none is better than the others"


def test_a_plan_knows_which_configurations_are_named() -> None:
    text = (
        "search: {trials: 12}\ntrain: {kimg: 90, lr_g: {type: float, low: 1e-4, high: 1e-2}}\n"
        "evaluate: {every: 10, unit: kimg, n_fake: 256}\nasha: {grace: 10, reduction: 3, unit: kimg}\n"
    )
    drawn, named = (parse(text + configs) for configs in ("", "configs: [{train.lr_g: 2e-3}]\n"))
    times = [foretold(spec, spec.schedule(1000), 12, COSTS).sweep.busy.middle for spec in (drawn, named)]
    assert times[1] < times[0]


def test_large_sweeps_take_as_much_longer_as_they_are_larger() -> None:
    at = schedule("asha: {grace: 10, reduction: 3, unit: kimg}")
    one, ten = forecast(at, 256, MOST, THIRD, COSTS), forecast(at, 256, 10 * MOST, THIRD, COSTS)
    assert ten.busy.middle == pytest.approx(10 * one.busy.middle, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 8),
    st.floats(1.5, 5),
    st.lists(st.floats(0.1, 10), min_size=1, max_size=3),
    st.sampled_from(["stop", "promote"]),
)
def test_no_play_breaks_its_bounds(
    trials: int, slots: int, reduction: float, speeds: list[float], variant: str
) -> None:
    costs = replace(COSTS, at_once=slots, per_kimg=tuple(speeds))
    at = schedule(f"asha: {{grace: 10, unit: kimg, reduction: {reduction}}}")
    asha = AshaConfig(grace=10, unit="kimg", reduction=reduction, variant=variant)
    stopped = forecast(at, 256, trials, asha, costs, plays=5)
    whole = forecast(at, 256, trials, None, costs, plays=5)
    longest = 90 * max(speeds) + 9 * costs.evaluation(256, 256) + RESULT
    again = trials * len(at.comparisons) * RESULT if variant == "promote" else 0.0  # at each rung
    assert stopped.wall.high <= (trials * longest + again) * (1 + 1e-9)
    bound = whole.busy.high * max(speeds) / min(speeds) + again
    assert stopped.busy.high / min(slots, trials) <= bound * (1 + 1e-9)
    assert stopped.wall.low * min(slots, trials) >= stopped.busy.low * (1 - 1e-9)
    assert 0 < stopped.evaluating < 1


def test_trials_that_wait_at_a_rung_have_a_checkpoint_each_on_the_disk() -> None:
    text = "train: {kimg: 90}\nevaluate: {every: 10, unit: kimg, n_fake: 256}\n"
    disks = {
        variant: foretold(spec, spec.schedule(1000), 16, COSTS).disk
        for variant in ("stop", "promote")
        if (spec := parse(f"{text}asha: {{grace: 10, unit: kimg, variant: {variant}}}"))
    }
    assert disks["promote"] - disks["stop"] == pytest.approx(15 * COSTS.checkpoint, rel=0.05)
