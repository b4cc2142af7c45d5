"""Files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from ganlib.disk import passing, write_new, write_whole


@pytest.mark.parametrize("lasting", [True, False])
def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path, lasting: bool) -> None:
    for data in (b"first", b"second"):
        write_whole(tmp_path / "a.bin", data, lasting=lasting)
        assert (tmp_path / "a.bin").read_bytes() == data
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "a.bin", b"first")

    def full(source: object, target: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_whole(tmp_path / "a.bin", b"second")
    assert (tmp_path / "a.bin").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_passing_names_are_hidden_and_keep_the_suffix(tmp_path: Path) -> None:
    with passing(tmp_path / "a.gif") as first, passing(tmp_path / "a.gif", ".tmp") as second:
        assert (first.suffix, second.suffix) == (".gif", ".tmp")
        assert first.name.startswith(".")
        assert first.parent == tmp_path
        first.write_bytes(b"half")
    assert os.listdir(tmp_path) == []


def test_a_new_file_is_never_written_over_another(tmp_path: Path) -> None:
    write_new(tmp_path / "a", b"1")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"1"
