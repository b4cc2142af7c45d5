"""Each metric ranks trials by itself, goes by its name, and has a floor."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.sweeps.ranking import measured, of_results, order, trial

from ganlib.errors import RequestError
from ganlib.metrics.identity import Floor
from sweep.records.datasets import Store
from sweep.results.leaderboard import had
from sweep.results.ranking import leaderboard, rank
from sweep.storage.local import LocalFolder


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
