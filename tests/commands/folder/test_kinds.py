"""What a word on the command line is: a shipped spec, a folder of pictures, or one of specs."""

import shutil
from pathlib import Path

import pytest
from helpers.sweeps.commands import draw, run, small

from sweep.commands.folder.asked import Asked
from sweep.spec.specification import load


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_pictures(what: str) -> bool:
    return Asked(what, None, (), "runs", None, True, 0.0).is_pictures


@pytest.mark.parametrize("below", ["", "train/images"])
@pytest.mark.parametrize("other", ["data.yaml", "DATA.YML", "classes.yaml"])
def test_a_folder_with_pictures_is_one_of_pictures(below: str, other: str, here: Path) -> None:
    draw(here / "roboflow" / below, 40)
    Path("roboflow", other).write_text("names: [cat]\nnc: 1\ntrain: ../train/images\n")
    assert is_pictures("roboflow")
    shown = run("run", "roboflow", "--dry-run", "--no-measure")
    assert shown.exit_code == 0, shown.output
    assert run("init", "roboflow").exit_code == 0
    for command in ("plan", "data"):
        refused = run(command, "roboflow")
        assert refused.exit_code == 2
        assert "'sweep init roboflow > mine.yaml' chooses a spec" in refused.output


def test_a_folder_of_specs_is_none_of_pictures(here: Path) -> None:
    for name, file in (("specs", "a.yaml"), ("others", "b.YML")):
        Path(name).mkdir()
        Path(name, file).write_text(small())
        Path(name, ".hidden.png").write_bytes(b"")
        assert not is_pictures(name)
        for command in ("run", "plan", "data"):
            assert f"it is a folder, with {name}/{file}" in run(command, name).output


def test_the_name_of_a_shipped_spec_means_that(here: Path) -> None:
    draw(here / "dcgan", 40)
    assert not is_pictures("dcgan")
    assert is_pictures("./dcgan")
    assert is_pictures("dcgan/")
    told = "'dcgan' is the shipped spec; the folder of that name is ./dcgan"
    small_one = ("--set", "data.source=avatars", "--set", "data.count=64", "--set", "data.size=32")
    shown = run("run", "dcgan", "--dry-run", "--no-measure", *small_one)
    assert told in shown.output
    assert load("dcgan").name == "dcgan"
    assert told in run("data", "dcgan", *small_one).output
    for command in ("run", "data"):
        assert told not in run(command, "./dcgan", "--set", "name=../x").output
    assert "chooses a spec for pictures" in run("data", "./dcgan").output
    shutil.rmtree("dcgan")
    assert told not in run("run", "dcgan", "--dry-run", "--no-measure", *small_one).output
