"""The benchmark of scale on a few trials: it drives what a driver has, and leaves a sweep that the real one reads."""

import argparse
from pathlib import Path

import pytest
from helpers.sweeps.commands import run

from benchmarks import large, scale
from sweep.storage.local import LocalFolder

TRIALS, EVALUATIONS = 6, 3


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    monkeypatch.setattr(large, "SETTLED", 0.0)
    return argparse.Namespace(
        trials=[TRIALS], evaluations=EVALUATIONS, workers=2, sampler="tpe", asha=False, minutes=5.0
    )


@pytest.mark.parametrize("made", [scale.run, large.fill])
def test_what_it_makes_is_whole_and_can_be_resumed(
    made: object, options: argparse.Namespace, tmp_path: Path
) -> None:
    folder = LocalFolder(tmp_path / "large")
    told = made(folder, options)  # type: ignore[operator]
    assert told["trials"] == TRIALS
    assert told["evaluations"] == TRIALS * EVALUATIONS
    checked = run("check", "large", "--storage", tmp_path)
    assert checked.exit_code == 0, checked.output
    assert set(scale.resume(folder, options)) >= {"seconds_records", "seconds_study", "seconds_director"}
