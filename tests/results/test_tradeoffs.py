"""Trade-offs: a front by brute force, and what each trial on it is best at."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweep.results.leaderboard import Leaderboard
from sweep.results.ranking import rank
from sweep.results.tradeoffs.front import front
from sweep.results.tradeoffs.offers import Tradeoffs
from sweep.spec.wishes.wish import Wish

IDENTITY = {"extractor": "e", "extractor_digest": "0", "n_fake": 64, "n_real": 99, "data_hash": "a"}
COORDINATES = st.sampled_from([0.0, 1.0, 2.0, -1.5, math.nan, math.inf])
POINTS = arrays(float, st.tuples(st.integers(0, 12), st.integers(1, 4)), elements=COORDINATES)


def dominated(one: np.ndarray, points: np.ndarray) -> bool:
    known = [other for other in points if np.isfinite(other).all()]
    return any((other <= one).all() and (other < one).any() for other in known)


@given(POINTS)
def test_the_front_is_what_no_point_dominates(points: np.ndarray) -> None:
    wanted = [bool(np.isfinite(one).all()) and not dominated(one, points) for one in points]
    assert front(points).tolist() == wanted


@given(POINTS, st.randoms(use_true_random=False))
def test_order_and_units_do_not_matter(points: np.ndarray, random: Any) -> None:
    order = random.sample(range(len(points)), len(points))
    assert front(points[order]).tolist() == front(points)[order].tolist()
    assert front(np.exp(points)).tolist() == front(points).tolist()


def board(*results: dict[str, Any]) -> Leaderboard:
    trials = [
        {"trial": number, "status": "finished", "verdict": None, "failure": None, "param.x": number}
        for number in range(len(results))
    ]
    rows = [
        {"trial": number, "kimg": 1.0, "kid_se": 0.001, "fid": 1.0, **IDENTITY, **row}
        for number, row in enumerate(results)
    ]
    return rank(trials, [], "kid", (), rows)


def of(*results: dict[str, Any], wishes: tuple[Wish, ...] = ()) -> Tradeoffs:
    return Tradeoffs.of(board(*results).ranked, "kid", wishes)


def test_each_is_told_for_what_it_is_best_at() -> None:
    found = of(
        {"kid": 0.1, "coverage": 0.2, "vendi": 3.0, "seconds_per_kimg": 4.0, "params": 10},
        {"kid": 0.2, "coverage": 0.9, "vendi": 1.0, "seconds_per_kimg": 2.0, "params": 30},
        {"kid": 0.3, "coverage": 0.8, "vendi": 2.0, "seconds_per_kimg": 3.0, "params": 20},
        {"kid": 0.15, "coverage": 0.5, "vendi": 2.0, "seconds_per_kimg": 3.0, "params": 20},
    )
    assert [one.name for one in found.objectives] == ["kid", "coverage", "seconds_per_kimg"]
    told = [(offer.entry.trial, offer.place, offer.words) for offer in found.offers]
    assert told == [(0, 0, "KID"), (3, 1, "a compromise"), (1, 2, "coverage, seconds per kimg")]
    assert found.sentence == (
        "3 of 4 ranked trials that no other beats in KID, coverage and seconds per kimg together"
    )
    assert found.worth_showing
    assert found.plain()[1] == {
        **{"trial": 3, "rank": 2, "kid": 0.15, "coverage": 0.5, "seconds_per_kimg": 3.0},
        **{"best_at": [], "params": {"x": 3}},
    }


def test_variety_is_what_all_results_have_and_cost_what_is_wished_for() -> None:
    rows = [
        {"kid": 0.1, "coverage": 0.2, "vendi": 3.0, "seconds_per_kimg": 1.0, "params": 20},
        {"kid": 0.2, "coverage": None, "vendi": 4.0, "seconds_per_kimg": 1.0, "params": 10},
        {"kid": 0.3, "coverage": math.nan, "vendi": 2.0, "seconds_per_kimg": 1.0, "params": 9},
    ]
    found = of(*rows, wishes=(Wish("params", "<= 30"),))
    assert [one.name for one in found.objectives] == ["kid", "vendi", "params"]
    assert [offer.words for offer in found.offers] == ["KID", "variety (Vendi)", "parameters"]
    assert [
        one.shown(value) for one, value in zip(found.objectives, found.offers[1].values, strict=True)
    ] == [
        *("0.2", "4", "10"),
    ]
    both = (Wish("params", "<= 30"), Wish("seconds_per_kimg", "<= 30"))
    assert [one.name for one in of(*rows, wishes=both).objectives][-1] == "seconds_per_kimg"


@pytest.mark.parametrize("rows", [[], [{"kid": 0.1}], [{"kid": 0.1}, {"kid": 0.2}]])
def test_where_there_is_nothing_to_choose_nothing_is_shown(rows: list[dict[str, Any]]) -> None:
    found = of(*rows)
    assert not found.worth_showing
    assert found.sentence
    assert [offer.entry.trial for offer in found.offers] == [0][: len(rows)]
