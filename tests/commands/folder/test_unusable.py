"""Folders of which some files, or all, cannot be used: what is told of them, and what helps."""

import os
from pathlib import Path

import pytest
from helpers.sweeps.commands import draw, run

from ganlib.data import build, unusable
from sweep.commands.folder import seen
from sweep.spec.specification import parse


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return draw(tmp_path / "faces", 60)


@pytest.mark.parametrize(
    ("share", "most", "text"),
    [
        (7 / 134, 0.05, "5.2%"),
        (0.05004, 0.05, "5.004%"),
        (0.5, 0.05, "50%"),
        (1.0, 0.999, "100%"),
        (0.3, 0.25, "30%"),
    ],
)
def test_a_share_is_seen_to_be_more_than_what_is_allowed(share: float, most: float, text: str) -> None:
    assert unusable._above(share, most) == text


def test_some_more_may_be_allowed(here: Path) -> None:
    for number in range(4):
        (here / f"bad{number}.png").write_bytes(b"text")
    for command in (("init", here), ("run", here, "--local", "--dry-run", "--no-measure")):
        refused = run(*command)
        assert refused.exit_code == 2
        assert "4 of 64 files cannot be used (6%; data.max_skipped allows 5%)" in refused.output
        assert "--set data.max_skipped=0.1" in refused.output
        done = run(*command, "--set", "data.max_skipped=0.1")
        assert done.exit_code == 0, done.output
        assert "skipped 4: " in done.output
        assert "bad3.png (" in done.output
    text = run("init", here, "--set", "data.max_skipped=0.1").stdout
    assert parse(text).data.max_skipped == 0.1
    assert "<--set>:1: data.max_skipped" in run("init", here, "--set", "data.max_skipped=2").output


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "has no pictures: it is empty"),
        (["a.txt", "b.txt"], "has no pictures (there: 2 .txt"),
        (["a.png", "b.png"], "has no pictures (2 cannot be used: "),
        ([".a.png"], "has no pictures (there: 1 .png"),
    ],
)
def test_what_is_there_in_place_of_pictures(files: list[str], told: str, here: Path) -> None:
    other = here.parent / "other"
    other.mkdir()
    for name in files:
        (other / name).write_text("text")
    for command in ("init", "run"):
        refused = run(command, other)
        assert refused.exit_code == 2
        assert told in refused.output
        assert ("/a.png (" in refused.output) == ("a.png" in files)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_told(here: Path) -> None:
    (here / "sub").mkdir(mode=0)
    assert f"skipped 1: {here}/sub (folder cannot be read: " in run("init", here).output


def test_what_cannot_be_used_is_told_by_its_name(here: Path) -> None:
    (here / "sub").symlink_to(here)
    done = run("init", here)
    assert f"skipped 1: {here}/sub (link to a folder; not followed)" in done.output
    assert "skipped" not in run("init", draw(here.parent / "whole", 40)).output


def test_labels_that_pictures_do_not_have_are_refused_before_any_is_read(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("pictures were read")

    monkeypatch.setattr(build._Request, "_read", read)
    one = draw(here.parent / "one" / "cat", 40).parent
    for folder, told in ((here, "none of them lies in a sub-folder"), (one, "are of one class, 'cat'")):
        for command in ("init", "run"):
            refused = run(command, folder, "--set", "data.labels=folders")
            assert refused.exit_code == 2
            assert told in refused.output
            assert "measuring" not in refused.output


def test_a_few_unusable_names_are_a_share_of_all_files_where_some_are_looked_at(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that are no pictures by their names are counted in the whole folder, and others in a part of it."""
    monkeypatch.setattr(seen, "MOST", 40)
    for number in range(3):
        (here / f"{number}.svg").touch()
    found = seen.look(here, 32, print)
    assert (found.count, found.looked, found.unreadable, found.distinct) == (60, 40, 0, 60)
    for number in range(8):
        (here / f"{number}.png").write_bytes(b"text")
    found = seen.look(here, 32, print, max_skipped=0.5)
    assert 0 < found.unreadable == 40 - found.looked
    assert found.distinct == round(60 * found.looked / 40)


def test_what_is_no_picture_by_its_name_is_not_taken_from_its_class_again(here: Path) -> None:
    """It was never counted there; what was, and cannot be opened, is."""
    for number in range(60):
        first = here / ("cats" if number < 20 else "dogs")
        first.mkdir(exist_ok=True)
        (here / f"{number}.png").rename(first / f"{number}.png")
    for number in range(2):
        (here / "cats" / f"{number}.svg").touch()
        (here / "dogs" / f"bad{number}.png").write_bytes(b"text")
    found = seen.look(here, 32, print, max_skipped=0.5)
    assert found.folders == {"cats": 20, "dogs": 40}
