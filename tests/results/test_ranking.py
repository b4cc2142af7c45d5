"""The leaderboard: who can win, who is left out, and what is never compared."""

import math
from pathlib import Path

import pytest
from helpers.sweeps.ranking import measured, numbers, of_results, trial
from hypothesis import given
from hypothesis import strategies as st

from sweep.records.datasets import Store
from sweep.records.snapshots import finite
from sweep.results.ranking import leaderboard, rank, rank_or_explain
from sweep.storage.local import LocalFolder


def test_the_result_counts_and_the_best_and_the_last_evaluation_are_told() -> None:
    rows = [measured(0, 1.0, 0.3), measured(0, 2.0, 0.1, n_fake=128), measured(0, 3.0, 0.2)]
    board = rank([trial(0)], rows, "kid", results=[measured(0, 2.0, 0.15)])
    (entry,) = board.ranked
    assert (entry.rank, entry.value, entry.kimg, entry.seen, entry.last) == (1, 0.15, 2.0, 0.1, 0.2)
    assert (entry.kid, entry.kid_se, entry.fid) == (0.15, 0.001, pytest.approx(15.0))
    assert entry.measured
    assert entry.n_fake == 512
    assert not board.provisional
    assert board.label == "KID (efficientnet_lite0@64, n=512)"


def test_without_any_result_the_best_so_far_counts_and_is_called_so() -> None:
    board = rank([trial(0)], [measured(0, 1.0, 0.3), measured(0, 2.0, 0.1), measured(0, 3.0, 0.2)], "kid")
    (entry,) = board.ranked
    assert (entry.rank, entry.value, entry.kimg, entry.last) == (1, 0.1, 2.0, 0.2)
    assert (entry.kid, entry.kid_se, entry.fid) == (0.1, 0.001, pytest.approx(10.0))
    assert board.provisional
    assert not entry.measured
    assert board.label == "KID (efficientnet_lite0@64) so far"


def test_what_looked_good_is_no_result() -> None:
    """A value that was chosen for being low ranks nobody: neither with a worse result, nor before there is one."""
    trials = [trial(0), trial(1), trial(2, "running"), trial(3, "stopped")]
    rows = [measured(0, 1.0, 0.01), measured(1, 1.0, 0.30), measured(2, 1.0, 0.001, n_fake=128)]
    rows.append(measured(3, 2.0, 0.02))
    board = rank(trials, rows, "kid", (), [measured(0, 1.0, 0.4), measured(1, 1.0, 0.31)])
    assert [entry.trial for entry in board.ranked] == [1, 0]
    assert {entry.trial: entry.reason for entry in board.left_out} == {
        2: "still running, so far KID 0.0010 ± 0.0010 on 128 pictures, at 1 kimg",
        3: "no result, so far KID 0.0200 ± 0.0010 on 512 pictures, at 2 kimg",
    }


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
def test_a_result_without_a_number_is_none(bad: float | None) -> None:
    board = of_results([trial(0), trial(1)], [measured(0, 1.0, bad), measured(1, 1.0, 0.6)])
    assert [entry.trial for entry in board.ranked] == [1]
    assert board.left_out[0].reason == "no result, so far KID 0.5000 ± 0.0010 on 512 pictures, at 1 kimg"
    assert of_results([trial(0)], [measured(0, 1.0, bad)]).provisional


def test_collapsed_and_failed_trials_never_win() -> None:
    trials = [
        trial(0, "collapsed", verdict="low_diversity"),
        trial(1, "failed", failure="Traceback\n  ...\nWorkError: out of memory"),
        trial(2, "stopped"),
    ]
    rows = [measured(n, 1.0, 0.1 * (n + 1)) for n in range(3)]
    for results in ([], rows, rows[:2], rows[2:]):
        board = rank(trials, rows, "kid", results=results)
        assert [entry.trial for entry in board.ranked] == ([2] if results != rows[:2] else [])
        had = {entry.trial: entry.reason for entry in board.left_out}
        # They do not win, and what they had is told all the same.
        assert (
            had[0] == "collapsed: low_diversity; its best was KID 0.1000 ± 0.0010 on 512 pictures, at 1 kimg"
        )
        assert (
            had[1]
            == "failed: WorkError: out of memory; its best was KID 0.2000 ± 0.0010 on 512 pictures, at 1 kimg"
        )
        assert [entry.rank for entry in board.left_out if entry.trial != 2] == [None, None]


def test_running_stopped_and_interrupted_trials_count() -> None:
    trials = [trial(0, "running"), trial(1, "stopped"), trial(2, "interrupted")]
    board = rank(trials, [measured(n, 1.0, 0.3 - 0.1 * n) for n in range(3)], "kid")
    assert [(entry.trial, entry.status) for entry in board.ranked] == [
        (2, "interrupted"),
        (1, "stopped"),
        (0, "running"),
    ]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
def test_values_that_are_not_finite_never_count(bad: float | None) -> None:
    rows = [measured(0, 1.0, 0.5), measured(0, 2.0, bad), measured(1, 1.0, bad)]
    board = rank([trial(0), trial(1), trial(2, "running")], rows, "kid")
    assert [(entry.trial, entry.value, entry.last) for entry in board.ranked] == [(0, 0.5, 0.5)]
    reasons = {entry.trial: entry.reason for entry in board.left_out}
    assert reasons == {1: "no finite KID", 2: "not evaluated yet"}


