"""A confirmation that is interrupted and taken up, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import run, small
from helpers.sweeps.synthetic import KINDS, make_sweep

from sweep.driver.director import Director
from sweep.records.catalog import open_sweep
from sweep.records.datasets import Store
from sweep.records.sweep_info import SweepInfo
from sweep.results.confirming.confirmation import read_confirmation
from sweep.storage.opening import open_folder

SPEC = small(collapse={"enabled": False}, search={"trials": 3}, asha={"grace": 1, "reduction": 3, "max": 2})


@pytest.mark.slow
def test_a_confirmation_is_interrupted_taken_up_and_extended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    where = ["--local", "--storage", tmp_path]
    assert run("run", tmp_path / "spec.yaml", *where).exit_code == 0
    before = Store(open_folder(tmp_path / "small")).rows("trials")

    reports: list[dict[str, Any]] = []
    real = Director.report

    def stop_after_three(self: Director, report: dict[str, Any]) -> bool:
        reports.append(report)
        if len(reports) == 3:
            self.interrupt()
        return real(self, report)

    with monkeypatch.context() as patch:
        patch.setattr(Director, "report", stop_after_three)
        stopped = run("confirm", "small", "--top", 2, "--seeds", 2, *where)
    assert stopped.exit_code == 1
    assert "2 seeds of each give means, but no intervals" in stopped.output
    assert "go on with 'sweep confirm small --storage " in stopped.output
    done = run("confirm", "small", "--top", 2, "--seeds", 2, *where)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].startswith("two configurations with 3 seeds each are needed")

    sweep = open_sweep(open_folder(tmp_path), "small")
    rows = Store(sweep.folder / "confirm").rows("trials")
    assert [row["status"] for row in rows] == ["finished"] * 4
    assert len({row["seed"] for row in [*rows, *before]}) == 4 + len(before)
    originals = {row["trial"]: row for row in before}
    found = read_confirmation(sweep)
    assert found is not None
    results = {row["trial"]: row["kid"] for row in Store(sweep.folder / "confirm").rows("results")}
    assert {run.number: run.value for one in found.repeats for run in one.runs} == results
    assert sorted(results) == [0, 1, 2, 3]
    plan = SweepInfo.read(sweep.folder / "confirm").plan or ()
    for row, planned in zip(rows, plan, strict=True):
        assert row["params"] == originals[planned.trial]["params"]
        assert row["seed"] == planned.seed
        assert row["kimg"] == sweep.info.budget  # ASHA stopped nobody
    assert Store(sweep.folder).rows("trials") == before  # the sweep itself is as it was

    again = run("confirm", "small", "--top", 2, "--seeds", 3, "--json", *where)
    last = json.loads(again.stdout.splitlines()[-1])
    assert last["event"] == "end"
    assert not last["interrupted"]
    assert [len(one["values"]) for one in last["confirmation"]["configurations"]] == [3, 3]
    assert Store(sweep.folder / "confirm").rows("trials")[:4] == rows
    assert last["confirmation"]["comparison"]["test"] == "moderated t-test"


@pytest.mark.slow
def test_after_a_longer_budget_fresh_seeds_are_trained_to_that_and_compared_alone(tmp_path: Path) -> None:
    spec = small(
        collapse={"enabled": False},
        train={"lr_g": {"type": "categorical", "choices": [1e-4, 2e-3]}, "kimg": 0.096},
        search={"trials": 2, "sampler": "grid"},
        keep={"finished": "all"},
    )
    (tmp_path / "spec.yaml").write_text(spec)
    where = ["--local", "--storage", tmp_path]
    assert run("run", tmp_path / "spec.yaml", *where).exit_code == 0
    assert run("confirm", "small", "--top", 1, "--seeds", 3, "--evenly", *where).exit_code == 0
    folder = open_folder(tmp_path) / "small" / "confirm"
    before = Store(folder).rows("trials")
    assert run("extend", "small", "--kimg", 0.192, *where).exit_code == 0
    told = "not counted: 3 runs to another budget, because by now it is 0.192 kimg"
    assert (
        f"confirmed: {told} ('sweep confirm' trains fresh seeds to that)"
        in run("best", "small", "--storage", tmp_path).output
    )
    again = run("confirm", "small", "--top", 2, "--seeds", 3, "--evenly", *where)
    assert again.exit_code == 0, again.output
    assert again.output.count(told) == 2, "before it trains, and beside what came of it"
    rows = Store(folder).rows("trials")
    assert rows[:3] == before
    assert [row["status"] for row in rows[3:]] == ["finished"] * 6
    assert all(row["kimg"] == pytest.approx(0.192, abs=0.01) for row in rows[3:])
    assert len({row["seed"] for row in rows}) == 9
    found = read_confirmation(open_sweep(open_folder(tmp_path), "small"))
    assert found is not None
    numbers = {run.number for repeats in found.repeats for run in repeats.runs}
    assert numbers == set(range(3, 9))
    assert run("check", "small", "--storage", tmp_path).exit_code == 0
    assert run("check", folder.url, "--storage", tmp_path).exit_code == 0


def test_there_must_be_something_to_confirm(tmp_path: Path) -> None:
    make_sweep(tmp_path, trials=0, pictures=False)
    result = run("confirm", "--local", "--storage", tmp_path)
    assert result.exit_code == 2
    assert "nothing to confirm" in result.stderr
    assert not (tmp_path / "faces" / "confirm").exists()
    assert "--seeds" in run("confirm", "--seeds", 1, "--storage", tmp_path).stderr


def test_other_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = make_sweep(tmp_path, trials=2, pictures=False)
    store = Store(sweep.folder, KINDS)
    for row in store.rows("trials"):
        store.put_trial({"trial": row["trial"], "params": "{}"})

    class Other:
        hash = "ffff"

        def __len__(self) -> int:
            return 1

    monkeypatch.setattr("sweep.commands.before.prepare_pictures", lambda *_: Other())
    result = run("confirm", "--local", "--storage", tmp_path)
    assert result.exit_code == 2
    assert "the pictures have changed since the sweep" in result.stderr
