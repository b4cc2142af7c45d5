"""Labels from a folder to pictures of a class: data, a sweep, its report, an export, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.sweeps.commands import fine, run, small
from PIL import Image

from ganlib import load_generator

CLASSES = {"dark": range(40), "light": range(215, 255), "rare": range(100, 110)}


def pictures(folder: Path) -> Path:
    """Draw grounds of one grey each, in a folder for each class."""
    random = np.random.default_rng(0)
    for name, greys in CLASSES.items():
        (folder / name).mkdir(parents=True)
        for number in range(60 if name != "rare" else 8):
            noise = random.integers(0, 8, (32, 32, 3)) + int(random.choice(greys)) - 4
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder


def spec(source: Path, labels: object = "folders") -> str:
    return small(
        "pets",
        data={"source": str(source), "count": None, "labels": labels},
        train={"epochs": 1},
        evaluate={"n_fake": 128, "n_real": 128},
        search={"trials": 1},
    )


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("labels")
    (root / "pets.yaml").write_text(spec(pictures(root / "pets")))
    fine("run", root / "pets.yaml", "--local", "--storage", root / "runs")
    return root


def test_results_have_kid_of_each_class(swept: Path) -> None:
    folder = swept / "runs" / "pets"
    (row,) = pq.read_table(folder / "results").to_pylist()
    found = json.loads(row["class_kid"])
    assert [one["name"] for one in found] == ["dark", "light"]  # of the third there are too few
    assert row["latents"].endswith(":classes")
    info = json.loads((folder / "sweep.json").read_text())
    assert info["classes"] == [["dark", 60], ["light", 60], ["rare", 8]]
    for sample in pq.read_table(folder / "samples").to_pylist():
        assert json.loads(sample["shown"])[:4] == ["dark", "light", "rare", "dark"]
        assert sample["rows"] == 8
    shown = fine("show", folder)
    assert "128 pictures, 3 classes" in shown
    assert "light: KID" in shown
    told = json.loads(fine("show", folder, "--json"))
    assert {one["name"] for one in told["class_kid"]} == {"dark", "light"}
    fine("report", folder)
    page = (folder / "report.html").read_text()
    assert "KID of dark" in page
    assert "3 classes" in page


def test_an_export_makes_pictures_of_a_class(swept: Path) -> None:
    export = swept / "export"
    fine("best", swept / "runs" / "pets", "--export", export)
    assert load_generator(export).classes == ("dark", "light", "rare")
    card = (export / "README.md").read_text()
    assert "0 dark (60), 1 light (60), 2 rare (8)" in card
    assert "| light |" in card
    fine("generate", export, "--out", swept / "rows.png")
    assert Image.open(swept / "rows.png").size == (8 * 34 + 2, 3 * 34 + 2)
    fine("generate", export, "--class", "light", "--count", 4, "--out", swept / "light")
    made = np.stack([np.asarray(Image.open(path)) for path in sorted((swept / "light").glob("*.png"))])
    np.testing.assert_array_equal(made, load_generator(export).sample(4, classes="light"))
    fine("generate", export, "--class", "rare", "--interpolate", 2, "--count", 1, "--out", swept / "walk.gif")
    refused = run("generate", export, "--class", "lite", "--out", swept / "no.png")
    assert refused.exit_code == 2
    assert "did you mean 'light'" in refused.output


def test_a_sweep_goes_on_where_its_table_is_now(swept: Path) -> None:
    table = swept / "labels.csv"
    rows = [f"{name}/{number}.png,{name[0]}" for name in ("dark", "light") for number in range(60)]
    table.write_text("\n".join(["file,label", *rows, *(f"rare/{number}.png,l" for number in range(8))]))
    text = spec(swept / "pets", str(table)).replace("name: pets", "name: tabled")
    (swept / "tabled.yaml").write_text(text)
    fine("run", swept / "tabled.yaml", "--local", "--storage", swept / "runs")
    folder = swept / "runs" / "tabled"
    moved = table.rename(swept / "moved.csv")
    refused = run("extend", folder, "--trials", "+1", "--local")
    assert refused.exit_code == 2
    assert "there is no file" in refused.output
    fine("extend", folder, "--trials", "+1", "--local", "--set", f"data.labels={moved}")
    assert len(pq.read_table(folder / "results").to_pylist()) == 2
    moved.write_text(moved.read_text().replace("dark/0.png,d", "dark/0.png,l"))
    refused = run("extend", folder, "--trials", "+1", "--local")
    assert refused.exit_code == 2
    assert "the pictures have changed" in refused.output


def test_a_dry_run_tells_of_classes(swept: Path) -> None:
    told = fine("run", swept / "pets.yaml", "--dry-run", "--no-measure")
    assert "classes: 3: 60 dark, 60 light, 8 rare" in told
    assert "fewer than 50 pictures in rare" in told


def test_what_cannot_be_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    source = pictures(tmp_path / "pets")
    path = tmp_path / "spec.yaml"
    path.write_text(spec(source / "dark"))
    refused = run("run", path, "--dry-run", "--no-measure")
    assert refused.exit_code == 2
    assert "none of them lies in a sub-folder" in refused.output
    path.write_text(spec(source, "nothing.csv"))
    refused = run("run", path, "--dry-run", "--no-measure")
    assert refused.exit_code == 2
    assert "data.labels: there is no file 'nothing.csv'" in refused.output
    path.write_text(
        small(
            "told",
            data={"labels": "folders"},
            model={"family": "cartoongan", "latent_dim": 100},
            photos={"source": "avatars", "style": "micah"},
        )
    )
    refused = run("run", path, "--dry-run", "--no-measure")
    assert refused.exit_code == 2
    assert "labels mean nothing to the family cartoongan" in refused.output


def test_weights_that_were_told_classes_begin_where_the_pictures_have_those(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They fit pictures with the same classes, and no others; labels and weights without them do not go together."""
    monkeypatch.chdir(swept)
    child = ["run", "pets.yaml", "--local", "--name", "child", "--set", "model.init=pets/0"]
    fine(*child)
    fewer = tmp_path / "fewer"
    for name in ("dark", "light"):
        (fewer / name).mkdir(parents=True)
        for file in (swept / "pets" / name).iterdir():
            (fewer / name / file.name).write_bytes(file.read_bytes())
    other = run(*child[:4], "other", *child[5:], "--set", f"data.source={fewer}")
    assert other.exit_code == 2
    assert "were told the classes dark, light, rare, and these pictures have dark, light" in other.output
    without = run(*child[:4], "other", *child[5:], "--set", "data.labels=null")
    assert without.exit_code == 2
    assert "were told the classes dark, light, rare: give data.labels" in without.output
    fine(*child[:4], "plain", "--set", "data.labels=null")
    told = run(*child[:4], "other", "--set", "model.init=plain/0")
    assert told.exit_code == 2
    assert "('plain/0') were told none: leave one out" in told.output
