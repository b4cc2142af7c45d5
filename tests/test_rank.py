"""The leaderboard: who can win, who is left out, and what is never compared."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.errors import RequestError
from ganlib.metrics.identity import Floor, Identity
from sweep.decisive import COLUMNS, decisive
from sweep.rank import MixedIdentityError, leaderboard, rank, rank_or_explain
from sweep.schemas import SCHEMAS
from sweep.storage_local import LocalFolder
from sweep.store import Store

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
    return {"trial": number, "kimg": kimg, "kid": kid, "kid_se": 0.001, "fid": fid, **IDENTITY, **more}


def order(
    trials: list[Mapping[str, Any]], metrics: list[Mapping[str, Any]], metric: str = "kid"
) -> list[int]:
    return [entry.trial for entry in rank(trials, metrics, metric).ranked]


def test_the_best_evaluation_counts_and_the_last_is_told() -> None:
    board = rank([trial(0)], [measured(0, 1.0, 0.3), measured(0, 2.0, 0.1), measured(0, 3.0, 0.2)], "kid")
    (entry,) = board.ranked
    assert (entry.rank, entry.value, entry.kimg, entry.last) == (1, 0.1, 2.0, 0.2)
    assert (entry.kid, entry.kid_se, entry.fid) == (0.1, 0.001, pytest.approx(10.0))
    assert board.label == "KID (efficientnet_lite0@64, n=512)"


def test_an_unbiased_kid_below_zero_is_better_than_zero() -> None:
    assert order([trial(0), trial(1)], [measured(0, 1.0, 0.0), measured(1, 1.0, -0.001)]) == [1, 0]


def test_metrics_rank_independently() -> None:
    rows = [measured(0, 1.0, 0.1, fid=90.0), measured(1, 1.0, 0.2, fid=80.0)]
    assert order([trial(0), trial(1)], rows, "kid") == [0, 1]
    assert order([trial(0), trial(1)], rows, "fid") == [1, 0]
    assert rank([trial(0), trial(1)], rows, "fid").label == "FID (efficientnet_lite0@64, n=512)"


def test_collapsed_and_failed_trials_never_win() -> None:
    trials = [
        trial(0, "collapsed", verdict="low_diversity"),
        trial(1, "failed", failure="Traceback\n  ...\nWorkError: out of memory"),
        trial(2, "stopped"),
    ]
    board = rank(trials, [measured(n, 1.0, 0.1 * (n + 1)) for n in range(3)], "kid")
    assert [entry.trial for entry in board.ranked] == [2]
    reasons = ["collapsed: low_diversity", "failed: WorkError: out of memory"]
    assert [entry.reason for entry in board.left_out] == reasons
    assert board.left_out[0].value == 0.1 and board.left_out[0].rank is None


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
        rank(trials, rows, "kid")
    text = str(raised.value)
    assert f"differ in {column}:" in text
    assert f"{column}={IDENTITY[column]}: trials 0-2" in text and f"{column}={other}: trial 7" in text
    assert isinstance(raised.value, RequestError)


def test_measures_of_trials_out_of_play_do_not_matter() -> None:
    trials = [trial(0), trial(1, "collapsed", verdict="flat_image")]
    assert order(trials, [measured(0, 1.0, 0.1), measured(1, 1.0, 0.2, n_fake=8)]) == [0]


def test_one_trial_measured_in_two_ways_is_refused_too() -> None:
    with pytest.raises(MixedIdentityError, match="n_fake=512: trial 0"):
        rank([trial(0)], [measured(0, 1.0, 0.1), measured(0, 2.0, 0.1, n_fake=8)], "kid")


def test_who_shows_everything_gets_the_reason_instead() -> None:
    trials = [trial(0), trial(1), trial(2, "failed", failure="no")]
    board, problem = rank_or_explain(trials, [measured(0, 1.0, 0.1), measured(1, 1.0, 0.2, n_fake=8)], "kid")
    assert problem is not None and "n_fake" in problem
    assert not board.ranked and board.identity is None and board.label == "KID"
    reasons = ["not measured like the others", "not measured like the others", "failed: no"]
    assert [entry.reason for entry in board.left_out] == reasons


def test_nothing_yet() -> None:
    board = rank([], [], "kid")
    assert board.entries == [] and board.identity is None and board.label == "KID"


def climbed(number: int, kimg: float, kid: float, stage: int) -> dict[str, Any]:
    return measured(number, kimg, kid, stage=stage, n_fake=[128, 384, 512][stage])


def test_only_those_on_the_highest_step_of_the_ladder_are_ranked() -> None:
    trials = [trial(0), trial(1, "stopped"), trial(2), trial(3, "stopped"), trial(4, "failed", failure="no")]
    rows = [
        *(climbed(0, 1.0, 0.10, 0), climbed(0, 2.0, 0.3, 1), climbed(0, 3.0, 0.25, 2)),
        *(climbed(1, 1.0, 0.20, 0), climbed(1, 2.0, 0.01, 1)),
        *(
            climbed(2, 1.0, 0.50, 0),
            climbed(2, 2.0, 0.2, 1),
            climbed(2, 3.0, 0.22, 2),
            climbed(2, 4.0, 0.21, 2),
        ),
        *(climbed(3, 1.0, 0.001, 0),),
    ]
    floors = [Floor(128, 9.0, 0.0, 0.001), Floor(512, 5.0, 0.0, 0.001)]
    board = rank(trials, rows, "kid", floors)
    assert [(e.trial, e.value, e.kimg) for e in board.ranked] == [(2, 0.21, 4.0), (0, 0.25, 3.0)]
    assert [(e.trial, e.value, e.n_fake) for e in board.left_out[:2]] == [(1, 0.01, 384), (3, 0.001, 128)]
    assert board.left_out[0].reason == "measured on 384 pictures, not on 512"
    assert board.left_out[2].reason == "failed: no"
    assert board.label == "KID (efficientnet_lite0@64, n=512)"
    assert [e.floor for e in board.ranked] == [floors[1]] * 2 and board.left_out[0].floor is None


def test_while_nobody_has_climbed_the_first_step_is_ranked() -> None:
    assert order([trial(0), trial(1)], [climbed(0, 1.0, 0.2, 0), climbed(1, 1.0, 0.1, 0)]) == [1, 0]
    # The one who climbed is dead: the others are compared where they are.
    trials = [trial(0), trial(1, "collapsed", verdict="flat_image")]
    assert order(trials, [climbed(0, 1.0, 0.2, 0), climbed(1, 1.0, 0.1, 1)]) == [0]


def test_the_ladder_excuses_the_number_of_pictures_only() -> None:
    rows = [climbed(0, 1.0, 0.2, 0), climbed(1, 1.0, 0.1, 1) | {"extractor": "inception"}]
    with pytest.raises(MixedIdentityError, match="differ in extractor and n_fake"):
        rank([trial(0), trial(1)], rows, "kid")
    rows = [climbed(0, 1.0, 0.2, 1), climbed(1, 1.0, 0.1, 1) | {"n_fake": 9}]
    with pytest.raises(MixedIdentityError, match="differ in n_fake"):
        rank([trial(0), trial(1)], rows, "kid")


def test_results_below_the_floor_are_suspicious() -> None:
    floor = Floor(512, fid=9.0, kid=0.001, kid_se=0.0004)
    rows = [
        measured(0, 1.0, 0.0, fid=9.1, kid_se=0.0003),  # two standard errors together: 0.001
        measured(1, 1.0, -0.0011, fid=9.1, kid_se=0.0003),
        measured(2, 1.0, 0.1, fid=8.9),
    ]
    board = rank([trial(n) for n in range(3)], rows, "kid", [floor])
    assert {entry.trial: bool(entry.suspicion) for entry in board.ranked} == {0: False, 1: True, 2: True}
    assert [line.partition(";")[0] for line in board.suspicions] == [
        "trial 1: KID -0.0011 is below that of held-out real pictures, 0.001",
        "trial 2: FID 8.9 is below that of held-out real pictures, 9",
    ]


def test_unknown_metrics_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"unknown metric 'kidd', did you mean 'kid'\? \(choices: kid, fid\)"
    ):
        leaderboard(Store(LocalFolder(tmp_path)), "kidd")


def test_it_reads_a_store(tmp_path: Path) -> None:
    store = Store(LocalFolder(tmp_path), {"train.lr_g": "float"})
    store.put_trial({"trial": 0, "status": "finished", "param.train.lr_g": 0.5})
    store.add("metrics", {"attempt": 0, **measured(0, 1.0, 0.25)})
    (entry,) = leaderboard(Store(LocalFolder(tmp_path))).ranked
    assert entry.value == 0.25 and entry.params == {"train.lr_g": 0.5}


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
    assert [entry.trial for entry in board.ranked] == sorted(eligible, key=lambda n: (best[n], n))
    for entry in board.ranked:
        assert entry.value == best[entry.trial]
        assert entry.rank == 1 + sum(best[n] < best[entry.trial] for n in eligible)
    assert sorted(entry.trial for entry in board.entries) == list(range(len(trials)))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            *(st.integers(0, 4), numbers, st.sampled_from([8, 9, None]), st.sampled_from(["a", None])),
            st.sampled_from([0, 1, None]),
        ),
        max_size=25,
    ),
    st.sampled_from(["kid", "fid"]),
)
def test_the_decisive_rows_decide_as_all_rows_do(
    values: list[tuple[int, float | None, int | None, str | None, int | None]], metric: str
) -> None:
    trials = [trial(n) for n in range(5)]
    rows = [
        measured(n, float(i // 2), value, n_fake=count, data_hash=data, stage=stage)
        for i, (n, value, count, data, stage) in enumerate(sorted(values, key=lambda value: value[0]))
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
