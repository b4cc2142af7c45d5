"""What tests of the report share."""

from collections.abc import Iterator

import pytest
from helpers.programs.browser import Browser, browser
from helpers.sweeps.synthetic import shared_storage

from sweep.records.catalog import Sweep, open_sweep
from sweep.storage.opening import open_folder


@pytest.fixture(scope="session")
def faces() -> Sweep:
    """A finished sweep with pictures; only to be read."""
    return open_sweep(open_folder(shared_storage()), "faces")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser, for the tests of one file."""
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page
