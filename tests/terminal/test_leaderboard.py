"""The leaderboard on a terminal: what a translator's winner is warned of."""

import json
from pathlib import Path

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.reports import translator_sweep
from helpers.sweeps.synthetic import make_sweep


@pytest.mark.parametrize("command", ["best", "show"])
def test_the_winner_is_warned_of(command: str, tmp_path: Path) -> None:
    translator_sweep(tmp_path, trials=4)
    told = run(command, "--storage", str(tmp_path)).output
    lines = [line for line in told.splitlines() if line.startswith("warning: ")]
    assert lines == [
        "warning: trial 0: tint: the mean colour is 9.2 from that of the drawings in Lab (CIE76), above 5",
        "warning: trial 0: grey: 43% of the drawings' chroma, below 70%",
        "warning: trial 0: chequerboard: 2.5 times the drawings' energy at the Nyquist frequency, above 1.5",
    ]


@pytest.mark.parametrize("command", ["best", "show"])
def test_other_families_are_not(command: str, tmp_path: Path) -> None:
    make_sweep(tmp_path, trials=4, pictures=False)
    told = run(command, "--storage", str(tmp_path))
    assert told.exit_code == 0
    assert "warning" not in told.output


def test_programs_are_told_of_every_trials_flaws(tmp_path: Path) -> None:
    translator_sweep(tmp_path, trials=2)
    ranked = json.loads(run("best", "--storage", str(tmp_path), "--json").output)["ranked"]
    assert [len(one["warnings"]) for one in ranked] == [3, 0]
    assert [one["change"] for one in ranked] == [0.83, 0.83]
