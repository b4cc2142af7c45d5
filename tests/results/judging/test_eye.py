"""What a person's judgements say beside the metric."""

from dataclasses import replace

import pytest
from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import Sweep
from sweep.results.judging.bradley_terry import Choice
from sweep.results.judging.eye import Eye, as_dict, eye_of, eyes, sentences
from sweep.results.judging.judgements import Judgement, Session, Shown
from sweep.results.leaderboard import Leaderboard
from sweep.results.ranking import leaderboard


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return make_sweep(tmp_path_factory.mktemp("storage"), trials=12, pictures=False)


@pytest.fixture(scope="module")
def board(sweep: Sweep) -> Leaderboard:
    return leaderboard(sweep.store)


def judged(board: Leaderboard, order: list[int], times: int = 4) -> list[Judgement]:
    """Every pair of these ranks, from 0, ``times`` times, as one who sees them in this order."""
    shown = {rank: Shown(board.ranked[rank].trial, board.ranked[rank].kimg or 0.0) for rank in order}
    pairs = [(a, b) for place, a in enumerate(order) for b in order[place + 1 :]]
    half = [Judgement(shown[a], shown[b], Choice.FIRST) for a, b in pairs]
    return [*half, *(Judgement(shown[b], shown[a], Choice.SECOND) for a, b in pairs)] * (times // 2)


def test_an_eye_that_sees_as_kid_does_agrees(board: Leaderboard) -> None:
    eye = eye_of("ann", board, judged(board, [0, 1, 2, 3]))
    assert [one.rank for one in eye.standings] == [1, 2, 3, 4]
    assert eye.tau == 1
    assert not eye.disagrees
    assert eye.tau_interval is not None
    assert eye.tau_interval[0] > 0.2
    assert eye.tau_interval[1] == 1
    told = sentences(eye)
    assert told[0].startswith(f"24 judgements by ann: trial {board.ranked[0].trial} is ")
    assert "Kendall's tau 1.00" in told[1]


def test_where_nothing_is_ordered_nobody_agrees(board: Leaderboard) -> None:
    """All have one value, or one score."""
    same = [entry.changed(value=0.1) for entry in board.ranked]
    pairs = judged(board, [0, 1, 2])
    ties = [replace(one, choice=Choice.TIE) for one in pairs]
    for eye in (eye_of("ann", replace(board, ranked=same), pairs), eye_of("ann", board, ties)):
        assert len(eye.standings) == 3
        assert eye.tau is None
        assert eye.tau_interval is None
        assert "nan" not in " ".join(sentences(eye))


def test_an_eye_that_prefers_another_trial_says_so(board: Leaderboard) -> None:
    eye = eye_of("bo", board, judged(board, [2, 1, 0], 10))
    assert eye.tau == -1
    assert eye.disagrees
    first, last = board.ranked[2].trial, board.ranked[0].trial
    assert f"the eye prefers trial {first} to trial {last}, the first by KID" in sentences(eye)
    assert as_dict(eye)["disagrees"] is True
    assert not eye_of("bo", board, judged(board, [1, 0], 2)).disagrees  # too few to tell


def test_judgements_of_pictures_that_are_not_the_best_now_do_not_count(board: Leaderboard) -> None:
    old = Judgement(Shown(board.ranked[0].trial, 0.5), Shown(board.ranked[1].trial, 0.5), Choice.FIRST)
    eye = eye_of("ann", board, [old, *judged(board, [0, 1], 2)])
    assert (len(eye.matches), eye.other) == (2, 1)
    assert sentences(eye)[-1].startswith("not counted: 1 judgement")
    nothing = eye_of("ann", board, [old])
    assert nothing.standings == []
    assert not nothing.disagrees
    assert as_dict(nothing)["trials"] == []
    assert sentences(nothing)[0] == "0 judgements by ann"


def test_people_are_kept_apart(sweep: Sweep, board: Leaderboard) -> None:
    for who, order in (("bo", [1, 0]), ("ann", [0, 1, 2])):
        session = Session(sweep.folder, who)
        for one in judged(board, order):
            session.add(one)
    found = eyes(sweep, board)
    assert [(eye.who, len(eye.matches)) for eye in found] == [("ann", 12), ("bo", 4)]
    assert found[0].standings[0].rank == 1
    assert found[1].standings[0].rank == 2


def test_a_side_that_is_preferred_is_told(board: Leaderboard) -> None:
    def with_sides(first: int, second: int) -> Eye:
        a, b = (Shown(entry.trial, entry.kimg or 0.0) for entry in board.ranked[:2])
        told = [Judgement(a, b, Choice.FIRST)] * first + [Judgement(a, b, Choice.SECOND)] * second
        return eye_of("ann", board, told)

    assert with_sides(10, 6).bias == ""
    assert with_sides(0, 0).bias == ""
    assert "the second of the two was preferred in 18 of 20" in with_sides(2, 18).bias
