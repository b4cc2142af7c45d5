"""What the tests of checkpoints share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.sweeps.commands import fine
from helpers.sweeps.driven import SPEC


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the time between two checkpoints."""
    return lambda value: monkeypatch.setattr("sweep.worker.checkpoints.SAVE_SECONDS", value)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a sweep that is left alone, made once for each spec."""
    made: dict[str, Path] = {}

    def alone(spec: str = SPEC) -> Path:
        if spec not in made:
            made[spec] = tmp_path_factory.mktemp("alone")
            (made[spec] / "spec.yaml").write_text(spec)
            fine("run", made[spec] / "spec.yaml", "--local", "--storage", made[spec])
        return made[spec]

    return alone
