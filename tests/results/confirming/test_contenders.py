"""Which of some configurations is the best: closed forms, and that it is found at least as often as evenly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweep.results.confirming.contenders import OPEN, PRIOR, Contest


def test_two_with_one_variance_are_compared_as_students_t_does() -> None:
    first, second = [1.0, 2.0, 3.0], [2.0, 3.5, 4.0]
    contest = Contest([first, second])
    spread = (np.var(first, ddof=1) + np.var(second, ddof=1)) / 2
    # each variance is drawn towards the common one: (4 s² + 2 s_i²) / 6
    errors = [np.sqrt((PRIOR * spread + 2 * np.var(v, ddof=1)) / (PRIOR + 2) / 3) for v in (first, second)]
    np.testing.assert_allclose(contest.errors, errors)
    behind = (np.mean(second) - np.mean(first)) / np.hypot(*errors)
    assert contest.better[1] == pytest.approx(stats.t.sf(behind, 4))
    assert contest.better[0] == 0.5
    even = Contest([first, [v + 1 for v in first]])  # of equal variances it is the t-test itself
    p = stats.ttest_ind(first, [v + 1 for v in first], alternative="less").pvalue
    assert even.better[1] == pytest.approx(p)


def test_the_probability_of_being_best_is_that_of_two_ts() -> None:
    contest = Contest([[1.0, 2.0, 3.0], [2.0, 3.5, 4.0]])
    assert contest.best.sum() == pytest.approx(1)
    rng = np.random.default_rng(5)
    drawn = contest.means + contest.errors * rng.standard_t(4, (200_000, 2))
    assert contest.best[1] == pytest.approx(np.mean(drawn[:, 1] < drawn[:, 0]), abs=0.01)


samples = st.lists(st.lists(st.floats(-10, 10), min_size=1, max_size=5), min_size=2, max_size=5)


@given(samples)
def test_nothing_breaks_whatever_the_numbers_are(values: list[list[float]]) -> None:
    contest = Contest(values)
    assert contest.best.sum() == pytest.approx(1)
    assert ((contest.better >= 0) & (contest.better <= 0.5)).all()
    place = contest.next([0] * len(values), 3)
    assert place is None or 0 <= place < len(values)
    if place is None:
        assert contest.decided
        assert all(len(values[one]) >= 3 for one in (contest.leader,))


def test_equal_values_leave_it_open_and_parted_ones_decide_it() -> None:
    assert Contest([[1.0, 1.0], [1.0, 1.0]]).better.tolist() == [0.5, 0.5]
    assert Contest([[1.0, 1.0], [2.0, 2.0]]).decided
    assert not Contest([[1.0], [2.0]]).decided  # nobody knows the spread
    assert Contest([[1.0], [2.0]]).best.tolist() == [0.5, 0.5]


def test_runs_that_have_not_ended_count_as_runs() -> None:
    contest = Contest([[1.0, 1.2, 1.1], [1.1, 1.0, 1.25]])
    first = contest.next([0, 0], 3)
    assert first is not None
    waiting = [int(place == first) for place in range(2)]
    assert contest.next(waiting, 3) != first


def contest_of(means: np.ndarray, noise: float, seeds: int, rng: np.random.Generator) -> tuple[int, int]:
    """Who leads at the end, and how many runs that took, at most ``seeds`` for each on average."""
    values = [list(mean + noise * rng.standard_normal(2)) for mean in means]
    while (count := sum(map(len, values))) < seeds * len(means):
        contest = Contest(values)
        place = contest.next([0] * len(means), 3)
        if place is None:
            break
        values[place].append(means[place] + noise * rng.standard_normal())
    return Contest(values).leader, count


@pytest.mark.parametrize(("spread", "seeds"), [(0.2, 6), (0.4, 4)])
def test_the_best_is_found_at_least_as_often_as_with_as_many_seeds_for_each(
    spread: float, seeds: int
) -> None:
    found, even, runs = 0, 0, 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        means = 1 + spread * rng.standard_normal(5)
        leader, count = contest_of(means, 0.2, seeds, rng)
        found += leader == means.argmin()
        runs += count
        each = means + 0.2 * rng.standard_normal((seeds, 5)).mean(axis=0)
        even += each.argmin() == means.argmin()
    assert found >= even
    assert runs < 120 * 5 * seeds  # and it costs less
    assert OPEN == 0.025
