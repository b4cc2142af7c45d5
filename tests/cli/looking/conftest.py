"""What tests of commands that look on share."""

from pathlib import Path

import pytest
from helpers.sweeps.synthetic import shared_storage


@pytest.fixture
def storage() -> Path:
    return shared_storage()
