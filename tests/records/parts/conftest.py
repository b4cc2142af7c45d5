"""What the tests of copies share."""

from pathlib import Path

import pytest

from sweep.records.parts import compaction
from sweep.storage.local import LocalFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalFolder:
    """A folder in which three loose parts are many."""
    monkeypatch.setattr(compaction, "MANY", 3)
    return LocalFolder(tmp_path / "study")
