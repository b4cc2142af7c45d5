"""Replays of searches: what they count, and that nothing but training and the disk is replaced."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.search.curves import Cube, Curve, Table
from benchmarks.search.measures import Figures, bootstrap, median
from benchmarks.search.peers import person, stock_ray
from benchmarks.search.questions import NUMBERS, QUESTIONS, RUNGS, Swept
from benchmarks.search.replay import Enough, Spent, replay, with_search
from benchmarks.search.synthetic import Synthetic
from benchmarks.search.tables import ranks, table
from benchmarks.search.variants import Trick
from sweep.spec.specification import Spec, parse

WORLD = Synthetic(parse(NUMBERS))
WHOLE = Enough(math.inf)


def curve(*values: float, dead: int | None = None) -> Curve:
    kids = np.array(values)
    same, kimg = np.full(len(values), 0.01), np.arange(1.0, len(values) + 1)
    return Curve(kimg, kids + 0.1, same, kids, same, kids + 0.001, same, same, dead)


def test_a_curve_is_measured_on_few_pictures_up_to_the_first_rung_alone() -> None:
    schedule = with_search(WORLD.spec, {}, {"grace": 2, "reduction": 3}).schedule(3000)
    points = curve(*[0.5] * 9).points(schedule)
    assert [point.n_fake for point in points] == [48, 48, *[96] * 7]
    assert [round(point.kid, 3) for point in points] == [0.6, 0.6, *[0.5] * 7]
    assert [point.verdict for point in curve(*[0.5] * 9, dead=2).points(schedule)] == [
        None,
        None,
        "low_diversity",
    ]


def test_what_a_trial_would_be_is_the_result_of_its_best_while_it_lives() -> None:
    assert curve(0.5, 0.3, 0.4).would_be == pytest.approx(0.301)
    assert curve(0.5, 0.4, 0.1, dead=2).would_be == pytest.approx(0.401)
    assert curve(0.5, dead=0).would_be == math.inf


def test_a_winner_is_lost_where_it_was_stopped_before_its_best() -> None:
    started = {0: curve(0.5, 0.1), 1: curve(0.2, 0.3), 2: curve(0.6, 0.4), 3: curve(0.9, 0.8)}
    found = [(1.0, 0, 0.501), (2.0, 1, 0.201), (4.0, 2, 0.401), (5.0, 3, 0.901)]
    spent = Spent(found, started, {0: 0.501, 1: 0.201, 3: 0.901}, 5.0)
    assert spent.lost_winners() == 1, "1 was stopped after its best, and 3 is no winner"
    assert spent.lost_winners(kimg=2.0, top=1) == 1
    assert (spent.to_reach(0.4), spent.to_reach(0.201), spent.to_reach(0.1)) == (2.0, 2.0, math.inf)
    assert (spent.best(1.0), spent.best(), spent.best(0.5)) == (0.501, 0.201, math.inf)


def test_random_search_without_rungs_is_every_trial_to_its_end() -> None:
    spent = replay(WORLD, with_search(WORLD.spec, {"sampler": "random", "trials": 6}, None), seed=1)
    assert spent.kimg == 6 * 9
    assert sorted(value for _, _, value in spent.found) == sorted(
        one.would_be for one in spent.started.values()
    )
    assert spent.lost_winners() == 0


@pytest.mark.parametrize("more", [{"tolerance": 1}, {"variant": "promote"}, {"variety": 0.9}])
def test_a_replay_is_a_function_of_its_seed(more: dict[str, object]) -> None:
    spec = with_search(WORLD.spec, {"sampler": "tpe", "trials": 15}, {"grace": 1, **more})
    first, second = replay(WORLD, spec, seed=2), replay(WORLD, spec, seed=2)
    assert first.found == second.found
    assert first.found != replay(WORLD, spec, seed=3).found
    assert len({trial for _, trial, _ in first.found}) == 15
    assert first.kimg < 15 * 9


def test_a_variant_of_the_rungs_is_what_runs() -> None:
    spec = with_search(WORLD.spec, {"sampler": "random", "trials": 40}, {"grace": 2, "reduction": 3})
    usual, tried = (replay(WORLD, spec, 3, trick=one) for one in (None, Trick(best=True)))
    assert usual.found != tried.found


def test_stock_ray_stops_too_and_counts_all_training() -> None:
    pytest.importorskip("ray")
    spent = stock_ray(WORLD, seed=0, trials=12)
    assert len(spent.found) == 12
    assert spent.kimg < 12 * 9
    assert spent.found[-1][0] == spent.kimg


def test_a_table_answers_each_row_once_and_the_study_learns_of_it() -> None:
    world = Table.read()
    spec = with_search(world.spec, {"sampler": "tpe", "trials": 30}, {"grace": 2})
    spent = replay(world, spec, seed=0)
    assert len({id(one) for one in spent.started.values()}) == 30
    assert len(person(world, 0).found) == 35


def test_the_table_is_what_was_promised() -> None:
    world = Table.read()
    assert world.size >= 100
    assert {tuple(one.kimg.round()) for one in world.curves if one.dead is None} == {tuple(range(1, 10))}
    assert "| 9 |" in ranks(world)


@pytest.fixture(scope="module")
def compared() -> Spec:
    return QUESTIONS["compare.yaml's samplers"].world().spec


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_configuration_is_nearest_to_itself(compared: Spec, seed: int) -> None:
    from sweep.search.draws import preview

    spec = compared
    search = spec.search.model_copy(update={"sampler": "random", "seed": seed})
    drawn = preview(spec.space, search, 2)
    cube = Cube(spec.space)
    first, second = map(cube.vector, drawn)
    assert len(first) == len(cube.owners())
    assert ((first >= 0) & (first <= 1)).all()
    assert (first == cube.vector(drawn[0])).all()
    assert (first != second).any()


def test_figures_and_their_table() -> None:
    exact = bootstrap([[2.0] * 20], median)
    assert (exact.value, exact.low, exact.high) == (2.0, 2.0, 2.0)
    assert bootstrap([[1.0, math.inf, 2.0]], median).high == math.inf
    fast, slow = (
        Figures([10.0] * 9, [0.1] * 9, [0.0] * 9, [5.0] * 9),
        Figures([30.0] * 9, [0.2] * 9, [1.0] * 9, [5] * 9),
    )
    never = replace(fast, reached=[math.inf] * 9)
    ways = {"fast": fast.plain(slow, 60.0), "never": never.plain(slow, 60.0)}
    assert ways["fast"]["times_less"] == [3.0, 3.0, 3.0]
    told = table({"target": 0.1, "budget": 192, "ways": ways})
    assert "| fast | 10 (10 to 10) | 3.0 (3.0 to 3.0) | 0.100" in told
    assert "| never | not reached | " in told


def test_every_way_to_set_rungs_is_a_spec() -> None:
    for way in RUNGS.values():
        assert isinstance(way, Swept)
        with_search(WORLD.spec, {"sampler": way.sampler}, way.asha)
