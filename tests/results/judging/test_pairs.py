"""Which pair comes next, and how many more are needed."""

import random
from collections import Counter

from sweep.results.judging import pairs
from sweep.results.judging.bradley_terry import Choice, Match, fit

FIRST, SECOND, TIE = Choice


def drawn(
    played: list[Match], players: int, times: int = 400, last: pairs.Pair | None = None
) -> Counter[pairs.Pair]:
    found, rng = fit(players, played), random.Random(0)
    return Counter(pairs.draw(found, last, rng) for _ in range(times))


def shown(found: Counter[pairs.Pair], *players: int) -> int:
    return sum(count for pair, count in found.items() if set(players) <= set(pair))


def test_both_orders_come_and_the_last_pair_does_not_come_again() -> None:
    found = drawn([], 3, last=(2, 0))
    assert shown(found, 0, 2) == 0
    assert all(count > 50 for count in found.values())
    assert len(found) == 4
    assert len(drawn([], 2, last=(0, 1))) == 2  # there is no other


def test_unsure_pairs_are_favoured() -> None:
    known = [(0, 1, FIRST), (1, 0, FIRST)] * 20  # these two are known to be alike, 2 and 3 not at all
    found = drawn(known, 4)
    assert shown(found, 2, 3) > 5 * shown(found, 0, 1)


def test_a_pair_that_may_change_who_is_first_is_favoured() -> None:
    """Of six, three win against the other three always; whom of these is the worse matters little."""
    played = [(a, b, FIRST) for a in range(3) for b in range(3, 6)] * 6
    played += [(0, 1, FIRST), (1, 0, FIRST), (1, 2, FIRST), (2, 1, FIRST)]
    played += [(3, 4, FIRST), (4, 3, FIRST), (4, 5, FIRST), (5, 4, FIRST)]
    found = drawn(played, 6)
    among, behind = (
        sum(shown(found, a, b) for a, b in some) for some in (((0, 1), (1, 2)), ((3, 4), (4, 5)))
    )
    assert among > 5 * behind


def test_nothing_is_foretold_before_all_were_shown() -> None:
    assert pairs.unseen(fit(6, []), []) == 6
    played = [(0, 1, FIRST), (0, 1, FIRST)]
    assert pairs.unseen(fit(3, played), played) == 2  # twice with the third in it
    assert pairs.lacking(fit(6, []), []) >= 6


def test_more_is_lacking_the_more_alike_they_are() -> None:
    clear = [(0, 1, FIRST)] * 5 + [(0, 1, SECOND)]
    alike = [(0, 1, FIRST)] * 6 + [(0, 1, SECOND)] * 5
    counts = [pairs.lacking(fit(2, played), played) for played in (clear, alike)]
    assert 1 <= counts[0] < 12
    assert counts[1] > counts[0]
    same = [(0, 1, FIRST), (0, 1, SECOND)] * 4
    assert pairs.lacking(fit(2, same), same) == pairs.MANY
    assert pairs.lacking(fit(2, clear * 5), clear * 5) == 0


def test_what_is_foretold_of_two_players_is_right() -> None:
    """Should the share of wins stay, that many more judgements tell them apart, and clearly fewer do not."""
    played = [*[(0, 1, FIRST)] * 6, *[(0, 1, SECOND)] * 3]
    more = pairs.lacking(fit(2, played), played)

    def apart(count: float) -> bool:
        wins = round(count * 2 / 3)
        return fit(2, [(0, 1, FIRST)] * wins + [(0, 1, SECOND)] * (round(count) - wins)).apart(0, 1)

    assert apart(len(played) + 1.5 * more)
    assert not apart(len(played) + 0.5 * more)


def test_the_first_are_told_from_the_next_too() -> None:
    found = fit(5, [(a, b, FIRST) for a in range(5) for b in range(a + 1, 5)] * 2)
    assert pairs.neighbours(found) == [(0, 1), (1, 2), (2, 3)]
    assert pairs.neighbours(found, 1) == [(0, 1)]
    assert pairs.neighbours(fit(2, [(0, 1, SECOND)])) == [(1, 0)]
