"""What stands on the command line beside a folder of pictures, and what the folder turns out to be."""

from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import draw, run, small

import sweep
from ganlib.errors import RequestError
from sweep.commands.folder import pictures
from sweep.commands.folder.asked import Asked
from sweep.records.catalog import open_sweep
from sweep.spec.specification import parse
from sweep.storage.local import LocalFolder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(small())
    return draw(tmp_path / "faces", 40)


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_: Any) -> None:
        raise AssertionError("pictures were looked at")

    monkeypatch.setattr(pictures, "look", look)


@pytest.mark.parametrize("name", ["../x", "..", "x/..", "/abs/x", "a/b", "a b", "x.tmp"])
@pytest.mark.usefixtures("unseen")
def test_a_name_that_no_sweep_can_have(name: str, here: Path) -> None:
    for command in (
        *(("run", what, "--local", "--dry-run", "--no-measure") for what in (here, "small.yaml")),
        *(("run", here, "--or-resume"), ("run", here, "--detach"), ("init", here)),
    ):
        refused = run(*command, "--name", name)
        assert refused.exit_code == 2, refused.output
        assert "error: --name: must be 1 to 64 letters, digits, '.', '_' or '-'" in refused.output
        assert "Traceback" not in refused.output
    with pytest.raises(RequestError, match="must be 1 to 64 letters"):
        sweep.run(here, name=name)
    for command in ("run", "init"):
        refused = run(command, here, "--set", f"name={name}")
        assert refused.exit_code == 2, refused.output
        assert "<--set>:1: name: must be 1 to 64 letters" in refused.output
    assert not Path("runs").exists()


def test_a_name_that_is_set_is_that_of_the_sweep(here: Path) -> None:
    asked = Asked(str(here), None, ("name=one", "train.r1_every=2"), "runs", None, True, 0.0)
    assert asked.sweep_name(again=False) == asked.sweep_name(again=True) == "one"
    both = Asked(str(here), "two", ("name=one",), "runs", None, True, 0.0)
    assert both.sweep_name(again=False) == "two"
    assert pictures.spec_of(both, print)[0].name == "two"
    assert parse(run("init", here, "--set", "name=one").stdout).name == "one"


@pytest.mark.parametrize("name", ["s3://bucket/..", "s3://bucket/a/..", "s3://bucket/../x"])
def test_no_sweep_lies_above_a_bucket(name: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be the address of a folder"):
        open_sweep(LocalFolder(tmp_path), name)
