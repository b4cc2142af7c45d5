"""A working directory with pictures in it."""

from pathlib import Path

import pytest
from helpers.drawn.outputs import picture


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is the source of pictures too."""
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for index in range(6):
        picture(index).save(here / f"{index}.png")
    return here
