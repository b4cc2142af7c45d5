"""The leaderboard: who can win, who is left out, and what is never compared."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.errors import RequestError
from ganlib.metrics.identity import Floor, Identity
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS
from sweep.records.snapshots import Seen, finite
from sweep.records.status import Status
from sweep.results.decisive import COLUMNS, decisive
from sweep.results.leaderboard import Leaderboard, had
from sweep.results.ranking import MixedIdentityError, leaderboard, rank, rank_or_explain
from sweep.spec.wishes.wish import broken, wishes_of
from sweep.storage.local import LocalFolder

IDENTITY = {
    "extractor": "efficientnet_lite0@64",
    "extractor_digest": "0f1e",
    "n_fake": 512,
    "n_real": 3000,
    "data_hash": "a1b2",
    "resize": "bilinear antialiased to 64",
    "ema": True,
}


def trial(number: int, status: str = "finished", **more: object) -> dict[str, Any]:
    return {"trial": number, "status": status, "verdict": None, "failure": None, **more}


def measured(number: int, kimg: float, kid: float | None, **more: object) -> dict[str, Any]:
    fid = None if kid is None else 100 * kid
    values = {"kid": kid, "kid_se": 0.001, "fid": fid, "mmd": kid, "mmd_se": 0.001, "mind": fid}
    return {"trial": number, "kimg": kimg, **values, **IDENTITY, **more}


def order(
    trials: list[Mapping[str, Any]], metrics: list[Mapping[str, Any]], metric: str = "kid"
) -> list[int]:
    return [entry.trial for entry in rank(trials, metrics, metric).ranked]


def of_results(
    trials: list[dict[str, Any]], results: list[dict[str, Any]], metric: str = "kid"
) -> Leaderboard:
    """The leaderboard of trials that saw 0.5 at the first evaluation and have these results."""
    return rank(trials, [measured(one["trial"], 1.0, 0.5) for one in trials], metric, (), results)


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


def test_an_unbiased_kid_below_zero_is_better_than_zero() -> None:
    assert order([trial(0), trial(1)], [measured(0, 1.0, 0.0), measured(1, 1.0, -0.001)]) == [1, 0]


def test_metrics_rank_independently() -> None:
    rows = [measured(0, 1.0, 0.1, fid=90.0), measured(1, 1.0, 0.2, fid=80.0)]
    assert order([trial(0), trial(1)], rows, "kid") == [0, 1]
    assert order([trial(0), trial(1)], rows, "fid") == [1, 0]
    board = of_results([trial(0), trial(1)], rows, "fid")
    assert [entry.trial for entry in board.ranked] == [1, 0]
    assert board.label == "FID (efficientnet_lite0@64, n=512)"


@pytest.mark.parametrize(
    ("metric", "extractor", "name"),
    [
        ("kid", "clip@cmmd", "KID"),
        ("fid", "inception", "FID"),
        ("fid", "dinov2", "FID"),
        ("fid", "dinov2@dgm-eval", "FD-DINOv2"),
        ("mmd", "clip@cmmd", "CMMD"),
        ("mmd", "clip", "MMD"),
        ("mmd", "efficientnet_lite0@64", "MMD"),
        ("mind", "inception", "MIND"),
    ],
)
def test_a_metric_goes_by_its_published_name_on_the_features_that_belong_to_it(
    metric: str, extractor: str, name: str
) -> None:
    told = {"mmd": 0.3, "mmd_se": 0.01, "mind": 7.0, "extractor": extractor}
    board = of_results([trial(0)], [measured(0, 1.0, 0.1, **told)], metric)
    assert board.label == f"{name} ({extractor}, n=512)"
    assert board.column(metric) == f"{name} ({extractor})"
    assert had(board.ranked[0], metric).startswith(f"{name} ")


@pytest.mark.parametrize("metric", ["mmd", "mind"])
def test_every_metric_ranks(metric: str) -> None:
    rows = [
        measured(n, 1.0, 0.1, **{metric: value, "mmd_se": 0.01}) for n, value in enumerate([0.3, 0.2, None])
    ]
    board = rank([trial(n) for n in range(3)], rows, metric, results=rows)
    assert [entry.trial for entry in board.ranked] == [1, 0]
    assert board.ranked[0].measure(metric) == (0.2, 0.01 if metric == "mmd" else None)
    assert board.left_out[0].reason == f"no finite {metric.upper()}"


def test_a_metric_that_falls_puts_more_pictures_first_while_nothing_has_a_result() -> None:
    rows = [measured(0, 1.0, 0.1, mind=5.0, mmd=0.1, n_fake=128), measured(1, 1.0, 0.1, mind=6.0, mmd=0.2)]
    assert order([trial(0), trial(1)], rows, "mind") == [1, 0]
    assert order([trial(0), trial(1)], rows, "mmd") == [0, 1]


def test_records_without_a_metric_s_columns_are_read(tmp_path: Path) -> None:
    """Those of sweeps that were begun before the metric was there."""
    store = Store(LocalFolder(tmp_path))
    store.put_trial({"trial": 0, "attempt": 0, "status": "finished"})
    store.add("metrics", {"attempt": 0, **measured(0, 1.0, 0.1)})
    store.replace("results", 0, [{"attempt": 0, **measured(0, 1.0, 0.12)}])
    for path in [*tmp_path.glob("metrics/*.parquet"), *tmp_path.glob("results/*.parquet")]:
        pq.write_table(pq.read_table(path).drop_columns(["mmd", "mmd_se", "mind"]), path)
    board = leaderboard(Store(LocalFolder(tmp_path)))
    assert (board.ranked[0].value, board.ranked[0].mind) == (0.12, None)
    assert leaderboard(Store(LocalFolder(tmp_path)), "mmd").left_out[0].reason == "no finite MMD"


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


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("extractor", "inception"),
        ("extractor_digest", "ffff"),
        ("n_fake", 2048),
        ("n_real", 9),
        ("data_hash", "x"),
        ("resize", "bicubic"),
        ("ema", False),
    ],
)
def test_different_measures_are_not_ranked_together(column: str, other: object) -> None:
    trials = [trial(0), trial(1), trial(2), trial(7)]
    rows = [measured(n, 1.0, 0.1) for n in range(3)] + [measured(7, 1.0, 0.1, **{column: other})]
    with pytest.raises(MixedIdentityError) as raised:
        of_results(trials, rows)
    text = str(raised.value)
    assert f"differ in {column}:" in text
    assert f"{column}={IDENTITY[column]}: trials 0-2" in text
    assert f"{column}={other}: trial 7" in text
    assert isinstance(raised.value, RequestError)


def test_measures_of_trials_out_of_play_do_not_matter() -> None:
    trials = [trial(0), trial(1, "collapsed", verdict="flat_image")]
    assert order(trials, [measured(0, 1.0, 0.1), measured(1, 1.0, 0.2, n_fake=8)]) == [0]


def test_how_evaluations_on_the_way_were_measured_does_not_matter_once_there_are_results() -> None:
    trials, rows = [trial(0), trial(1)], [measured(0, 1.0, 0.1, n_fake=8), measured(1, 1.0, 0.2, ema=False)]
    results = [measured(0, 1.0, 0.2), measured(1, 1.0, 0.1)]
    assert [entry.trial for entry in rank(trials, rows, "kid", (), results).ranked] == [1, 0]


def test_the_best_so_far_may_be_on_any_number_of_pictures_and_no_more() -> None:
    rows = [measured(0, 1.0, 0.2, n_fake=128), measured(1, 1.0, 0.1, n_fake=512)]
    board = rank([trial(0), trial(1)], rows, "kid")
    assert [(entry.trial, entry.n_fake) for entry in board.ranked] == [(1, 512), (0, 128)]
    assert board.identity is not None
    assert board.identity.n_fake == 512
    with pytest.raises(MixedIdentityError, match="differ in extractor"):
        rank([trial(0), trial(1)], [rows[0], rows[1] | {"extractor": "inception"}], "kid")


def test_a_fid_so_far_on_more_pictures_comes_first() -> None:
    """FID falls with the number of pictures, so that values on different numbers do not compare."""
    rows = [measured(0, 1.0, 0.3, n_fake=128), measured(1, 1.0, 0.9), measured(2, 1.0, 0.8)]
    trials = [trial(0), trial(1), trial(2)]
    assert order(trials, rows, "fid") == [2, 1, 0]
    assert order(trials, rows, "kid") == [0, 2, 1]


def test_who_shows_everything_gets_the_reason_instead() -> None:
    trials = [trial(0), trial(1), trial(2, "failed", failure="no")]
    rows = [measured(0, 1.0, 0.1), measured(1, 1.0, 0.2, n_fake=8)]
    board, problem = rank_or_explain(trials, rows, "kid", (), rows)
    assert problem is not None
    assert "n_fake" in problem
    assert not board.ranked
    assert board.identity is None
    assert board.label == "KID"
    reasons = ["not measured like the others", "not measured like the others", "failed: no"]
    assert [entry.reason for entry in board.left_out] == reasons


def test_nothing_yet() -> None:
    board = rank([], [], "kid")
    assert board.entries == []
    assert board.identity is None
    assert board.label == "KID"


def test_the_floor_of_a_result_is_that_of_as_many_pictures() -> None:
    floors = [Floor(128, 9.0, 0.0, 0.001), Floor(512, 5.0, 0.0, 0.001)]
    rows = [measured(n, 1.0, 0.5, n_fake=128) for n in range(3)]
    trials = [trial(0), trial(1, "stopped"), trial(2, "running")]
    board = rank(trials, rows, "kid", floors, [measured(0, 1.0, 0.6), measured(1, 1.0, 0.6, n_fake=512)])
    assert [entry.floor for entry in board.entries] == [floors[1], floors[1], floors[0]]


def test_results_below_the_floor_are_suspicious() -> None:
    floor = Floor(512, fid=9.0, kid=0.001, kid_se=0.0004)
    rows = [
        measured(0, 1.0, 0.0, fid=9.1, kid_se=0.0003),  # two standard errors together: 0.001
        measured(1, 1.0, -0.0011, fid=9.1, kid_se=0.0003),
        measured(2, 1.0, 0.1, fid=8.9),
    ]
    board = rank([trial(n) for n in range(3)], rows, "kid", [floor], rows)
    assert {entry.trial: bool(entry.suspicion) for entry in board.ranked} == {0: False, 1: True, 2: True}
    assert [line.partition(";")[0] for line in board.suspicions] == [
        "trial 1: KID -0.0011 is below that of held-out real pictures, 0.001",
        "trial 2: FID 8.9 is below that of held-out real pictures, 9",
    ]


def test_unknown_metrics_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"unknown metric 'kidd', did you mean 'kid'\? \(choices: kid, fid, mmd, mind\)"
    ):
        leaderboard(Store(LocalFolder(tmp_path)), "kidd")


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


def test_identities_name_the_extractor_even_if_unknown() -> None:
    assert Identity(n_fake=8).label("fid") == "FID (unknown extractor, n=8)"


numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32))


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


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            *(st.integers(0, 4), numbers, st.sampled_from([8, 9, None]), st.sampled_from(["a", None])),
        ),
        max_size=25,
    ),
    st.sampled_from(["kid", "fid", "mind"]),
)
def test_the_decisive_rows_decide_as_all_rows_do(
    values: list[tuple[int, float | None, int | None, str | None]], metric: str
) -> None:
    trials = [trial(n) for n in range(5)]
    rows = [
        measured(n, float(i // 2), value, n_fake=count, data_hash=data, verdict=None)
        for i, (n, value, count, data) in enumerate(sorted(values, key=lambda value: value[0]))
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema([SCHEMAS["metrics"].field(name) for name in COLUMNS]))
    few = decisive(table, metric).to_pylist()
    assert len(few) <= len(rows)
    assert outcome(trials, few, metric) == outcome(trials, rows, metric)


def test_a_dead_evaluation_does_not_hide_the_best_one() -> None:
    """Rolled back, a trial goes on: what it had when it was called dead counts for nothing, however small."""
    values = [(1.0, 0.7, None), (2.0, 0.5, None), (3.0, 0.1, "low_diversity"), (4.0, 0.6, None)]
    rows = [measured(0, kimg, kid, verdict=verdict) for kimg, kid, verdict in values]
    table = pa.Table.from_pylist(rows, schema=pa.schema([SCHEMAS["metrics"].field(name) for name in COLUMNS]))
    few = decisive(table, "kid").to_pylist()
    (entry,) = rank([trial(0)], few, "kid").ranked
    assert (entry.value, entry.kimg, entry.last) == (0.5, 2.0, 0.6)


def outcome(trials: list[dict[str, Any]], rows: list[dict[str, Any]], metric: str) -> object:
    try:
        return rank(trials, rows, metric)
    except MixedIdentityError as error:
        return str(error)
