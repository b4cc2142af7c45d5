"""What the tests of `sweep check` share."""

import shutil
from pathlib import Path

import pytest
from helpers.sweeps.checking import SPEC
from helpers.sweeps.commands import run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("check")
    (root / "spec.yaml").write_text(SPEC)
    done = run("run", root / "spec.yaml", "--local", "--storage", root / "runs")
    assert done.exit_code == 0, done.output
    return root / "runs" / "small"


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(finished, tmp_path / "runs" / "small"))
