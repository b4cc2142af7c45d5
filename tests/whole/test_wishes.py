"""A sweep with wishes beside its metric, from the spec to the exported generator; and one that nothing fulfils."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import RATE, fine, run, small

from ganlib.config import ModelConfig
from ganlib.export.files import read_export
from ganlib.export.parameters import generator_parameters
from sweep.records.datasets import Store
from sweep.records.sweep_info import SweepInfo
from sweep.storage.opening import open_folder


def parameters(width: int) -> int:
    return generator_parameters(ModelConfig(width=width, latent_dim=16), 32, 3)


MOST = parameters(8)
SPEC = small(
    model={"width": {"type": "int", "low": 4, "high": 64, "step": 4}},
    train={"lr_g": RATE},
    search={"trials": 4, "subject_to": {"params": f"<= {MOST}", "coverage": ">= 0"}},
    asha={"grace": 1, "reduction": 4, "max": 2},
)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a sweep of small generators has run; most of the space are larger ones."""
    root = tmp_path_factory.mktemp("wishes")
    (root / "spec.yaml").write_text(SPEC)
    fine("run", root / "spec.yaml", "--local", "--storage", root / "runs")
    return root / "runs"


def rows(storage: Path, dataset: str, name: str = "small") -> list[dict[str, Any]]:
    return Store(open_folder(storage) / name).rows(dataset)


def test_no_generator_is_trained_that_is_known_to_be_too_large(storage: Path) -> None:
    trials, results = rows(storage, "trials"), rows(storage, "results")
    assert len(trials) == 4
    widths = {row["trial"]: row["param.model.width"] for row in trials}
    assert set(widths.values()) <= {4, 8}
    assert {row["trial"]: row["params"] for row in results} == {
        trial: parameters(width) for trial, width in widths.items()
    }
    redrawn = [row for row in rows(storage, "events") if row["kind"] == "redrawn"]
    assert redrawn
    detail = json.loads(redrawn[0]["detail"])
    assert detail["refused"] >= 1
    assert detail["reason"].startswith("params ")
    assert detail["reason"].endswith(f", wanted <= {MOST}")


def test_stopped_trials_are_measured_for_what_is_wished(storage: Path) -> None:
    statuses = {row["trial"]: row["status"] for row in rows(storage, "trials")}
    assert "stopped" in statuses.values()
    for row in rows(storage, "results"):
        assert row["coverage"] is not None, statuses[row["trial"]]
        assert row["seconds_per_kimg"] > 0
    assert [row["broken"] for row in rows(storage, "trials")] == [None] * 4


def test_the_folder_and_its_study_know_the_wishes(storage: Path) -> None:
    import optuna

    info = SweepInfo.read(open_folder(storage) / "small")
    assert [wish.words for wish in info.wishes] == [f"params <= {MOST}", "coverage >= 0"]
    study = optuna.load_study(study_name="small", storage=f"sqlite:///{storage}/small/study.db")
    assert all(len(trial.constraints) == 2 for trial in study.trials)
    assert all(value <= 0 for trial in study.trials for value in trial.constraints.values())
    assert fine("check", "small", "--storage", storage)


def test_best_and_show_tell_of_them(storage: Path) -> None:
    assert f"subject to params <= {MOST}, coverage >= 0" in fine("best", "--storage", storage)
    assert f"wishes    params <= {MOST}" in fine("show", "--storage", storage)
    told = json.loads(fine("best", "--storage", storage, "--pareto", "--json"))
    assert told["wishes"] == [f"params <= {MOST}", "coverage >= 0"]
    assert {"kid", "coverage", "params", "best_at"} <= set(told["pareto"][0])
    assert "that no other beats in KID, coverage and parameters together" in (
        fine("best", "--storage", storage, "--pareto")
    )
    assert run("best", "--storage", storage, "--pareto", "--by", "loss").exit_code == 2


def test_none_of_the_trials_fulfils_the_wishes(storage: Path, tmp_path: Path) -> None:
    impossible = ("--set", "search.subject_to={kid: < -1}", "--set", "search.trials=2")
    spec = storage.parent / "spec.yaml"
    ended = run("run", spec, "--local", "--storage", tmp_path, *impossible)
    assert ended.exit_code == 1
    assert "no trial fulfils the wishes; the nearest is trial " in ended.output
    told = fine("best", "--storage", tmp_path)
    nearest = min(rows(tmp_path, "results"), key=lambda row: row["kid"])["trial"]
    assert f"no trial fulfils the wishes; the nearest is trial {nearest}: kid " in told
    assert ", wanted < -1; it has KID " in told
    out = tmp_path / "export"
    refused = run("best", "--storage", tmp_path, "--export", out)
    assert refused.exit_code == 2
    assert f"there is nothing to export: no trial fulfils the wishes; the nearest is trial {nearest}" in (
        refused.output
    )
    assert "there is nothing to confirm: no trial fulfils the wishes" in (
        run("confirm", "small", "--local", "--storage", tmp_path).output
    )
    exported = fine("best", "--storage", tmp_path, "--export", out, "--trial", nearest)
    assert f"note: trial {nearest}: kid " in exported
    assert read_export(out)
    assert all(row["broken"].endswith(", wanted < -1") for row in rows(tmp_path, "trials"))


def test_what_can_never_be_is_refused_at_its_line(storage: Path, tmp_path: Path) -> None:
    spec = storage.parent / "spec.yaml"
    line = next(n for n, text in enumerate(SPEC.splitlines(), 1) if text.startswith("search"))
    tiny = ("--set", "search.subject_to.params=<= 10")
    for command in ("run", "plan"):
        refused = run(command, spec, *tiny, *(["--local", "--storage", tmp_path] if command == "run" else []))
        assert refused.exit_code == 2
        assert f"spec.yaml:{line}: search.subject_to: of 1,005 configurations" in refused.output
        assert ", wanted <= 10): nothing is left to try" in refused.output
    dry = run("run", spec, *tiny, "--dry-run", "--no-measure")
    assert dry.exit_code == 2
    assert "# Subject to params <= 10, coverage >= 0" in dry.output
