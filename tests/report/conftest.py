"""What tests of the report share."""

import pytest
from helpers.sweeps.synthetic import shared_storage

from sweep.records.catalog import Sweep, open_sweep
from sweep.storage.opening import open_folder


@pytest.fixture(scope="session")
def faces() -> Sweep:
    """A finished sweep with pictures; only to be read."""
    return open_sweep(open_folder(shared_storage()), "faces")
