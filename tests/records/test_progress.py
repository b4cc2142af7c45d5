"""The sweep's own clock, which stands still while nobody runs it."""

from pathlib import Path

import pytest

from sweep.records import progress
from sweep.records.progress import Clock, Noted
from sweep.records.status import Status
from sweep.records.trial_state import Trial
from sweep.storage import layout
from sweep.storage.folder import StorageError
from sweep.storage.opening import open_folder


def test_the_clock_goes_on_after_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    folder = open_folder(tmp_path)
    trials = {0: Trial(0, {}, 0, now_kimg=7.5), 1: Trial(1, {}, 0, status=Status.FINISHED, kimg=9.0)}
    first = Clock(folder, trials)
    now[0] += 50
    first.beat()
    assert first.elapsed() == 50
    now[0] += 1000  # nobody runs it
    second = Clock(folder, trials)
    now[0] += 7
    assert second.elapsed() == 57
    second.write()
    noted = Noted.read(folder)
    assert noted is not None
    assert noted.elapsed == 57
    assert noted.kimg == {0: 7.5}
    assert noted.elapsed_now(running=False) == 57 <= noted.elapsed_now(running=True) < 90


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"elapsed": "x"}', b'{"elapsed":1,"time":1,"kimg":{"a":1}}']
)
def test_a_damaged_clock_begins_anew(content: bytes, tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    folder.write(layout.PROGRESS, content)
    assert Noted.read(folder) is None
    assert Clock(folder, {}).elapsed() < 5


def test_a_full_disk_does_not_stop_the_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = open_folder(tmp_path)

    def full(path: str, data: bytes) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(folder, "write", full)
    Clock(folder, {}).write()
