"""What `sweep check` takes for whole: results that wait, extended sweeps, ladders, trials that may be promoted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.checking import SPEC, check, everything, trial_with
from helpers.sweeps.commands import RATE, fine, run, small

from ganlib.errors import RequestError
from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.records.sweep_info import SweepInfo
from sweep.storage import layout
from sweep.storage.called import called
from sweep.storage.opening import open_folder

pytestmark = pytest.mark.slow


def test_a_result_that_is_missing_is_told_and_resume_measures_it(folder: Path) -> None:
    """Gone from the part and from its copy; also one whose trial was stopped."""
    before = everything(folder)
    store = Store(open_folder(folder), {"train.lr_g": "float", "train.lr_d": "float"})
    numbers = [trial_with(folder, "finished"), trial_with(folder, "stopped")]
    for number in numbers:
        store.replace("results", number, [])
        ledger.write(store, number)
    told = check(folder)
    assert told.exit_code == 1
    for number in numbers:
        assert f"results/{number:05d}.parquet is missing: the trial has ended and was measured" in told.output
        assert f"trials/{number:05d}.parquet result is" in told.output  # its own row speaks of one
    done = run("resume", "small", "--local", "--storage", folder.parent)
    assert done.exit_code == 0, done.output
    assert check(folder).exit_code == 0, check(folder).output
    after = everything(folder)
    for dataset in ("metrics", "results", "rungs"):
        rows = [
            [{**row, "attempt": 0, "seconds": 0, "seconds_per_kimg": 0} for row in found[dataset]]
            for found in (before, after)
        ]
        assert rows[0] == rows[1]


@pytest.mark.parametrize("status", ["finished", "stopped"])
def test_a_trial_that_was_interrupted_before_it_was_measured_is_no_fault(status: str, folder: Path) -> None:
    """Its checkpoints are still there, too: they go when it has its result."""
    before = everything(folder)
    store = Store(open_folder(folder), {"train.lr_g": "float", "train.lr_d": "float"})
    number = trial_with(folder, status)
    store.replace("results", number, [])
    store.put_trial({"trial": number, "result": None, "result_se": None, "result_kimg": None})
    ledger.write(store, number)
    left = folder / layout.checkpoints(number) / "000-000000000096.ckpt"
    left.write_bytes(b"x")
    told = check(folder)
    assert f"results/{number:05d}.parquet" not in told.output
    assert "is damaged" in told.output
    left.unlink()
    (folder / "study.db").unlink()
    assert check(folder, "--repair").exit_code == 0
    whole = check(folder)
    assert whole.exit_code == 0, whole.output
    assert "1 to be measured by 'sweep resume small --storage " in whole.output
    assert json.loads(check(folder, "--json").output)["unmeasured"] == [number]
    assert run("resume", "small", "--local", "--storage", folder.parent).exit_code == 0
    assert json.loads(check(folder, "--json").output)["unmeasured"] == []
    assert [row["kid"] for row in everything(folder)["results"]] == [row["kid"] for row in before["results"]]


def test_a_result_of_no_evaluation_is_told(folder: Path) -> None:
    store = Store(open_folder(folder), {"train.lr_g": "float", "train.lr_d": "float"})
    number = trial_with(folder, "stopped")
    store.replace("results", number, [store.part("results", number)[0] | {"kimg": 0.01}])
    assert f"results/{number:05d}.parquet is of 0.01 kimg, where there is no healthy" in check(folder).output


def test_more_trials_for_a_finished_sweep(folder: Path) -> None:
    before = everything(folder)
    told = run("resume", "small", "--local", "--storage", folder.parent)
    assert told.exit_code == 0
    assert "has finished" in told.output
    assert "sweep extend small" in told.output
    for wrong in ("0", "-1", "+0", "many", "1.5"):
        assert run("extend", "small", "--trials", wrong, "--storage", folder.parent).exit_code == 2
    done = run("extend", "small", "--trials", "+2", "--local", "--storage", folder.parent)
    assert done.exit_code == 0, done.output
    words = called(open_folder(folder))
    assert f"sweep report {words}\n" in done.output
    assert f"sweep best {words} --export export/small\n" in done.output
    after = everything(folder)
    assert [row["trial"] for row in after["trials"]] == list(range(7))
    for dataset in ("metrics", "results", "samples", "rungs"):
        assert [row for row in after[dataset] if row["trial"] < 5] == before[dataset]
    assert [row for row in after["trials"] if row["trial"] < 5] == before["trials"]
    result = check(folder)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "more",
    [
        "search: {sampler: grid, trials: 8}\ntrain: {epochs: 1, loss: {type: categorical, choices: [bce, lsgan]}}",
        "search: {trials: 8}\ntrain: {epochs: 1}\nconfigs: [{train.loss: bce}, {train.loss: lsgan}]",
    ],
)
def test_a_list_that_is_done_cannot_be_extended(more: str, tmp_path: Path) -> None:
    from sweep.commands.before import planned
    from sweep.commands.extend import more_trials
    from sweep.spec.specification import parse

    spec = parse(f"{more}\nname: small\ndata: {{size: 32}}\nmodel: {{width: 8}}\n")
    assert planned(spec) == 2
    with pytest.raises(RequestError, match="has 2 configurations in its grid or list"):
        more_trials(spec, SweepInfo(trials=2), 3)
    assert not list(tmp_path.iterdir())


def test_a_ladder_leaves_the_last_evaluation_out_of_the_rungs(tmp_path: Path) -> None:
    """A budget that ends at the evaluation which passes a rung: measured in full, compared with none."""
    spec = SPEC.replace("{every: 1, n_fake: 32", "{every: 2, n_first: 16, n_fake: 32")
    (tmp_path / "spec.yaml").write_text(
        spec.replace("grace: 1, reduction: 2, max: 3", "grace: 2, reduction: 1.5, max: 3.5")
    )
    done = run("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path / "runs")
    assert done.exit_code == 0, done.output
    result = check(tmp_path / "runs" / "small")
    assert result.exit_code == 0, result.output


def test_trials_whose_pictures_are_alike_end_at_their_rung(tmp_path: Path) -> None:
    """Everybody says why, the folder is whole, and what says otherwise is told."""
    (tmp_path / "spec.yaml").write_text(
        small(collapse={"enabled": False}, search={"trials": 2}, asha={"grace": 1, "max": 3, "variety": 0.99})
    )
    dry = fine("run", tmp_path / "spec.yaml", "--dry-run", "--storage", tmp_path / "runs")
    assert "less than 99% of the real ones' variety end there" in dry
    said = fine("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path / "runs")
    assert "stopped by ASHA for too little variety" in said
    folder = tmp_path / "runs" / "small"
    store = Store(open_folder(folder))
    assert {row["status"] for row in store.rows("trials")} == {"stopped"}
    assert len(store.rows("results")) == 2
    assert all(row["alike"] and row["stopped"] and row["variety"] < 0.99 for row in store.rows("rungs"))
    assert check(folder).exit_code == 0, check(folder).output
    shown = fine("show", "small", "--storage", tmp_path / "runs")
    assert "0 trials compared, 0 stopped, 0 went on; 2 ended for too little variety" in shown
    assert "% of the variety" in shown
    fine("report", "small", "--storage", tmp_path / "runs")
    store.replace("rungs", 0, [row | {"alike": False} for row in store.part("rungs", 0)])
    told = check(folder)
    assert told.exit_code != 0
    assert "variety" in told.output


def test_a_trial_that_may_still_be_promoted_keeps_its_checkpoint(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the sweep is interrupted; when it is over only the best do, for an extension."""
    monkeypatch.setattr("sweep.check.file_rules.is_whole", lambda _: True)
    waiting = folder / layout.checkpoints(trial_with(folder, "stopped")) / "000-000000000032.ckpt"
    waiting.write_bytes(b"checkpoint")
    assert check(folder).exit_code == 0
    monkeypatch.setattr("sweep.records.retention.FURTHER", 0)
    told = check(folder)
    assert told.exit_code != 0
    assert "which has ended" in told.output
    info = SweepInfo.read(open_folder(folder))
    replace(info, trials=info.trials + 1).write(open_folder(folder))
    assert check(folder).exit_code == 0
    check(folder, "--repair")
    assert waiting.exists()


