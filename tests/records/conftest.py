"""What the tests of records share."""

from pathlib import Path

import pytest
from helpers.sweeps.columns import KINDS

from sweep.records.datasets import Store
from sweep.storage.local import LocalFolder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(LocalFolder(tmp_path / "study"), KINDS)
