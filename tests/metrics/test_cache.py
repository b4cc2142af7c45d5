"""The file cache: written once, found again, and never believed when damaged."""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ganlib.metrics.cache import Arrays, load_or_compute

IDENTITY = {"data": "abc", "n": 3}


class Counted:
    """Counts how often it is asked to compute."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Arrays:
        self.calls += 1
        return {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "scalar": np.array(0.5)}


def check(arrays: Arrays) -> None:
    assert sorted(arrays) == ["a", "scalar"]
    assert np.array_equal(arrays["a"], np.arange(6).reshape(2, 3))
    assert float(arrays["scalar"]) == 0.5


def only_file(folder: Path) -> Path:
    (path,) = folder.glob("*.safetensors")
    return path


def test_computed_once_and_exact(tmp_path: Path) -> None:
    compute = Counted()
    for _ in range(3):
        check(load_or_compute(tmp_path / "new" / "folder", IDENTITY, compute))
    assert compute.calls == 1
    load_or_compute(tmp_path / "new" / "folder", {**IDENTITY, "n": 4}, compute)
    assert compute.calls == 2


def test_without_a_folder_nothing_is_kept() -> None:
    compute = Counted()
    check(load_or_compute(None, IDENTITY, compute))
    check(load_or_compute(None, IDENTITY, compute))
    assert compute.calls == 2


def test_every_kind_of_damage_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    compute = Counted()
    load_or_compute(tmp_path, IDENTITY, compute)
    whole = only_file(tmp_path).read_bytes()
    damaged = [b"", whole[:5], whole[:-1], whole + b"x", b"\xff" * len(whole)]
    for position in range(0, len(whole), 7):
        damaged.append(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
    for calls, content in enumerate(damaged, start=2):
        only_file(tmp_path).write_bytes(content)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            check(load_or_compute(tmp_path, IDENTITY, compute))
        assert compute.calls == calls, content
        assert "computing it again" in caplog.text
        check(load_or_compute(tmp_path, IDENTITY, compute))
        assert compute.calls == calls


def test_a_file_under_another_name_is_not_believed(tmp_path: Path) -> None:
    compute = Counted()
    load_or_compute(tmp_path / "x", IDENTITY, compute)
    load_or_compute(tmp_path / "y", {**IDENTITY, "n": 4}, compute)
    only_file(tmp_path / "y").write_bytes(only_file(tmp_path / "x").read_bytes())
    load_or_compute(tmp_path / "y", {**IDENTITY, "n": 4}, compute)
    assert compute.calls == 3


def test_concurrent_callers_compute_once(tmp_path: Path) -> None:
    compute = Counted()

    def slowly() -> Arrays:
        time.sleep(0.2)
        return compute()

    results: list[Arrays] = []
    ask = [
        threading.Thread(target=lambda: results.append(load_or_compute(tmp_path, IDENTITY, slowly)))
        for _ in range(4)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert compute.calls == 1
    assert len(results) == 4
    for arrays in results:
        check(arrays)


def test_a_killed_writer_leaves_no_lock_and_no_torn_file(tmp_path: Path) -> None:
    script = (
        "import os, signal, pathlib\n"
        "from ganlib.metrics.cache import load_or_compute\n"
        "die = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"load_or_compute(pathlib.Path({str(tmp_path)!r}), {IDENTITY!r}, die)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode != 0
    compute = Counted()
    check(load_or_compute(tmp_path, IDENTITY, compute))
    assert compute.calls == 1


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> Arrays:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        load_or_compute(tmp_path, IDENTITY, fail)
    assert not list(tmp_path.glob("*.safetensors"))
    check(load_or_compute(tmp_path, IDENTITY, Counted()))


def test_a_full_disk_costs_the_saving_not_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with caplog.at_level(logging.WARNING):
        check(load_or_compute(tmp_path, IDENTITY, Counted()))
    assert "No space left" in caplog.text
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_a_folder_that_is_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        check(load_or_compute(tmp_path / "file", IDENTITY, Counted()))
    assert "cannot lock" in caplog.text
    assert "computed again next time" in caplog.text


def test_a_disk_without_locks_still_keeps_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_: str) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("ganlib.metrics.cache.FileLock", no_locks)
    compute = Counted()
    for _ in range(2):
        check(load_or_compute(tmp_path, IDENTITY, compute))
    assert compute.calls == 1
