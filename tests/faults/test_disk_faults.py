"""What a sweep survives when its disk is full, read-only or damaged, and when trials are no numbers any more."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.programs.sweep_process import Results
from helpers.sweeps.disturbed import Start, check, records

from sweep.records.datasets import Store

pytestmark = pytest.mark.slow


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
