"""What evaluations measure."""

import math
from pathlib import Path

import pytest
from helpers.sweeps.commands import small
from helpers.sweeps.driven import driven, records, train


@pytest.mark.parametrize(("metric", "on_the_way"), [("kid", False), ("mmd", True), ("mind", True)])
def test_evaluations_measure_what_trials_are_ranked_by_and_results_all(
    metric: str, on_the_way: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small(train={"epochs": 1}, search={"trials": 1, "metric": metric})
    assert driven(tmp_path, train, monkeypatch, spec) == 0
    told = records(tmp_path)
    for name in ("mmd", "mmd_se", "mind"):
        assert {row[name] is not None for row in told["metrics"]} == {on_the_way}
        assert {row[name] is not None for row in told["results"]} == {True}
    assert told["trials"][0]["result"] == told["results"][0][metric]
    assert {math.isfinite(row[metric]) for row in told["metrics"]} == {True}
