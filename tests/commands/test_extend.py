"""A longer budget: who can use it goes on from its checkpoint, and its result is measured anew."""

import json
import shutil
from pathlib import Path

import pytest
from helpers.sweeps.commands import run, small

from ganlib.errors import RequestError
from sweep.commands.extend import more_budget
from sweep.records.datasets import Store
from sweep.records.sweep_info import SweepInfo
from sweep.search.rung import Rung
from sweep.spec.specification import parse
from sweep.storage.opening import open_folder

SPEC = small(
    train={"kimg": 0.2},
    evaluate={"every": 0.1, "unit": "kimg"},
    search={"trials": 1},
    keep={"finished": "all"},
)


def rows(folder: Path, dataset: str) -> list[dict]:
    timed = {"seconds_train", "seconds_eval", "seconds", "seconds_per_kimg"}
    return [
        {k: v for k, v in row.items() if k not in timed} for row in Store(open_folder(folder)).rows(dataset)
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("extend")
    (root / "spec.yaml").write_text(SPEC)
    assert run("run", root / "spec.yaml", "--local", "--storage", root / "runs").exit_code == 0
    return root / "runs"


@pytest.fixture
def runs(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "runs"))


def test_a_finished_trial_goes_on_where_it_was(runs: Path) -> None:
    before, (old,) = rows(runs / "small", "metrics"), rows(runs / "small", "results")
    extended = run("extend", "small", "--kimg", "0.4", "--trials", "+1", "--local", "--storage", runs)
    assert extended.exit_code == 0, extended.output
    folder = runs / "small"
    after = [row for row in rows(folder, "metrics") if row["trial"] == 0]
    assert after[: len(before)] == before
    assert len(after) == 2 * len(before)
    assert [round(row["kimg"], 1) for row in after] == [0.1, 0.2, 0.3, 0.4]
    first, second = rows(folder, "trials")
    assert first["status"] == second["status"] == "finished"
    assert first["kimg"] == second["kimg"] == pytest.approx(0.4, abs=0.02)
    results = rows(folder, "results")
    assert [row["trial"] for row in results] == [0, 1]
    assert results[0]["attempt"] > old["attempt"]
    # What is kept is still the best of all that was ever seen.
    assert results[0]["seen"] == min(row["kid"] for row in after)
    told = json.loads(next(e["detail"] for e in rows(folder, "events") if e["kind"] == "extended"))
    assert told["result"]["kid"] == old["kid"]
    assert run("check", "small", "--storage", runs).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--kimg", "0.1"], "is 0.2 kimg already"),
        ([], "give --trials +N, --kimg KIMG or --time TIME"),
        (["--kimg", "-3"], "--kimg"),
        (["--kimg", "nan"], "nan is not a finite number"),
        (["--kimg", "inf"], "inf is not a finite number"),
        (["--trials", "+1", "--kimg", "0.1"], "is 0.2 kimg already"),
        (["--time", "30s", "--kimg", "0.1"], "is 0.2 kimg already"),
        (["--trials", "+1", "--time", "1s"], "1s is too short: give at least 20s"),
    ],
)
def test_what_cannot_be_extended_is_refused_and_leaves_nothing_behind(
    runs: Path, arguments: list[str], told: str
) -> None:
    kept = {path: path.read_bytes() for path in (runs / "small" / "spec.yaml", runs / "small" / "sweep.json")}
    refused = run("extend", "small", *arguments, "--local", "--storage", runs)
    assert refused.exit_code == 2, refused.output
    assert told in refused.output, refused.output
    assert all(path.read_bytes() == before for path, before in kept.items())
    assert "1/1" in run("ls", "--storage", runs).output


def test_more_trials_in_a_time_are_no_more_than_were_asked_for(runs: Path) -> None:
    extended = run("extend", "small", "--trials", "+1", "--time", "20m", "--local", "--storage", runs)
    assert extended.exit_code == 0, extended.output
    assert len(rows(runs / "small", "trials")) == 2
    for checkpoint in (runs / "small" / "checkpoints").rglob("*.ckpt"):
        checkpoint.unlink()
    kept = (runs / "small" / "spec.yaml").read_text()
    refused = run("extend", "small", "--kimg", "99", "--local", "--storage", runs)
    assert refused.exit_code == 2, refused.output
    assert "no trial of 'small' can go on" in refused.output
    assert (runs / "small" / "spec.yaml").read_text() == kept


def test_a_budget_that_is_there_already_opens_nothing_again(runs: Path) -> None:
    refused = run("extend", "small", "--kimg", "0.2", "--local", "--storage", runs)
    assert refused.exit_code == 2, refused.output
    assert "can go on" in refused.output, refused.output
    assert rows(runs / "small", "results")
    assert rows(runs / "small", "trials")[0]["status"] == "finished"


def test_without_a_checkpoint_nobody_can_go_on(runs: Path) -> None:
    for checkpoint in (runs / "small" / "checkpoints").rglob("*.ckpt"):
        checkpoint.unlink()
    refused = run("extend", "small", "--kimg", "0.4", "--local", "--storage", runs)
    assert refused.exit_code == 2
    assert "keep: {finished: all}" in refused.output
    assert json.loads((runs / "small" / "sweep.json").read_text())["budget"] == 0.2


def test_budgets_of_their_own_are_not_changed() -> None:
    spec = parse("configs:\n- {train.kimg: 0.2}\n- {train.kimg: 0.1}\n")
    with pytest.raises(RequestError, match=r"bring their own budgets \(train.kimg\)"):
        more_budget(spec, SweepInfo(images=96, budget=0.2), 0.4)


@pytest.mark.parametrize(
    ("metric", "n_first", "kept"), [("kid", 32, False), ("kid", 8, True), ("fid", 8, True)]
)
def test_at_rungs_that_come_with_a_longer_budget_all_are_measured_alike(
    metric: str, n_first: int, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the old budget ended, all pictures were measured; who comes there later is measured with fewer."""
    monkeypatch.setattr(Rung, "judged", lambda *_: (True, None))  # all go on
    spec = small(
        train={"epochs": None},
        evaluate={"every": 0.1, "unit": "kimg", "n_first": n_first},
        search={"trials": 2, "metric": metric},
        keep={"finished": "all"},
        asha={"grace": 0.1, "reduction": 2, "max": 0.2, "unit": "kimg", "variant": "stop"},
    )
    (tmp_path / "spec.yaml").write_text(spec)
    first = run("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path)
    assert first.exit_code == 0, first.output
    for checkpoint in (tmp_path / "small").rglob("*.ckpt") if not kept else ():
        checkpoint.unlink()
    more = ("--kimg", "0.4", "--trials", "+1", "--local", "--storage", tmp_path)
    extended = run("extend", "small", *more)
    assert extended.exit_code == 0, extended.output
    info = SweepInfo.read(open_folder(tmp_path / "small"))
    assert info.rungs == pytest.approx((0.1, 0.2))
    counts = {(row["trial"], row["kimg"]): row["n_fake"] for row in rows(tmp_path / "small", "metrics")}
    of_rung: dict[int, set[int]] = {}
    for entry in rows(tmp_path / "small", "rungs"):
        of_rung.setdefault(entry["rung"], set()).add(counts[entry["trial"], entry["kimg"]])
    if metric == "fid":
        assert all(len(found) == 1 for found in of_rung.values()), of_rung
    assert of_rung.keys() == {0, 1}
    checked = run("check", "small", "--storage", tmp_path)
    assert checked.exit_code == 0, checked.output
