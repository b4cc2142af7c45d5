"""What tests of the director share."""

from pathlib import Path

import pytest

from sweep.storage.local import LocalFolder


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "small")