def test_ties_share_a_rank_and_keep_the_order_of_their_numbers() -> None:
    rows = [measured(2, 1.0, 0.1), measured(0, 1.0, 0.1), measured(3, 1.0, 0.2), measured(1, 1.0, 0.05)]
    board = rank([trial(n) for n in range(4)], rows, "kid")
    assert [(entry.trial, entry.rank) for entry in board.ranked] == [(1, 1), (0, 2), (2, 2), (3, 4)]


def test_equal_values_of_one_trial_mean_the_earlier_evaluation() -> None:
    board = rank([trial(0)], [measured(0, 1.0, 0.1), measured(0, 2.0, 0.1)], "kid")
    assert board.ranked[0].kimg == 1.0


def test_nothing_yet() -> None:
    board = rank([], [], "kid")
    assert board.entries == []
    assert board.identity is None
    assert board.label == "KID"


def test_it_reads_a_store(tmp_path: Path) -> None:
    store = Store(LocalFolder(tmp_path), {"train.lr_g": "float"})
    store.put_trial({"trial": 0, "status": "finished", "param.train.lr_g": 0.5})
    store.add("metrics", {"attempt": 0, **measured(0, 1.0, 0.25)})
    board = leaderboard(Store(LocalFolder(tmp_path)))
    assert board.provisional
    assert board.ranked[0].value == 0.25
    store.replace("results", 0, [{"attempt": 0, **measured(0, 1.0, 0.375)}])
    board = leaderboard(Store(LocalFolder(tmp_path)))
    (entry,) = board.ranked
    assert not board.provisional
    assert (entry.value, entry.seen) == (0.375, 0.25)
    assert entry.params == {"train.lr_g": 0.5}


@given(
    st.lists(st.sampled_from(["running", "finished", "stopped", "collapsed", "failed"]), max_size=6),
    st.lists(st.tuples(st.integers(0, 5), numbers), max_size=25),
)
def test_ranks_are_what_sorting_by_hand_gives(
    statuses: list[str], values: list[tuple[int, float | None]]
) -> None:
    trials = [trial(n, status) for n, status in enumerate(statuses)]
    rows = [measured(n, float(i), value) for i, (n, value) in enumerate(values) if n < len(trials)]
    best: dict[int, float] = {}
    for row in rows:
        if row["kid"] is not None and math.isfinite(row["kid"]):
            best[row["trial"]] = min(row["kid"], best.get(row["trial"], math.inf))
    eligible = [n for n in best if statuses[n] not in ("collapsed", "failed")]
    board = rank(trials, rows, "kid")
    assert board.provisional or not trials
    assert [entry.trial for entry in board.ranked] == sorted(eligible, key=lambda n: (best[n], n))
    for entry in board.ranked:
        assert entry.value == best[entry.trial]
        assert entry.rank == 1 + sum(best[n] < best[entry.trial] for n in eligible)
    assert sorted(entry.trial for entry in board.entries) == list(range(len(trials)))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["running", "interrupted", "finished", "stopped", "collapsed", "failed"]),
            numbers,
            st.one_of(st.just("none"), numbers),
        ),
        max_size=7,
    )
)
def test_results_alone_rank_and_the_best_so_far_only_while_there_are_none(
    given_trials: list[tuple[str, float | None, float | str | None]],
) -> None:
    trials = [trial(n, status) for n, (status, _, _) in enumerate(given_trials)]
    rows = [measured(n, 1.0, seen) for n, (_, seen, _) in enumerate(given_trials)]
    results = [measured(n, 1.0, r) for n, (_, _, r) in enumerate(given_trials) if not isinstance(r, str)]
    board = rank(trials, rows, "kid", (), results)
    by_result = {row["trial"]: row["kid"] for row in results if finite(row["kid"]) is not None}
    by_seen = {row["trial"]: row["kid"] for row in rows if finite(row["kid"]) is not None}
    values = by_result or by_seen
    able = [n for n in values if given_trials[n][0] not in ("collapsed", "failed")]
    assert board.provisional == (not by_result)
    assert [entry.trial for entry in board.ranked] == sorted(able, key=lambda n: (values[n], n))
    for entry in board.ranked:
        assert entry.value == values[entry.trial]
        assert entry.measured == bool(by_result)
    for entry in board.left_out:
        assert entry.reason
        assert entry.rank is None
        best = by_result.get(entry.trial, by_seen.get(entry.trial))
        assert entry.value == best
        if best is not None:
            assert "so far KID" in entry.reason or "its best was KID" in entry.reason
    assert sorted(entry.trial for entry in board.entries) == list(range(len(trials)))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["running", "interrupted", "finished", "stopped", "collapsed", "failed"]),
            numbers,
            st.one_of(st.just("none"), numbers),
            st.sampled_from(["a", None]),
        ),
        max_size=7,
    ),
    st.sampled_from(["kid", "fid"]),
)
def test_of_trials_with_a_result_no_evaluation_is_needed(
    given_trials: list[tuple[str, float | None, float | str | None, str | None]], metric: str
) -> None:
    trials = [trial(n, status) for n, (status, *_) in enumerate(given_trials)]
    rows = [measured(n, 1.0, seen) for n, (_, seen, *_) in enumerate(given_trials)]
    results = [
        measured(n, 1.0, value, data_hash=data)
        for n, (_, _, value, data) in enumerate(given_trials)
        if not isinstance(value, str)
    ]
    able = {row["trial"] for row in results if finite(row[metric]) is not None}
    boards = [
        rank_or_explain(trials, evaluations, metric, (), results)
        for evaluations in (rows, [row for row in rows if row["trial"] not in able])
    ]
    for board, _ in boards:
        for entry in board.entries:
            if entry.measured:
                vars(entry).update(seen=None, last=None)
    assert boards[0] == boards[1]
