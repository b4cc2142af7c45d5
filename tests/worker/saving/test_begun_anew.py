"""Trials that begin anew, past what is on record of them: their best generator is there again."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import fine, small
from helpers.sweeps.driven import KIMGS, driven, kept, records, train

from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.storage import layout
from sweep.storage.opening import open_folder

PROMOTING = small(
    data={"count": 64},
    train={"epochs": 3},
    evaluate={"n_real": 32},
    collapse={"enabled": False},
    search={"trials": 6, "seed": 1, "sampler": "random"},
    asha={"grace": 1, "reduction": 2, "max": 3, "variant": "promote"},
)


@pytest.mark.parametrize("again", [0, 2, 3])
@pytest.mark.parametrize("lost", ["all", "all-but-weights"])
def test_its_result_is_that_of_one_left_alone(
    lost: str,
    again: int,
    tmp_path: Path,
    seconds: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    alone: Any,
) -> None:
    """Its best is on record when it begins anew; also where a worker is lost once more on the way."""
    whole = alone()
    assert records(whole)["results"][0]["kimg"] in KIMGS[:5]
    folder = tmp_path / "small" / "checkpoints" / "00000"

    def drive(director: Director) -> None:
        train(director, 5)
        for path in sorted(folder.iterdir()):
            if lost == "all" or path.suffix != ".safetensors":
                path.unlink()
        before = {path.name for path in folder.iterdir()}
        if again:
            train(director, again)
            assert before <= {path.name for path in folder.iterdir()}, "what is on record may need them"
        train(director)
        director.abandon()

    seconds(math.inf)
    assert driven(tmp_path, drive, monkeypatch) == 0
    assert records(tmp_path) == records(whole)
    assert kept(tmp_path) == kept(whole)
    fine("check", "small", "--storage", tmp_path)


def test_who_is_promoted_after_the_end_has_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `sweep extend`, when the weights of all that were stopped are gone."""
    monkeypatch.setattr("sweep.records.retention.ALWAYS", 0)
    monkeypatch.setattr("sweep.records.retention.FURTHER", 0)
    (tmp_path / "spec.yaml").write_text(PROMOTING)
    fine("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path)
    store = Store(open_folder(tmp_path / "small"))
    stopped = {row["trial"] for row in store.rows("trials") if row["status"] == "stopped"}
    assert not any((tmp_path / "small" / layout.checkpoints(trial)).exists() for trial in stopped)
    fine("extend", "small", "--trials", "+6", "--local", "--storage", tmp_path)
    assert {row["trial"] for row in store.rows("trials") if row["attempt"]} & stopped, "nobody was promoted"
    results = {row["trial"]: row for row in store.rows("results")}
    assert results.keys() == {row["trial"] for row in store.rows("trials")}
    for trial, row in results.items():
        assert row["problem"] is None
        assert row["seen"] == min(one["kid"] for one in store.rows("metrics") if one["trial"] == trial)
    fine("check", "small", "--storage", tmp_path)
