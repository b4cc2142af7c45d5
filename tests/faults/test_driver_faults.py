"""What a sweep survives when the process that drives it dies, or its disk does. Everything here really happens.

All runs are local: two runs of one spec give the same numbers, so that a disturbed one can be compared with one
that was left alone. (Workers that die: faults/test_ray_faults.py; nodes: runners/test_ray_cluster.py.)
"""

import json
import math
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.programs.sweep_process import Results, SweepProcess
from helpers.sweeps.commands import RATE, TIMES, small

from sweep.cli import cli
from sweep.records import retention
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS

pytestmark = pytest.mark.slow

SPEC = small(
    data={"count": 32},
    train={"lr_d": RATE, "augment_p": 0.3, "batch_size": 8},
    evaluate={"n_real": 16, "n_fake": 16, "kid_subsets": 5, "kid_subset_size": 8},
    collapse={"flat_std": 0.0, "similarity": 1.0},
    search={"trials": 6},
    asha={"grace": 2, "reduction": 2, "max": 4},
)
PASSING = TIMES | {"attempt", "failures"}
"""Columns that tell of the way, not of the result."""

Start = Callable[..., SweepProcess]


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "small.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def start(tmp_path: Path, cache: Path) -> Start:
    def start(*arguments: object, storage: Path = tmp_path, **options: Any) -> SweepProcess:
        log = tmp_path / f"{len(list(tmp_path.glob('*.log')))}.log"
        # Trials of a second have a checkpoint at each evaluation, as trials of hours do.
        options = {"saving": 0.0, "OMP_NUM_THREADS": "1"} | options
        return SweepProcess(*arguments, "--local", "--storage", storage, cache=cache, log=log, **options)

    return start


