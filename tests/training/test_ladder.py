"""The ladder of pictures: what is compared was measured alike, whatever the batch sizes of the trials."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ganlib.training.ladder import ladder, stage_at
from sweep.spec.specification import parse


def test_the_steps_grow_as_the_trials_become_fewer() -> None:
    assert ladder([12, 36, 108], 3, 6, 128, 2048) == [(12.0, 128), (36.0, 384), (108.0, 1152)]
    assert ladder([12, 36, 108], 3, 6, 256, 2048) == [(12.0, 256), (36.0, 768)]
    assert (
        ladder([12, 36], 3, 6, 2048, 2048)
        == ladder([12, 36], 3, 6, 4096, 2048)
        == ladder([], 3, 6, 1, 9)
        == []
    )


def test_rungs_that_one_evaluation_could_reach_together_share_a_step() -> None:
    assert ladder([4, 8, 16, 32], 2, 4, 100, 1600) == [(8.0, 100), (16.0, 200), (32.0, 400)]


def test_stages() -> None:
    steps = [(18.0, 128), (54.0, 384)]
    clock = [0, 6, 12, 18, 24, 48, 54]  # kimg of the evaluation before
    counts = [stage_at(steps, 512, kimg, last=False) for kimg in clock]
    assert [stage.n_fake for stage in counts] == [128, 128, 128, 384, 384, 384, 512]
    assert [stage.number for stage in counts] == [0, 0, 0, 1, 1, 1, 2]
    assert stage_at(steps, 512, 0, last=True) == (2, 512)
    assert stage_at([], 512, 0, last=False) == (0, 512)


def test_a_spec_s_ladder_follows_its_rungs() -> None:
    text = "name: x\ndata: {count: 3000}\nevaluate: {n_fake: 1024, n_first: 128}\n"
    spec = parse(text + "asha: {grace: 6, reduction: 3, max: 20}\n")
    assert spec.schedule(3000).rungs == (18.0, 54.0)
    assert spec.schedule(3000).ladder == ((18.0, 128), (54.0, 384))
    assert parse(text + "train: {epochs: 4}\n").schedule(3000).ladder == ()


@settings(deadline=None)
@given(
    interval=st.integers(5, 30),
    grace=st.integers(5, 60),
    reduction=st.sampled_from([1.5, 2.0, 3.0, 4.0]),
    steps=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    budget=st.integers(20, 600),
)
def test_all_trials_that_meet_at_a_rung_were_measured_on_as_many(
    interval: int, grace: int, reduction: float, steps: list[int], budget: int
) -> None:
    """Trials of different batch sizes evaluate at slightly different kimg: nothing may be compared across counts."""
    assume(grace >= interval)
    rungs = []
    while grace * reduction ** len(rungs) < budget - interval:
        rungs.append(grace * reduction ** len(rungs))
    rising = ladder(rungs, reduction, interval, 16, 1000)
    entered: dict[float, set[int]] = {rung: set() for rung in rungs}
    for step in steps:  # pictures of one training step, less than an interval
        kimg, previous, target = 0, 0.0, interval
        while kimg < budget:
            while kimg < min(target, budget):
                kimg += step
            stage = stage_at(rising, 1000, previous, last=kimg >= budget)
            for rung in rungs:
                if previous < rung <= kimg:
                    entered[rung].add(stage.n_fake)
            previous, target = kimg, (kimg // interval + 1) * interval
    assert all(len(counts) <= 1 for counts in entered.values())
