"""A tree is deleted whole, though others delete in it; what cannot be deleted is told."""

import errno
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder

ENTRIES = ("a/1", "a/b/2", "a/b/3", "a/c/4", "d/5", "d/6", "7", "8", "9")


@pytest.fixture
def tree(tmp_path: Path) -> LocalFolder:
    folder = LocalFolder(tmp_path)
    for entry in ENTRIES:
        folder.write(f"tree/{entry}", b"x")
    return folder


def before(name: str, first: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something happens before each call of a function of the system."""
    plain = getattr(os, name)

    def call(*arguments: Any, **more: Any) -> Any:
        first(*arguments, **more)
        return plain(*arguments, **more)

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("number", range(len(ENTRIES)))
def test_a_file_that_somebody_else_deletes_first(
    number: int, tree: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, left = os.unlink, [number]

    def quicker(*arguments: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] == -1:
            plain(*arguments, **more)

    before("unlink", quicker, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree.delete("tree")
    assert not tree.exists("tree")


@pytest.mark.parametrize("name", ["rmdir", "open"])
@pytest.mark.parametrize("folder", ["a/b", "a/c", "d", ""])
def test_a_folder_that_somebody_else_deletes_first(
    name: str, folder: str, tree: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tree.local(f"tree/{folder}")
    assert place is not None
    gone: list[str] = []

    def quicker(path: Any, *arguments: Any, **more: Any) -> None:
        if Path(path).name == place.name and not gone:
            gone.append(folder)
            shutil.rmtree(place)

    before(name, quicker, monkeypatch)
    tree.delete("tree")
    assert gone
    assert not tree.exists("tree")


def test_what_cannot_be_deleted_is_told(tree: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: Any, **more: Any) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    before("unlink", refused, monkeypatch)
    with pytest.raises(StorageError, match=r"could not delete '.*/tree': permission denied"):
        tree.delete("tree")
