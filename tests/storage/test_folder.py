"""A folder: whole files or none, no way out of it, errors in sentences."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganlib.errors import RequestError, WorkError
from sweep.storage.folder import Folder, MissingFileError, relative_parts
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder
from sweep.storage.s3 import RemoteFolder


def test_write_read_replace_list_delete(folder: Folder) -> None:
    assert folder.names() == []
    assert folder.names("a") == []
    assert not folder.exists("a/b.bin")
    folder.write("a/b.bin", b"one")
    folder.write("a/b.bin", b"two")
    folder.write("a/a.bin", b"")
    assert folder.read("a/b.bin") == b"two"
    assert folder.names("a") == ["a.bin", "b.bin"]
    assert folder.names("a/b.bin") == [] == list(folder.stamps("a/b.bin")), "a file is no folder"
    assert folder.exists("a")
    assert folder.exists("a/b.bin")
    assert (folder / "a").read("b.bin") == b"two"
    folder.write("c/d/e.bin", b"four")
    folder.write("f", b"x")
    assert folder.sizes() == {"a": 3, "c": 4, "f": 1}
    folder.rename("f", "g")
    assert (folder.exists("f"), folder.read("g")) == (False, b"x")
    folder.rename("g", "f")
    with pytest.raises(MissingFileError):
        folder.rename("none", "g")
    folder.delete("c")
    folder.delete("f")
    folder.delete("a/b.bin")
    assert folder.names("a") == ["a.bin"]
    folder.delete("a")
    folder.delete("never/there")
    assert not folder.exists("a/a.bin")


def test_create_exclusive_happens_once(folder: Folder) -> None:
    assert folder.create_exclusive("lock", b"first")
    assert not folder.create_exclusive("lock", b"second")
    assert folder.read("lock") == b"first"


def test_a_missing_file_is_told_by_its_full_name(folder: Folder) -> None:
    with pytest.raises(MissingFileError, match=r"could not read '.*/x/y\.json.*': it does not exist"):
        folder.read("x/y.json")


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a/..", "..", "a\0b"])
def test_no_way_out(folder: Folder, path: str) -> None:
    for act in (folder.read, folder.exists, folder.names, folder.delete, folder.child, folder.local):
        with pytest.raises(ValueError, match="a path inside a folder must"):
            act(path)
    with pytest.raises(ValueError, match="a path inside a folder must"):
        folder.write(path, b"")


@given(st.text(alphabet="./a\\ ", max_size=12))
def test_every_accepted_path_stays_inside(path: str) -> None:
    root = Path("/somewhere/deep")
    try:
        parts = relative_parts(path)
    except ValueError:
        assert path.startswith("/") or ".." in path.split("/")
        return
    assert Path(os.path.normpath(root.joinpath(*parts))).is_relative_to(root)


def test_relative_locations_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = open_folder("runs")
    monkeypatch.chdir("/")
    assert folder.url == str(tmp_path / "runs") == (tmp_path / "runs").as_posix()
    assert folder.child("x").local("y.png") == tmp_path / "runs" / "x" / "y.png"
    assert open_folder(f"file://{tmp_path}/runs") == folder


def test_children_of_a_url_keep_its_options(folder: Folder) -> None:
    if isinstance(folder, RemoteFolder):
        assert folder.child("a/b").url == "s3://bucket/prefix/a/b?region=eu-1"
        assert folder.local("a") is None


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/x", "s3://key:secret@", "gs://key:secret@bucket/x"])
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        open_folder(url)
    assert "secret" not in str(caught.value)


def test_s3_urls_open_without_a_network() -> None:
    folder = open_folder("s3://bucket/studies?region=eu-central-1")
    assert isinstance(folder, RemoteFolder)
    assert (folder / "dcgan").url == "s3://bucket/studies/dcgan?region=eu-central-1"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "storage location is empty"),
        ("file3://x", "unknown storage scheme 'file3://', did you mean 'file'"),
        ("gs://bucket/x", "unknown storage scheme 'gs://'"),
        ("s3://", "names no bucket"),
        ("s3://bucket/x?colour=red", "an option 'colour' that is not known"),
    ],
)
def test_bad_locations_are_refused(url: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        open_folder(url)


def test_a_crash_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = LocalFolder(tmp_path)
    folder.write("part.parquet", b"old")

    def killed(*_: object) -> None:
        seen.extend(os.listdir(tmp_path))
        raise KeyboardInterrupt

    seen: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.write("part.parquet", b"new, and much longer")
    assert len(seen) == 2
    assert sum(name.endswith(".parquet") for name in seen) == 1
    assert folder.read("part.parquet") == b"old"
    assert os.listdir(tmp_path) == ["part.parquet"]


def test_leftovers_of_a_killed_writer_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / ".00001.parquet.0123456789ab.tmp").write_bytes(b"half")
    (tmp_path / "00001.parquet").write_bytes(b"whole")
    assert LocalFolder(tmp_path).names() == ["00001.parquet"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EDQUOT, "quota"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_failing_disk_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    folder = LocalFolder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(WorkError, match=f"could not write '.*/a.bin': .*{words}"):
            folder.write("a.bin", b"data")
    assert os.listdir(tmp_path) == []


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("not a folder")
    with pytest.raises(WorkError, match="a file stands where a folder is needed"):
        open_folder(tmp_path / "runs" / "x").write("a", b"")


def test_exclusive_creation_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    folder = LocalFolder(tmp_path)
    assert folder.create_exclusive("lock", b"first")
    assert not folder.create_exclusive("lock", b"second")
    assert folder.read("lock") == b"first"
    assert os.listdir(tmp_path) == ["lock"]


@pytest.mark.parametrize("name", ["a #2", "100%41", "what?", "[x]", "2024", "a:b", "-d", " b "])
def test_a_name_of_a_folder_is_no_url(name: str, tmp_path: Path) -> None:
    import sqlite3

    from sweep.search import study_file

    folder = open_folder(tmp_path / "runs") / name
    assert folder.name == name
    folder.write("x", b"x")
    assert (tmp_path / "runs" / name / "x").read_bytes() == b"x"
    study_file.create(tmp_path / "runs" / name / "study.db", "s")
    found = sqlite3.connect(tmp_path / "runs" / name / "study.db").execute("SELECT study_name FROM studies")
    assert found.fetchall() == [("s",)]
