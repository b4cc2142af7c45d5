"""Scores from judgements of pairs: closed forms, a peer, and what must not matter."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import kendalltau

from sweep.results.judging import bradley_terry
from sweep.results.judging.bradley_terry import Choice, Match, fit, outcomes, preferred
from sweep.results.judging.eye import kendall

FIRST, SECOND, TIE = Choice


def between(wins: int, losses: int, ties: int = 0) -> list[Match]:
    return [(0, 1, FIRST)] * wins + [(0, 1, SECOND)] * losses + [(0, 1, TIE)] * ties


def matches(players: int) -> st.SearchStrategy[list[Match]]:
    pair = st.lists(st.integers(0, players - 1), min_size=2, max_size=2, unique=True)
    return st.lists(st.tuples(pair, st.sampled_from(Choice)).map(lambda m: (*m[0], m[1])), max_size=30)


@pytest.mark.parametrize(("wins", "losses", "ties"), [(3000, 1000, 0), (900, 900, 200), (800, 3200, 1500)])
def test_two_players_differ_by_the_logit_of_wins(wins: int, losses: int, ties: int) -> None:
    found = fit(2, between(wins, losses, ties), prior=1000.0)
    assert found.scores[0] - found.scores[1] == pytest.approx(math.log(wins / losses), abs=0.01)
    if ties:
        assert math.exp(found.ties) == pytest.approx(ties / math.sqrt(wins * losses), rel=0.02)
    else:  # of a logit: 1 / wins + 1 / losses
        assert found.variances[0, 1] == pytest.approx(1 / wins + 1 / losses, rel=0.02)


def test_who_always_won_has_a_finite_score_that_grows_with_the_wins() -> None:
    scores = [fit(2, between(wins, 0)).scores[0] for wins in (0, 1, 3, 10, 100)]
    assert scores == sorted(scores)
    assert scores[0] == 0
    assert scores[-1] < 4
    assert not fit(2, between(2, 0)).apart(0, 1)
    assert fit(2, between(20, 0)).apart(0, 1)


def test_who_was_never_judged_is_average_and_unsure() -> None:
    found = fit(3, between(5, 5))
    assert found.scores[2] == pytest.approx(0, abs=1e-9)
    assert found.errors[2] > found.errors[0]
    low, high = found.interval(2)
    assert preferred(low) < 0.05
    assert preferred(high) > 0.95


def test_a_tie_is_less_than_a_win_and_says_that_two_are_alike() -> None:
    assert fit(2, between(5, 5, 20)).variances[0, 1] < fit(2, between(5, 5)).variances[0, 1]
    assert 0 < fit(2, between(6, 2, 20)).scores[0] < fit(2, between(6, 2)).scores[0] * 1.05


@given(matches(4))
@settings(max_examples=25, deadline=None)
def test_it_is_the_maximum_that_another_optimizer_finds(played: list[Match]) -> None:
    def loss(at: np.ndarray) -> float:
        total = sum(at[:4] ** 2) / (2 * bradley_terry.PRIOR**2)
        total += (at[4] - bradley_terry.TIES) ** 2 / (2 * bradley_terry.TIES_PRIOR**2)
        for one, other, choice in played:
            total -= math.log(outcomes(at[one] - at[other], at[4])[list(Choice).index(choice)])
        return total

    found = fit(4, played)
    peer = minimize(loss, np.zeros(5), tol=1e-9)
    np.testing.assert_allclose([*found.scores, found.ties], peer.x, atol=2e-3)
    assert found.scores.sum() == pytest.approx(0, abs=1e-8)


@given(matches(4), st.permutations(range(4)), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_neither_numbers_nor_sides_nor_the_order_matter(
    played: list[Match], names: list[int], rng: random.Random
) -> None:
    turned = {FIRST: SECOND, SECOND: FIRST, TIE: TIE}
    other = [
        (names[b], names[a], turned[c]) if rng.random() < 0.5 else (names[a], names[b], c)
        for a, b, c in played
    ]
    rng.shuffle(other)
    one, two = fit(4, played), fit(4, other)
    np.testing.assert_allclose(two.scores[names], one.scores, atol=1e-8)
    np.testing.assert_allclose(two.covariance[np.ix_(names, names)], one.covariance, atol=1e-8)


def test_intervals_hold_what_they_promise() -> None:
    """Of 40 tournaments with scores from the prior, nearly 95 of 100 differences lie in their intervals."""
    held = []
    for seed in range(40):
        rng = random.Random(seed)
        true = [rng.gauss(0, 1.5) for _ in range(5)]
        played: list[Match] = []
        for _ in range(30):
            one, other = rng.sample(range(5), 2)
            chances = outcomes(true[one] - true[other], -1.0)
            played.append((one, other, rng.choices(list(Choice), chances)[0]))
        found = fit(5, played)
        for one, other in zip(*np.triu_indices(5, 1), strict=True):
            off = found.scores[one] - found.scores[other] - (true[one] - true[other])
            held.append(abs(off) < bradley_terry.SURE * math.sqrt(found.variances[one, other]))
    assert 0.91 < np.mean(held) < 0.99


def test_the_probability_of_being_best_adds_up() -> None:
    found = fit(3, [*between(8, 2), (0, 2, FIRST), (0, 2, FIRST), (1, 2, FIRST)])
    assert found.best.sum() == pytest.approx(1)
    assert found.best.argmax() == 0
    assert fit(2, []).best[0] == pytest.approx(0.5, abs=0.03)
    # of two players it is the normal distribution's
    two = fit(2, between(7, 3))
    z = (two.scores[0] - two.scores[1]) / math.sqrt(two.variances[0, 1])
    assert two.best[0] == pytest.approx(0.5 * (1 + math.erf(z / math.sqrt(2))), abs=0.03)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=12))
@settings(deadline=None)
def test_kendalls_tau_is_that_of_scipy(values: list[tuple[int, int]]) -> None:
    one, other = (np.array([value], float) for value in zip(*values, strict=True))
    assert kendall(one, other)[0] == pytest.approx(kendalltau(one[0], other[0]).statistic, nan_ok=True)
