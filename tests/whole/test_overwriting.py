"""Nothing of anybody else is overwritten."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from helpers.drawn.outputs import bytes_of, export_in, picture, prepared
from helpers.sweeps.commands import run

from ganlib import written
from ganlib.errors import RequestError
from ganlib.metrics.picture_sets import open_pictures
from sweep.commands.before import anchored
from sweep.commands.place import check_place
from sweep.spec.specification import parse
from sweep.storage.opening import open_folder


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("0.png", ("data", "spec.yaml", "--out", "0.png")),
        ("study-data.png", ("data", "spec.yaml")),
        ("generated.png", ("generate", "export")),
        ("0.png", ("generate", "export", "--out", "0.png")),
        ("w.gif", ("generate", "export", "--interpolate", "2", "--out", "w.gif")),
        ("faces/mine.png", ("generate", "export", "--out", "faces")),
        ("faces/notes.txt", ("generate", "export", "--out", "faces")),
    ],
)
def test_a_file_of_the_user_stays(place: Path, name: str, arguments: tuple[str, ...]) -> None:
    export_in(place / "export")
    (place / "spec.yaml").write_text("name: study\ndata: {source: ., size: 32}\ntrain: {epochs: 1}\n")
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_bytes(bytes_of(picture(7)))
    listing = sorted(place.rglob("*"))
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "did not write" in result.stderr
    assert "choose" in result.stderr
    assert (place / name).read_bytes() == bytes_of(picture(7))
    assert sorted(place.rglob("*")) == listing


def test_links_are_files_of_somebody_else(place: Path) -> None:
    os.symlink(place / "0.png", place / "a.png")
    os.symlink("nowhere", place / "b.png")
    for name in ("a.png", "b.png"):
        with pytest.raises(RequestError, match="would be overwritten"):
            written.write(place / name, b"new")
    assert (place / "b.png").is_symlink()


def test_generated_pictures_of_an_earlier_call_do_not_stay(place: Path) -> None:
    export_in(place / "export")
    assert run("generate", "export", "--count", 7, "--out", "faces").exit_code == 0
    assert run("generate", "export", "--count", 3, "--seed", 5, "--out", "faces").exit_code == 0
    assert sorted(os.listdir("faces")) == ["00000.png", "00001.png", "00002.png"]
    assert len(Path(written.LIST).read_text().splitlines()) == 3
    assert open_pictures("faces", "a").count == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_above_that_may_not_be_written(place: Path) -> None:
    export_in(place / "export")
    (place / "locked" / "faces").mkdir(parents=True)
    (place / "locked").chmod(0o555)
    for count in (3, 2):
        assert run("generate", "export", "--count", count, "--out", "locked/faces").exit_code == 0
    assert sorted(os.listdir("locked/faces")) == [written.LIST, "00000.png", "00001.png"]
    assert len(prepared(place)) == 6


def test_an_export_takes_the_place_of_another_and_of_nothing_else(tmp_path: Path) -> None:
    def make(*names: str) -> Path:
        made = tmp_path / "made"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        for name in names:
            (made / name).write_text(f"new {name}")
        return made

    out = tmp_path / "out"
    out.mkdir()
    written.fill(out, make("model.pt2", "mapping.pt2", "README.md"))
    (out / "mine.txt").write_text("mine")
    written.fill(out, make("model.pt2", "README.md"))
    assert sorted(os.listdir(out)) == ["README.md", "mine.txt", "model.pt2"]
    (out / "README.md").write_text("edited")
    with pytest.raises(RequestError, match=r"README\.md' exists and would be overwritten"):
        written.fill(out, make("model.pt2", "README.md", "x"))
    assert (out / "README.md").read_text() == "edited"
    assert (out / "model.pt2").exists()


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        ("0.png/runs", "not a directory"),
        ("a" * 300, "file name too long"),
        pytest.param(
            "/proc/none", "no such file", marks=pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
        ),
    ],
)
def test_a_place_where_no_sweep_can_be_kept_is_a_wrong_request(
    place: Path, storage: str, reason: str
) -> None:
    (place / "spec.yaml").write_text("name: mine\ndata: {source: mine, size: 32}\ntrain: {epochs: 1}\n")
    (place / "mine").mkdir()
    shutil.copy(place / "0.png", place / "mine")
    result = run("run", "spec.yaml", "--storage", storage, "--local")
    assert result.exit_code == 2, result.output
    assert "no sweep can be kept in '" in result.output
    assert f"({reason}" in result.output
    assert "choose another place (--storage)" in result.output


def test_a_new_sweep_does_not_move_into_a_folder_of_others(place: Path) -> None:
    spec = parse("name: left\ntrain: {epochs: 1}\n")
    check_place(open_folder(place / "new"), spec)
    (place / "left" / "images").mkdir(parents=True)
    for name in ("lease.json", "images/real.png"):
        (place / "left" / name).write_text("a")
    (place / "left" / "spec.yaml").write_text(anchored(spec).to_yaml())
    # What is fitted into a time, or measured, comes to something else at each attempt.
    measured = ("search.time=9m", "search.trials=7", "resources.gpu=0.25", "train.epochs=2")
    for overrides in ((), measured):
        check_place(open_folder(place / "left"), parse(spec.to_yaml(), overrides=overrides))
    other = parse(spec.to_yaml(), overrides=["train.lr_g=0.1"])
    for folder, name in (("left", "spec.yaml"), (".", "0.png")):
        with pytest.raises(RequestError, match=f"such as '{name}': choose another name"):
            check_place(open_folder(place / folder), other)
    (place / "left" / "spec.yaml").write_text("my notes: [")
    with pytest.raises(RequestError, match=r"such as 'spec\.yaml'"):
        check_place(open_folder(place / "left"), spec)
    (place / "left" / "spec.yaml").unlink()
    (place / "left" / "images" / "cat.png").touch()
    with pytest.raises(RequestError, match=r"images/cat\.png"):
        check_place(open_folder(place / "left"), spec)
    (place / "spec.yaml").write_text("name: mine\ndata: {source: mine, size: 32}\ntrain: {epochs: 1}\n")
    (place / "mine").mkdir()
    shutil.copy(place / "0.png", place / "mine")
    result = run("run", "spec.yaml", "--storage", ".", "--local")
    assert result.exit_code == 2
    assert "is no sweep's" in result.stderr
    assert os.listdir(place / "mine") == ["0.png"]
