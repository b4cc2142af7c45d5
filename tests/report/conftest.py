"""What tests of the report share."""

import pytest
from helpers.synthetic import shared_storage

from sweep.records.catalog import Sweep, open_sweep
from sweep.storage.folder import Folder


@pytest.fixture(scope="session")
def faces() -> Sweep:
    """A finished sweep with pictures; only to be read."""
    return open_sweep(Folder.open(shared_storage()), "faces")
