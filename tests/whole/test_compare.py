"""A sweep that chooses among systems, each with its own keys: it runs through, and its report compares them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sweep.cli import cli
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder

SPEC = Path(__file__).parents[2] / "searchspaces" / "compare.yaml"
SMALL = [
    *("data.count=64", "data.size=32", "model.width=8", "model.latent_dim=8", "train.batch_size=16"),
    *("evaluate.every=1", "evaluate.n_fake=32", "evaluate.n_real=32", "asha.grace=1", "asha.max=2"),
]
CONDITIONAL = {
    "train.smoothing": {"bce"},
    "train.label_real": {"bce", "lsgan"},
    "train.clip": {"wgan"},
    "train.gp_weight": {"wgan-gp"},
    "train.critic_steps": {"wgan", "wgan-gp"},
}


@pytest.mark.slow
def test_a_sweep_over_systems_runs_through_and_its_report_compares_them(tmp_path: Path) -> None:
    place = ["--storage", str(tmp_path)]
    overrides = [part for value in [*SMALL, "search.trials=7"] for part in ("--set", value)]
    run = CliRunner().invoke(cli, ["run", str(SPEC), "--local", *place, *overrides], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    rows = list(Store(open_folder(tmp_path / "compare")).rows("trials"))
    assert len(rows) == 7
    assert {row["status"] for row in rows} <= {"finished", "stopped", "collapsed"}
    assert {row["param.model.family"] for row in rows} == {"dcgan", "stylegan2"}
    assert {row["param.train.loss"] for row in rows} == {"bce", "lsgan", "hinge", "wgan", "wgan-gp", None}
    for row in rows:
        train = json.loads(row["config"])["train"]
        assert train["loss"] == (row["param.train.loss"] or "bce")
        assert (row["param.train.r1_gamma"] is None) == (row["param.model.family"] == "dcgan")
        for path, losses in CONDITIONAL.items():
            value = row[f"param.{path}"]
            assert (value is not None) == (row["param.train.loss"] in losses), (path, row["param.train.loss"])
            assert value is None or train[path.removeprefix("train.")] == value
    metrics = list(Store(open_folder(tmp_path / "compare")).rows("metrics"))
    assert all(0 <= row[name] <= 1 for row in metrics for name in ("accuracy_real", "accuracy_fake"))
    report = CliRunner().invoke(cli, ["report", "compare", *place], catch_exceptions=False)
    assert report.exit_code == 0, report.output
    (page,) = tmp_path.rglob("report.html")
    text = page.read_text()
    for system in ("dcgan", "stylegan2", "bce", "lsgan", "hinge", "wgan", "wgan-gp"):
        assert f">{system}<" in text or f'"{system}"' in text
    for path in CONDITIONAL:
        assert path.removeprefix("train.") in text
    best = CliRunner().invoke(cli, ["best", "compare", "--by", "loss", "--json", *place])
    # A StyleGAN2's loss is not searched here: it is the default.
    assert set(json.loads(best.stdout)["groups"]) == {"bce", "lsgan", "hinge", "wgan", "wgan-gp"}
