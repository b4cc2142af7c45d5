"""What the tests of judging share."""

import shutil
from pathlib import Path

import pytest
from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import Sweep, open_sweep
from sweep.storage.opening import open_folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("storage")
    make_sweep(storage, trials=12, size=12)
    return storage


@pytest.fixture
def sweep(made: Path, tmp_path: Path) -> Sweep:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return open_sweep(open_folder(tmp_path), "faces")
