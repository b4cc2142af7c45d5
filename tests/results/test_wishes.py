"""Wishes beside the metric: who breaks one stands behind all who do not."""

import math

import pytest
from helpers.sweeps.ranking import measured, trial
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.records.snapshots import Seen, finite
from sweep.records.status import Status
from sweep.results.ranking import rank
from sweep.spec.wishes.wish import broken, wishes_of

WISHES = wishes_of({"coverage": ">= 0.5", "params": "<= 100"})


def test_results_that_break_a_wish_stand_behind_the_nearest_first() -> None:
    trials = [trial(n) for n in range(4)] + [trial(4, "running"), trial(5, "collapsed", verdict="flat_image")]
    results = [
        measured(0, 1.0, 0.1, coverage=0.2, params=50),
        measured(1, 1.0, 0.4, coverage=0.5, params=100),
        measured(2, 1.0, 0.2, coverage=0.45, params=50),
        measured(3, 1.0, 0.3, coverage=0.9, params=99),
        measured(5, 1.0, 0.01, coverage=0.9, params=1),
    ]
    board = rank(trials, [measured(4, 1.0, 0.05)], "kid", (), results, wishes=WISHES)
    assert [(entry.trial, entry.rank) for entry in board.ranked] == [(3, 1), (1, 2)]
    assert [entry.trial for entry in board.left_out] == [4, 2, 0, 5]
    assert [entry.trial for entry in board.infeasible] == [2, 0]
    assert board.infeasible[1].reason == (
        "coverage 0.2, wanted >= 0.5; it has KID 0.1000 ± 0.0010 on 512 pictures, at 1 kimg"
    )
    assert board.infeasible[1].missed == pytest.approx(0.6)
    assert board.left_out[-1].broken == (), "a collapsed trial is told for that"
    assert board.nearest == ""
    assert board.wishes == ["coverage >= 0.5", "params <= 100"]


def test_where_nobody_fulfils_the_wishes_the_nearest_is_told() -> None:
    trials = [trial(0), trial(1, "stopped")]
    results = [measured(0, 1.0, 0.1, coverage=0.2, params=50), measured(1, 1.0, 0.4, params=101)]
    board = rank(trials, [], "kid", (), results, wishes=WISHES)
    assert board.ranked == []
    assert not board.provisional
    assert board.nearest.startswith(
        "no trial fulfils the wishes; the nearest is trial 0: coverage 0.2, wanted >= 0.5"
    )
    assert board.label == "KID (efficientnet_lite0@64, n=512)"
    assert board.infeasible[1].broken == ("coverage not measured, wanted >= 0.5", "params 101, wanted <= 100")


def test_before_there_is_a_result_wishes_are_not_judged() -> None:
    board = rank([trial(0, "running")], [measured(0, 1.0, 0.1)], "kid", wishes=WISHES)
    assert [entry.trial for entry in board.ranked] == [0]
    assert board.provisional


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["finished", "stopped", "collapsed", "failed"]),
            st.sampled_from([0.1, 0.2, math.nan]),
            st.sampled_from([0.4, 0.5, 0.6, None, math.nan]),
            st.sampled_from([50, 100, 101, 300]),
        ),
        max_size=12,
    )
)
def test_wishes_only_take_away_from_the_ranking(
    values: list[tuple[str, float, float | None, int]],
) -> None:
    """Whoever is ranked fulfils all and keeps their order; nobody is lost; the study tells of the same."""
    from sweep.records.trial_state import Trial, ranked

    trials = [trial(n, one[0], verdict="flat_image") for n, one in enumerate(values)]
    results = [measured(n, 1.0, kid, coverage=c, params=p) for n, (_, kid, c, p) in enumerate(values)]
    plain = rank(trials, [], "kid", (), results)
    board = rank(trials, [], "kid", (), results, wishes=WISHES)
    fulfil = [entry.trial for entry in plain.ranked if not broken(WISHES, results[entry.trial])]
    assert [entry.trial for entry in board.ranked] == fulfil
    assert sorted(entry.trial for entry in board.entries) == list(range(len(values)))
    far = [entry.missed for entry in board.infeasible]
    assert far == sorted(far)
    kept = [
        Trial(n, {}, 0, "kid", WISHES, status=Status(status), seen=[Seen(1.0, 0.1, 512)], result=results[n])
        for n, (status, *_) in enumerate(values)
        if finite(results[n]["kid"]) is not None
    ]
    assert [one.number for one in ranked(kept) if not one.broken] == fulfil
    assert [one.number for one in ranked(kept) if one.broken] == [entry.trial for entry in board.infeasible]