def test_trials_that_are_promoted_train_as_if_nobody_had_stopped_them(tmp_path: Path) -> None:
    """And one that gets no better ends early; the folder is whole after all of it."""
    words = {"grace": 1, "reduction": 2, "max": 4}
    kept = {"data": {"count": 64}, "evaluate": {"n_real": 32}, "collapse": {"enabled": False}}
    for name, asha in {"whole": None, "promoted": words | {"variant": "promote", "tolerance": 0.1}}.items():
        section = {"asha": asha} if asha else {"train": {"lr_g": RATE, "batch_size": 16, "epochs": 4}}
        (tmp_path / f"{name}.yaml").write_text(
            small(name, search={"trials": 3, "sampler": "random"}, **kept, **section)
        )
        fine("run", tmp_path / f"{name}.yaml", "--local", "--storage", tmp_path / "runs")
    whole, promoted = (everything(tmp_path / "runs" / name) for name in ("whole", "promoted"))
    assert "promoted" in {row["kind"] for row in promoted["events"]}
    assert "problems" not in fine("check", "promoted", "--storage", tmp_path / "runs").lower()
    again = {
        row["trial"] for row in promoted["trials"] if row["attempt"] == 1 and row["status"] == "finished"
    }
    assert again, "one went on from its checkpoint to the end"

    def curve(rows: list[dict[str, Any]], trial: int) -> list[tuple[float, float]]:
        return [(row["kimg"], row["loss_g"]) for row in rows if row["trial"] == trial]

    for trial in again:
        assert curve(promoted["metrics"], trial) == curve(whole["metrics"], trial)
