"""What a person sees of a sweep: tables that fit, the sweep's own clock, paths for names, errors that help."""

import io
import json
import re
import shutil
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import KINDS, make_sweep, shared_storage
from rich.console import Console

from ganlib.errors import RequestError, WorkError
from sweep.commands.watch import Watched
from sweep.driver.events import Event
from sweep.records import progress
from sweep.records.catalog import open_sweep
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.spec.sections import SearchConfig
from sweep.storage import layout
from sweep.storage.folder import Folder, StorageError
from sweep.storage.lease import AHEAD_SECONDS, Lease, Owner
from sweep.storage.opening import open_folder
from sweep.terminal import views
from sweep.terminal.live import LiveTable

# ---- the live table ----------------------------------------------------------------------------------------

PARAMS = {
    "train.lr_g": 0.000123456,
    "train.lr_d": 0.00098765,
    "train.loss": "wgan-gp",
    "train.smoothing": 0.987654,
    "model.variant": "extended",
}


def shown(
    width: int,
    height: int,
    trials: int = 30,
    verdict: str = "metric_blowup",
    metric: str = "kid",
    extractor: str = "efficientnet_lite0@64",
) -> list[str]:
    """The lines of a live table on a terminal of that size."""
    all_trials = {}
    for number in range(trials):
        trial = Trial(number, PARAMS, 0, attempt=0, kimg=20.0, now_kimg=23.4)
        if number:
            trial.status, trial.verdict, trial.now_kimg = Status.COLLAPSED, verdict, 20.0
        row = {"kimg": 20.0, "loss_g": -12.3456, "loss_d": 1.23456, "kid": 0.0123456}
        trial.add(row | {"seconds_train": 1.0, "seconds_eval": 1.0})
        trial.now_kimg = 23.4 if trial.status == "running" else 20.0
        all_trials[number] = trial
    spec = SimpleNamespace(search=SearchConfig(metric=metric, trials=64))
    director: Any = SimpleNamespace(
        spec=spec, info=SweepInfo(extractor=extractor, trials=64), trials=all_trials
    )
    out = io.StringIO()
    table = LiveTable(Console(file=out, width=width, height=height, force_terminal=True, color_system=None))
    table.open(director, lambda: 3725.0)
    assert table.live is not None
    table.live.stop()
    text = io.StringIO()
    Console(file=text, width=width, color_system=None).print(table._render())
    return text.getvalue().rstrip().split("\n")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 50), (100, 24), (132, 43), (64, 24), (200, 10)])
def test_nothing_that_matters_is_cut(width: int, height: int) -> None:
    lines = shown(width, height)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "…" not in text
    for word in ("metric_blowup", "23.4", "0.0123", *(("1.23", "-12.3") if width >= 80 else ())):
        assert word in text
    words = set(re.split(r"\s+", text))
    for word in ("lr_g=0.000123", "lr_d=0.000988", "loss=wgan-gp", "smoothing=0.988", "variant=extended"):
        assert word in words
    foot = " ".join(" ".join(lines).split())
    assert "1:02:05 elapsed" in foot
    assert "KID (efficientnet_lite0@64)" in foot
    assert "30 of 64 trials" in foot
    assert "more" in text


def test_the_metric_goes_by_the_name_that_its_features_give_it() -> None:
    for metric, extractor, name in (("fid", "dinov2@dgm-eval", "FD-DINOv2"), ("mmd", "clip@cmmd", "CMMD")):
        head = shown(132, 24, trials=2, metric=metric, extractor=extractor)[0].split()
        assert name in head
        assert metric.upper() not in head


def test_a_narrow_terminal_shows_the_metric() -> None:
    lines = shown(50, 24)
    assert max(map(len, lines)) <= 50
    assert "0.0123" in lines[1]
    assert "…" not in "\n".join(lines)


@pytest.fixture
def live(tmp_path: Path) -> Folder:
    shutil.copytree(shared_storage() / "live", tmp_path / "live")
    folder = open_folder(tmp_path) / "live"
    store = Store(folder, KINDS)
    for row in store.rows("trials"):
        store.put_trial({"trial": row["trial"], "params": "{}"})
    return folder


def test_a_trial_that_goes_on_is_not_told_to_start_again(capsys: pytest.CaptureFixture[str]) -> None:
    spec = SimpleNamespace(search=SearchConfig(trials=2))
    director: Any = SimpleNamespace(spec=spec, info=SweepInfo(trials=2), trials={})
    lines = views.PlainLines(looking_on=True)
    lines.open(director, lambda: 5.0)
    for kimg, attempt in ((0.0, 0), (0.0, 1), (3.2, 1)):
        lines.event(Event("start", Trial(7, {}, 0, attempt=attempt, kimg=kimg)))
    told = capsys.readouterr().out.splitlines()
    assert [line.partition("trial 7 ")[2].rstrip(": ") for line in told] == [
        "starts",
        "starts (attempt 2)",
        "goes on (attempt 2)",
    ]


def test_whoever_looks_on_sees_the_moment(live: Folder, tmp_path: Path) -> None:
    """Where trials are between two evaluations, and the sweep's clock, not that of the looking."""
    running = next(row for row in Store(live).rows("trials") if row["status"] == "running")
    noted = {
        "elapsed": 3600.0,
        "time": time.time() - 5,
        "kimg": {str(running["trial"]): running["kimg"] + 1.25},
    }
    live.write(layout.PROGRESS, json.dumps(noted).encode())
    watched = Watched(open_sweep(open_folder(tmp_path), "live"))
    watched.refresh()
    assert progress.reached(watched.trials[running["trial"]]) == running["kimg"] + 1.25
    assert watched.elapsed() == 3600
    live.delete(layout.LEASE)
    with Owner(live):
        assert watched.running
        assert 3604 < watched.elapsed() < 3660