@pytest.fixture(scope="module")
def undisturbed(spec: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    storage = tmp_path_factory.mktemp("undisturbed")
    with SweepProcess(
        "run", spec, "--local", "--storage", storage, cache=cache, log=storage / "log", OMP_NUM_THREADS="1"
    ) as run:
        assert run.wait() == 0, run.text()
    found = records(storage)
    assert {"finished", "stopped"} == {row["status"] for row in found["trials"]}
    assert [row["trial"] for row in found["results"]] == list(range(6))
    return found


def records(storage: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of a sweep but its events, without what depends on the time."""
    store = Store(Results(storage, "small").folder)
    return {
        dataset: [{k: v for k, v in row.items() if k not in PASSING} for row in store.rows(dataset)]
        for dataset in SCHEMAS
        if dataset != "events"
    }


def check(storage: Path, *options: str) -> str:
    """`sweep check`, which must find nothing."""
    result = CliRunner().invoke(cli, ["check", "small", "--storage", str(storage), *options])
    assert result.exit_code == 0, result.output
    return result.output


COMMITS = (
    *("metrics/", "trials/", "rungs/", "study.db", "samples/", "lease.json", "ledger/", ".ckpt"),
    *("snapshot-", "results/"),
)


def test_twelve_lost_drivers_change_nothing(
    start: Start, spec: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    """Killed twelve times: two at any moment, ten in the midst of writing a file, before or after its rename."""
    chance = random.Random(0)
    results, kills = Results(tmp_path, "small"), 0
    command: tuple[object, ...] = ("run", spec)
    moments = (
        *COMMITS[:3],
        None,
        *COMMITS[3:6],
        None,
        *COMMITS[6:],
    )  # at the end there might be no evaluation left
    for kill, write in enumerate(moments):
        fault = {"write": write, "when": chance.choice(["before", "after"]), "do": "kill"}
        fault |= {
            "nth": 1 if write in ("study.db", "lease.json", "results/") else chance.randint(1, 2),
            "mark": str(tmp_path / f"mark{kill}"),
        }
        with start(*command, faults=[fault] if write else ()) as run:
            if write is None:
                before = results.evaluations()
                run.until("an evaluation", lambda before=before: results.evaluations() > before)
                time.sleep(chance.random() / 4)
                run.kill()
            code = run.wait()
        kills += code == -signal.SIGKILL
        if (tmp_path / "small" / "sweep.json").exists():
            command = ("resume", "small")
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert kills >= 10, "the sweep ended before it could be killed"
    assert records(tmp_path) == undisturbed
    check(tmp_path, "--repair")  # half-written files of the killed ones
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("hurried", [False, True], ids=["with time", "in a hurry"])
def test_drivers_lost_between_two_checkpoints_change_nothing(
    hurried: bool, start: Start, spec: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    """No checkpoint but at a trial's end: what was evaluated is neither recorded nor decided twice.

    What a driver in a hurry has not written into the parts, the next one finds in the ledger.
    """
    moments = (
        # When the first trial was promoted, and has been evaluated.
        ("ledger/00000" if hurried else "metrics/", "after", 7 if hurried else 2),
        ("rungs/", "before", 1),
        ("snapshot-", "after", 2),
        ("-history", "after", 3),
    )
    command: tuple[object, ...] = ("run", spec)
    way = {"saving": math.inf} | ({"SWEEP_HURRIED": "1"} if hurried else {})
    for write, when, nth in moments:
        fault = {
            "write": write,
            "when": when,
            "nth": nth,
            "do": "kill",
            "mark": str(tmp_path / write.strip("/-").replace("/", "-")),
        }
        with start(*command, faults=[fault], **way) as run:
            assert run.wait() == -signal.SIGKILL, run.text()
        if hurried and command[0] == "run":
            parts = [row for row in Results(tmp_path, "small").metrics() if row["trial"] == 0]
            assert [row["kimg"] for row in parts] == [0.032, 0.064]
            check(tmp_path)  # its third evaluation is in the ledger alone
        command = ("resume", "small")
    with start("resume", "small", **way) as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == undisturbed
    check(tmp_path, "--repair")  # half-written files of the killed ones
    assert len(list(tmp_path.rglob("*-history.json"))) <= retention.FURTHER


def test_a_polite_end_loses_nothing(
    start: Start, spec: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    """SIGTERM, as a batch system or a cloud sends it before it takes the machine away."""
    results = Results(tmp_path, "small")
    with start("run", spec) as run:
        run.until("evaluations", lambda: results.evaluations() >= 2)
        run.signal(signal.SIGTERM)
        assert run.wait() == 1
        assert "sweep resume small" in run.text()
        assert "Traceback" not in run.text()
    assert set(results.statuses()) <= {
        "finished",
        "stopped",
        "interrupted",
    }  # at its very end a trial has nothing left
    assert len(results.trials()) < 6
    check(tmp_path)
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == undisturbed
    check(tmp_path)


@pytest.mark.parametrize(
    ("fault", "measured"),
    [
        ({"trial": 0, "result": "before"}, False),
        ({"trial": 0, "result": "after"}, False),
        ({"write": "results/", "when": "before"}, False),
        ({"write": "results/", "when": "after"}, True),
    ],
    ids=["measuring", "measured", "not-recorded", "half-recorded"],
)
def test_a_driver_lost_between_an_end_and_its_result(
    fault: dict[str, Any],
    measured: bool,
    start: Start,
    spec: Path,
    tmp_path: Path,
    undisturbed: dict[str, Any],
) -> None:
    results = Results(tmp_path, "small")
    with start("run", spec, faults=[fault | {"do": "kill"}]) as run:
        assert run.wait() == -signal.SIGKILL, run.text()
    row = results.trials()[0]
    assert row["status"] in ("finished", "stopped")
    assert row["result"] is None
    assert bool(results.results()) == measured
    told = CliRunner().invoke(cli, ["check", "small", "--storage", str(tmp_path), "--json"])
    assert json.loads(told.output)["unmeasured"] == ([] if measured else [0])
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == undisturbed
    check(tmp_path, "--repair")  # half-written files of the killed one


def test_one_name_one_driver(start: Start, spec: Path, tmp_path: Path) -> None:
    results = Results(tmp_path, "small")
    with start("run", spec, "--set", "asha.max=100") as run:  # it must not end while others try
        run.until("an evaluation", lambda: results.evaluations() >= 1)
        for command in (("run", spec), ("resume", "small")):
            with start(*command) as second:
                assert second.wait() == 2
                assert f"pid {run.process.pid}" in second.text() or "there is a sweep named" in second.text()
        run.kill()
    with start("resume", "small", "--json") as run:
        run.until("the message", lambda: "taking over from pid" in run.text())
        run.kill()


@pytest.mark.parametrize("what", [".ckpt", "study.db"])
def test_a_full_disk_stops_the_sweep_and_not_the_trials(
    what: str, start: Start, spec: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    if what == "study.db":  # it is not replaced but written in place, except when it is rebuilt
        # Killed in the midst of a write, as may happen at any moment under load.
        with start("run", spec, faults=[{"write": "ledger/", "nth": 3, "do": "kill"}]) as run:
            assert run.wait() == -signal.SIGKILL, run.text()
        assert Results(tmp_path, "small").evaluations() >= 1
    command = ("resume", "small") if what == "study.db" else ("run", spec)
    with start(
        *command, faults=[{"write": what, "nth": 3 if what != "study.db" else 1, "do": "full"}]
    ) as run:
        assert run.wait() == 1
        text = run.text()
    assert "the disk is full" in text or "No space left on device" in text
    assert "Traceback" not in text
    assert not {"failed", "collapsed"} & set(Results(tmp_path, "small").statuses())
    assert not list((tmp_path / "small").glob(".study.db.*"))
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == undisturbed
    check(tmp_path, *(["--repair"] if what == "study.db" else []))  # a half-written file of the killed one


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_is_too_small_and_then_read_only(
    start: Start, spec: Path, small_disk: Path, undisturbed: dict[str, Any]
) -> None:
    """Really: a tmpfs of 2 MB."""

    def remount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(small_disk)], check=True)

    results = Results(small_disk, "small")
    for command, words in ((("run", spec), "the disk is full"), (("resume", "small"), "read-only")):
        with start(*command, storage=small_disk) as run:
            assert run.wait() == 1, run.text()
            assert words in run.text()
            assert "Traceback" not in run.text()
        assert results.evaluations() >= 1  # what was there is readable
        remount("ro")
    remount("rw,size=100m")
    with start("resume", "small", storage=small_disk) as run:
        assert run.wait() == 0, run.text()
    assert records(small_disk) == undisturbed
    check(small_disk, "--repair")


def test_damaged_checkpoints_cost_time_only(
    start: Start, spec: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    """First the newest is torn, so that the one before it is used; then all are, so that the trial begins anew."""
    results = Results(tmp_path, "small")

    def interrupted_with(count: int, *command: object) -> list[Path]:
        with start(*command) as run:
            more = results.evaluations() + count
            run.until("evaluations", lambda: results.evaluations() >= more)
            run.kill()
        return sorted((tmp_path / "small" / "checkpoints").glob("*/*.ckpt"))

    newest = interrupted_with(3, "run", spec)[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    for path in interrupted_with(1, "resume", "small"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    found = records(tmp_path)
    assert found == undisturbed
    check(tmp_path, "--repair")  # half-written files of the killed ones


TRANSLATOR = small(
    data={"count": 30, "style": "notionists"},
    photos={"source": "avatars", "style": "open-peeps", "count": 25},
    model={"family": "cyclegan", "width": 4, "blocks": 1, "latent_dim": 100},
    train={"loss": "lsgan", "lr_d": RATE, "augment_p": 0.3, "batch_size": 5},
    evaluate={"n_real": 16, "n_fake": 16},
    collapse={"enabled": False},
    search={"trials": 2},
    asha={"grace": 1, "reduction": 2, "max": 3},
)


def test_a_translator_loses_no_more(start: Start, tmp_path: Path) -> None:
    """Killed twice behind a checkpoint, which holds its pool of pictures, too; then the newest of them is torn."""
    spec, alone = tmp_path / "spec.yaml", tmp_path / "undisturbed"
    spec.write_text(TRANSLATOR)
    with start("run", spec, storage=alone) as run:
        assert run.wait() == 0, run.text()
    command: tuple[object, ...] = ("run", spec)
    for nth in (2, 3):
        fault = {
            "write": ".ckpt",
            "when": "after",
            "do": "kill",
            "nth": nth,
            "mark": str(tmp_path / f"mark{nth}"),
        }
        with start(*command, faults=[fault]) as run:
            assert run.wait() == -signal.SIGKILL, run.text()
        command = ("resume", "small")
    newest = sorted((tmp_path / "small" / "checkpoints").glob("*/*.ckpt"))[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == records(alone)
    check(tmp_path, "--repair")


def test_trials_that_are_no_longer_numbers_leave_the_others_alone(
    start: Start, spec: Path, tmp_path: Path
) -> None:
    """In the middle of an interval, at an evaluation, at the last step of the budget."""
    moments = ((0, 0.08), (1, 0.064), (2, 0.248))
    faults = [{"trial": trial, "kimg": kimg, "do": "nan"} for trial, kimg in moments]
    with start("run", spec, "--set", "asha=null", "--set", "train.kimg=0.256", faults=faults) as run:
        assert run.wait() == 0, run.text()
    trials = Results(tmp_path, "small").trials()
    assert [trials[n]["status"] for n in range(6)] == ["collapsed"] * 3 + ["finished"] * 3
    assert [trials[n]["verdict"] for n in range(3)] == ["non_finite"] * 3
    # What was best before is measured, also of those that died.
    measured = {trial: numbers[0] for trial, numbers in Results(tmp_path, "small").results().items()}
    assert set(measured) == {0, 1, 2, 3, 4, 5}
    assert max(measured[0], measured[1]) <= 0.064
    assert measured[2] < 0.25
    check(tmp_path)  # with the study


def test_a_collapse_does_not_touch_the_rungs(start: Start, spec: Path, tmp_path: Path) -> None:
    with start("run", spec, faults=[{"trial": 0, "kimg": 0.05, "do": "nan"}]) as run:
        assert run.wait() == 0, run.text()
    results = Results(tmp_path, "small")
    assert {row["status"] for row in results.trials().values()} == {"collapsed", "finished", "stopped"}
    assert 0 not in {row["trial"] for row in Store(results.folder).rows("rungs")}
    check(tmp_path)  # plays the rungs again, and compares the study
