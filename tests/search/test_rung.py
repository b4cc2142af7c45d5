"""A rung keeps its trials in order; what it says is what looking through all of them would say."""

from hypothesis import given
from hypothesis import strategies as st

from sweep.search.rung import Held, Rule, Rung

RULES = st.builds(
    Rule, st.sampled_from([1.1, 1.5, 2.0, 3.0, 4.0]), st.sampled_from([0.0, 0.5, 2.0]), st.booleans()
)
ARRIVING = st.lists(
    st.builds(Held, st.integers(0, 8).map(float), st.sampled_from([0.0, 0.5, 3.0]), st.booleans())
)


def leading(there: list[Held], rule: Rule, least: int = 0) -> list[int]:
    """The places of the best, the best first and of equals the first to come."""
    order = sorted(range(len(there)), key=lambda place: (there[place].value, place))
    return order[: max(least, int(len(there) / rule.reduction + 1e-9))]


def excused(held: Held, cutoff: float | None, rule: Rule) -> bool:
    error = rule.tolerance * held.se
    return cutoff is not None and error > 0 and held.value - error <= cutoff


@given(ARRIVING, RULES)
def test_a_trial_is_judged_by_those_that_came_before_it(arriving: list[Held], rule: Rule) -> None:
    rung = Rung(rule)
    for trial, held in enumerate(arriving):
        rung.add(trial, held)
    before: list[Held] = []
    for trial, held in enumerate(arriving):
        if held.alike:
            continue
        good, cutoff = rung.judged(trial)
        if rule.promote:
            best = leading([*before, held], rule)
            expected = [*before, held][best[-1]].value if best else None
            assert cutoff == expected
            assert good == (len(before) in best or excused(held, cutoff, rule))
        else:
            assert (cutoff is None) == (not before)
            assert good == (cutoff is None or held.value <= cutoff or excused(held, cutoff, rule))
        before.append(held)


TRIALS = st.sets(st.integers(0, 30))


@given(ARRIVING, RULES, TRIALS, TRIALS, st.integers(0, 1), TRIALS)
def test_who_is_promoted_is_the_best_of_all_that_may_be(
    arriving: list[Held], rule: Rule, waiting: set[int], later: set[int], least: int, gone: set[int]
) -> None:
    rung = Rung(rule)
    for trial, held in enumerate(arriving):
        rung.add(trial, held)
    compared = [trial for trial, held in enumerate(arriving) if not held.alike and trial not in gone]
    there = [arriving[trial] for trial in compared]
    best = leading(there, rule, least)
    cutoff = there[best[-1]].value if best else None
    able = [
        (held.value, place)
        for place, held in enumerate(there)
        if compared[place] in waiting - later and (place in best or excused(held, cutoff, rule))
    ]
    expected = compared[min(able)[1]] if able else None
    assert rung.promotable(waiting, later, least, gone) == expected