def test_waiting_shows_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "FIRST_PAUSES", (0.01, 0.01))
    said: list[str] = []
    with views.ticking("starting Ray", said.append):
        deadline = time.monotonic() + 10
        while len(said) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert said[0] == "starting Ray ..."
    assert said[2].startswith("still starting Ray (0:0")


# ---- names and paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        *("first", "first/", "runs/first", "./runs/first/", "{tmp}/runs/first", "file://{tmp}/runs/first"),
        *("runs/first/sweep.json", "runs/first/metrics", "runs/first/confirm", "runs/../runs/first"),
    ],
)
def test_a_path_works_where_a_name_does(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sweep(tmp_path / "runs", trials=2, name="first", pictures=False)
    make_sweep(tmp_path / "runs", trials=1, name="other", pictures=False)
    inner = open_folder(tmp_path) / "runs" / "first" / "confirm"
    inner.write("sweep.json", b"{}")
    monkeypatch.chdir(tmp_path)
    given = given.format(tmp=tmp_path)
    for storage in ("runs", "elsewhere") if "/" in given[:-1] else ("runs",):
        sweep = open_sweep(open_folder(storage), given)
        assert sweep.name == "first"
        assert sweep.folder.url == str(tmp_path / "runs" / "first")


def test_all_subcommands_take_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sweep(tmp_path / "mine", trials=4, name="first", pictures=False)
    monkeypatch.chdir(tmp_path)
    for command in ("show", "best", "report"):
        result = run(command, "mine/first")
        assert (result.exit_code == 0 and "first" in result.output) or command == "best", result.output
    twice = run("report", "mine/first", "mine/first/", "--out", "r.html")
    assert twice.exit_code == 0, twice.output
    for command in ("watch", "check", "resume", "confirm"):
        result = run(command, "mine/second")
        assert result.exit_code == 2
        assert "mine/second" in result.output


def test_the_storage_in_the_place_of_a_sweep(tmp_path: Path) -> None:
    make_sweep(tmp_path / "runs", trials=1, name="first", pictures=False)
    with pytest.raises(RequestError, match=r"holds some \(first\): name one of them, with --storage"):
        open_sweep(open_folder(tmp_path / "elsewhere"), str(tmp_path / "runs"))


# ---- datasets, leases, folders -----------------------------------------------------------------------------


def test_datasets_can_be_queried_before_anything_is_in_them(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    store = Store(open_folder(tmp_path), KINDS)
    store.begin()
    for dataset in SCHEMAS:
        query = f"SELECT count(*) FROM '{tmp_path}/{dataset}/*.parquet'"
        assert duckdb.sql(query).fetchall() == [(0,)]
        assert store.rows(dataset) == []
    store.add("events", {"kind": "x"})
    store.put_trial({"trial": 0, "attempt": 0, "status": "running"})
    store.begin()  # as a resume does
    assert [row["kind"] for row in store.rows("events")] == ["x"]
    query = f"SELECT trial, \"param.train.lr_g\" FROM '{tmp_path}/trials/*.parquet'"
    assert duckdb.sql(query).fetchall() == [(0, None)]
    assert [row["trial"] for row in Store(open_folder(tmp_path)).rows("trials")] == [0]


def test_a_lease_from_the_future_is_explained(live: Folder, tmp_path: Path) -> None:
    lease = Lease("other", "far-away", 77, time.time() + 3 * 3600 + 60)
    live.write(layout.LEASE, json.dumps(vars(lease)).encode())
    with pytest.raises(RequestError) as refused, Owner(live):
        pass
    for words in (
        "pid 77 on far-away",
        "3 h",
        f"ahead of that of {socket.gethostname()}",
        "NTP",
        f"{live}/{layout.LEASE}",
    ):
        assert words in str(refused.value)
    assert AHEAD_SECONDS < 90
    near = Lease("other", "far-away", 77, time.time() + 5)
    assert "seen 0 s ago" in near.described(live)
    assert "future" not in near.described(live)


def test_a_sweep_of_somebody_else_gets_its_report_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sweep(tmp_path, trials=1, name="first", pictures=False)

    def refuse(*_: object) -> None:
        raise StorageError("could not write 'report.html': permission denied")

    monkeypatch.setattr("sweep.report.build.write_report", refuse)
    result = run("report", "--storage", str(tmp_path))
    assert result.exit_code == 1
    assert "--out FILE writes the report elsewhere" in result.output


@pytest.mark.parametrize("where", ["cache", "data"])
def test_a_cache_that_cannot_be_written(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another user, read-only, or a file in the place of a folder: what helps is named."""
    from ganlib.config import DataConfig
    from ganlib.data import prepare

    cache = tmp_path / "cache"
    if where == "data":
        cache.mkdir()
    (cache / "data" if where == "data" else cache).write_text("a file")
    monkeypatch.setenv("SWEEP_CACHE", str(cache))
    with pytest.raises((WorkError, RequestError), match="environment variable SWEEP_CACHE"):
        prepare(DataConfig(size=32, count=40))
