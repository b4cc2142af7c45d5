"""Timings of convolutions lie in the sweep's folder, on a disk or in a bucket, and the first one holds."""

from pathlib import Path

import pytest
import torch

from ganlib.models import choice
from ganlib.models.products import Size, Ways
from sweep.storage import layout
from sweep.storage.folder import Folder, StorageError
from sweep.worker.shared import settle
from sweep.worker.timings import Timings


def test_the_first_that_is_kept_holds(folder: Folder) -> None:
    shelf = Timings(folder)
    assert shelf.read("a.json") is None
    assert shelf.keep("a.json", b"first") == b"first"
    assert shelf.keep("a.json", b"second") == b"first"
    assert Timings(folder).read("a.json") == b"first"
    assert folder.names(layout.CONVOLUTIONS) == ["a.json"]
    assert shelf == Timings(folder)


def test_storage_that_fails_is_told_as_such(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> bytes:
        raise StorageError("the disk is full")

    monkeypatch.setattr(folder, "read", refuse)
    with pytest.raises(StorageError, match="the disk is full"):
        Timings(folder).read("a.json")


def test_trials_choose_by_the_folder_of_their_sweep(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seconds = {"down": [1.0, 2.0, 0.5], "up": [2.0, 1.0, 2.0], "weigh": [1.0, 2.0, 0.5]}
    monkeypatch.setattr(choice, "timed", lambda size: seconds)
    monkeypatch.setattr(choice, "_known", {})
    monkeypatch.setattr(choice, "_shared", None)
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    settle(1, folder)
    assert choice.ways_of(Size(16, 64, 128, 4, 4, torch.float32)) == Ways(up=True)
    [name] = folder.names(layout.CONVOLUTIONS)
    assert name.endswith("-16x64x128x4x4-float32.json")
