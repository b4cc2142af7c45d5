"""A file that is replaced or removed while it is read."""

import errno
import os
from pathlib import Path

import pytest
from helpers.programs.fake_s3 import Bucket

from sweep.storage.folder import MissingFileError, StorageError, UnreachableError
from sweep.storage.opening import open_folder


@pytest.mark.parametrize(
    "others",
    [[b"longer than it was"], [b"short"], [b"same s"], [b"longer", b"and longer"], [b"short", b"second"]],
)
@pytest.mark.parametrize("times", [1, 100_000])
def test_an_object_that_is_replaced_while_it_is_read_is_read_whole(
    others: list[bytes], times: int, bucket: Bucket
) -> None:
    """pyarrow asks how large it is, and then for that many bytes, by default a part after the other."""
    folder, others = open_folder(bucket.url) / "small", [other * times for other in others]
    folder.write("a", b"before" * times)
    replaced = [*others]

    def replace(key: str) -> None:
        if key.endswith("/a") and replaced:
            bucket.objects[key] = replaced.pop(0)

    bucket.looked = replace
    assert folder.read("a") == others[-1]


def test_a_large_object_is_read_by_one_request(bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.write("a", bytes(3 * 10**6))
    bucket.asked.clear()
    assert folder.read("a") == bytes(3 * 10**6)
    assert [line.partition(" ")[0] for line in bucket.asked] == ["HEAD", "GET", "HEAD"]


def test_an_object_that_is_deleted_while_it_is_read_is_missing(bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.write("a", b"before")
    bucket.looked = lambda key: bucket.objects.pop(key, None)
    with pytest.raises(MissingFileError):
        folder.read("a")


def test_an_object_that_is_never_the_same_is_told(bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.write("a", b"before")

    def replace(key: str) -> None:
        bucket.objects[key] += b"."

    bucket.looked = replace
    with pytest.raises(StorageError, match="replaced again and again"):
        folder.read("a")


@pytest.mark.parametrize(
    ("failures", "read"), [([errno.ESTALE], True), ([errno.ESTALE] * 2, False), ([errno.EIO], False)]
)
def test_a_file_that_another_machine_replaces_on_a_shared_disk_is_opened_again(
    failures: list[int], read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plain = open_folder(tmp_path), Path.read_bytes
    folder.write("a", b"content")

    def read_bytes(path: Path) -> bytes:
        if failures:
            number = failures.pop(0)
            raise OSError(number, os.strerror(number))
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    if read:
        assert folder.read("a") == b"content"
    else:
        with pytest.raises(UnreachableError):
            folder.read("a")
