"""What breaks a sweep's processes on purpose finds what it is to break."""

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

BROKEN = Path(__file__).parents[1] / "helpers" / "programs" / "broken" / "sitecustomize.py"


def test_the_modules_are_there() -> None:
    names = re.findall(r'After\("([\w.]+)"', BROKEN.read_text())
    assert "sweep.worker.trial_run" in names
    assert [name for name in names if importlib.util.find_spec(name) is None] == []


def test_what_is_replaced_is_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("sweep.worker.trial_run")
    found = importlib.util.spec_from_file_location("broken", BROKEN)
    assert found is not None
    assert found.loader is not None
    broken = importlib.util.module_from_spec(found)
    monkeypatch.delenv("SWEEP_FAULTS", raising=False)
    found.loader.exec_module(broken)
    before = module.TrialRun._pause, module.measure
    monkeypatch.setattr(module.TrialRun, "_pause", before[0])  # so that both are put back
    monkeypatch.setattr(module, "measure", before[1])
    broken.break_trials(module)
    assert module.TrialRun._pause is not before[0]
    assert module.measure is not before[1]
