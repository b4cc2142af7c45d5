"""A small sweep, and its folder where trials are trained one after another."""

from pathlib import Path

import pytest
from helpers.sweeps.commands import fine
from helpers.sweeps.packed import SPEC

from sweep.worker import pack as module


@pytest.fixture(scope="package")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "spec.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="package")
def alone(spec: Path) -> Path:
    """The sweep's folder where trials are trained one after another."""
    fine("run", spec, "--local", "--storage", spec.parent / "alone")
    return spec.parent / "alone" / "packed"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of one step, so that trials take many of them."""
    monkeypatch.setattr(module, "TURN_SECONDS", 1e-6)
