"""Sweeps that begin with weights: of an export, of another sweep; what does not fit is refused before anything runs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import TINY, fine, run
from safetensors.torch import load_file, save_file

from sweep.commands.lineage import ancestors
from sweep.records.catalog import open_sweep
from sweep.spec.specification import parse
from sweep.storage.opening import open_folder


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``runs/tiny``, a sweep of two trials, and ``export``, its winner."""
    place = tmp_path_factory.mktemp("parent")
    (place / "tiny.yaml").write_text(TINY)
    fine("run", place / "tiny.yaml", "--local", "--storage", place / "runs")
    fine("best", "tiny", "--storage", place / "runs", "--export", place / "export")
    return place


@pytest.fixture
def here(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, where one stands; ``child.yaml`` is a spec with networks of those shapes."""
    shutil.copytree(parent, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    Path("child.yaml").write_text(TINY.replace("name: tiny", "name: child"))
    return tmp_path / "here"


def refused(*overrides: str, spec: str = "child.yaml") -> str:
    """What a run and a dry run say of these values of a spec; nothing is written."""
    options = [word for override in overrides for word in ("--set", override)]
    result = run("run", spec, "--local", "--name", "child", *options)
    assert result.exit_code == 2, result.output
    assert not Path("runs/child").exists()
    dry = run("run", spec, "--local", "--dry-run", "--no-measure", "--name", "child", *options)
    assert dry.exit_code == 2
    assert result.stderr.splitlines()[-1] in dry.stderr
    return result.stderr


def trials(name: str) -> list[dict[str, Any]]:
    return open_sweep(open_folder("runs"), name).store.rows("trials")


@pytest.mark.parametrize(
    "init", ["tiny", "tiny/1", "runs/tiny", "runs/tiny/1", "export", "export/model.safetensors"]
)
def test_everything_that_can_be_named_is_found(here: Path, init: str) -> None:
    spec = parse(Path("child.yaml").read_text(), "child.yaml", [f"model.init={init}"])
    (found,) = ancestors.find(spec, open_folder("runs")).values()
    ancestor = found.ancestor
    assert ancestor.sweep == "tiny"
    winner = json.loads(fine("best", "tiny", "--json"))["ranked"][0]["trial"]
    assert ancestor.trial == (1 if init.endswith("/1") else winner)
    assert ancestor.kimg in (0.064, 0.128)
    assert "Lisa Wischofsky" in ancestor.attribution
    assert (ancestor.discriminator is None) == init.startswith("export")
    assert (found.note is None) == (not init.startswith("export"))


def test_a_sweep_begins_with_another_ones_winner_and_tells_of_it(here: Path) -> None:
    told = fine("run", "child.yaml", "--local", "--set", "model.init=tiny", "--set", "model.freeze_d=2")
    assert "fresh weights" not in told
    rows = [json.loads(row["config"]) for row in trials("child")]
    weights = {row["ancestor"]["weights"] for row in rows}
    (digest,) = weights
    export = json.loads(Path("export/config.json").read_text())
    assert digest == export["digests"]["model.safetensors"]
    assert (
        Path(f"runs/child/init/{digest}.safetensors").read_bytes()
        == Path("export/model.safetensors").read_bytes()
    )
    assert "begun: 2" in (shown := fine("show", "child"))
    assert "of the sweep tiny, after" in shown
    assert fine("check", "child")
    fine("report", "child")
    assert "of the sweep tiny, after" in Path("runs/child/report.html").read_text()
    shutil.rmtree("runs/tiny")  # the copy is all that is needed
    fine("extend", "child", "--local", "--trials", "+1")
    fine("confirm", "child", "--local", "--top", "1", "--seeds", "2")
    fine("best", "child", "--export", "grown")
    grown = json.loads(Path("grown/config.json").read_text())
    assert grown["model"]["init"] is None
    assert grown["about"]["ancestor"]["weights"] == digest
    card = Path("grown/README.md").read_text()
    assert card.count("Lisa Wischofsky") == 2  # of its own pictures, and of its ancestor's
    assert digest in card
    assert "of the sweep tiny" in card
    fine("run", "child.yaml", "--local", "--name", "third", "--set", "model.init=grown")
    (line,) = {json.dumps(json.loads(row["config"])["ancestor"]) for row in trials("third")}
    assert json.loads(line)["parent"]["weights"] == digest


def test_other_weights_at_one_place_are_another_configuration(here: Path) -> None:
    place = Path("export/model.safetensors")
    options = ("--set", f"model.init={place}", "--set", "search.trials=1")
    fine("run", "child.yaml", "--local", "--name", "one", *options)
    (before,) = trials("one")
    save_file({name: tensor * 1.5 for name, tensor in load_file(place).items()}, place)
    Path("export/config.json").unlink()  # which knows the digest
    fine("run", "child.yaml", "--local", "--name", "two", *options)
    (after,) = trials("two")
    first, second = json.loads(before["config"]), json.loads(after["config"])
    assert first["ancestor"]["weights"] != second["ancestor"]["weights"]


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("model.width=12", "model.width is 12, and the weights of model.init ('tiny') are of 8"),
        ("model.latent_dim=17", "model.latent_dim is 17"),
        ("model.variant=extra", "model.variant is extra"),
        ("model.family=r3gan", "model.family is r3gan"),
        ("data.size=64", "data.size is 64"),
        ("data.channels=1", "data.channels is 1"),
        ("train.loss=wgan-gp", "the discriminator of 'tiny' does not fit"),
        ("model.d_norm=spectral", "model.d_norm (null there, spectral here)"),
        ("model.freeze_d=4", "give at most 3"),
        ("model.width={type: categorical, choices: [8, 12]}", "model.width is searched"),
        ("model.d_norm={type: categorical, choices: [batch, none]}", "model.d_norm (null there, none here)"),
    ],
)
def test_what_does_not_fit_is_refused(here: Path, override: str, named: str) -> None:
    text = refused("model.init=tiny", override)
    assert named in text
    assert text.startswith("error: <--set>:")


def test_the_line_of_the_spec_is_named(here: Path) -> None:
    lines = [line for line in TINY.splitlines() if not line.startswith("model:")]
    Path("lines.yaml").write_text(
        "\n".join([*lines, "model:", "  init: tiny", "  latent_dim: 16", "  width: 12"])
    )
    assert f"lines.yaml:{len(lines) + 4}: model.width is 12" in refused(spec="lines.yaml")


@pytest.mark.parametrize(
    ("init", "named"),
    [
        ("nowhere", "is neither an export"),
        ("nowhere/3", "is neither an export"),
        ("tiny/9", "has no trial 9"),
        ("runs", "is neither an export"),
        ("s3://", "is neither an export"),
    ],
)
def test_what_is_not_there_is_refused(here: Path, init: str, named: str) -> None:
    assert named in refused(f"model.init={init}")


def test_a_generator_that_is_not_kept_is_refused(here: Path) -> None:
    for file in Path("runs/tiny/checkpoints/00001").iterdir():
        file.unlink()
    told = run("run", "child.yaml", "--local", "--name", "child", "--set", "model.init=tiny/1")
    assert told.exit_code == 1
    assert "is not there any more, though the sweep keeps it" in told.output


def test_frozen_layers_need_a_discriminator(here: Path) -> None:
    assert "has no discriminator" in refused("model.init=export", "model.freeze_d=1")
    assert "freeze_d means nothing without init" in refused("model.freeze_d=1")


def test_weights_and_fresh_ones_can_be_compared(here: Path) -> None:
    choice = "model.init={type: categorical, choices: [null, tiny]}"
    fine(
        "run",
        "child.yaml",
        "--local",
        "--set",
        choice,
        "--set",
        "search.sampler=random",
        "--set",
        "search.trials=4",
    )
    begun = {json.loads(row["config"])["ancestor"] is None for row in trials("child")}
    assert begun == {True, False}


def test_a_copy_that_was_changed_is_found(here: Path) -> None:
    fine("run", "child.yaml", "--local", "--set", "model.init=tiny/0", "--set", "search.trials=1")
    (first, *_) = Path("runs/child/init").iterdir()
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    result = run("check", "child")
    assert result.exit_code == 1
    assert "is damaged: its SHA-256 is not its name" in result.output
