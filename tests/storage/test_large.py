"""Objects that are uploaded in parts: whatever fails, the old one stays until the new one is whole."""

import signal
import time
from collections.abc import Callable

import pytest
from helpers.programs.fake_s3 import Bucket

from ganlib import s3
from sweep.storage.folder import StorageError
from sweep.storage.opening import open_folder

LARGE = bytes(range(256)) * (s3.PART_BYTES // 256 + 2**13)
KEY = "runs/small/a"


def begins(bucket: Bucket) -> bool:
    return bucket.asked[-1].startswith("POST") and not any(bucket.uploads.values())


def completes(bucket: Bucket) -> bool:
    return bucket.asked[-1].startswith("POST") and any(bucket.uploads.values())


def part(bucket: Bucket) -> bool:
    return bucket.asked[-1].startswith("PUT")


def second_part(bucket: Bucket) -> bool:
    return part(bucket) and any(bucket.uploads.values())


REQUESTS = [begins, part, second_part, completes]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.001,) * 2)


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize(
    ("failure", "before"), [((503, "ServiceUnavailable"), b"old"), ((403, "AccessDenied"), None)]
)
def test_a_large_file_whose_upload_fails_leaves_the_old_one(
    request_: Callable[[Bucket], bool], failure: tuple[int, str], before: bytes | None, bucket: Bucket
) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.exists()
    if before is not None:
        bucket.objects[KEY] = before
    bucket.failure, bucket.fails = failure, lambda number: request_(bucket)
    with pytest.raises(StorageError, match="could not write 's3://bucket/runs/small/a'"):
        folder.write("a", LARGE)
    assert bucket.objects.get(KEY) == before
    bucket.fails = lambda number: False
    folder.write("a", LARGE)
    assert folder.read("a") == LARGE


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_that_is_repeated_shows_nobody_half_a_file(
    request_: Callable[[Bucket], bool], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.write("a", b"old")
    seen: list[bytes] = []
    monkeypatch.setattr(s3.time, "sleep", lambda seconds: seen.append(bucket.objects[KEY]))
    failing = [True]

    def once(number: int) -> bool:
        return request_(bucket) and bool(failing) and failing.pop()

    bucket.fails = once
    folder.write("a", LARGE)
    assert seen == [b"old"]
    assert bucket.objects[KEY] == LARGE


@pytest.mark.parametrize("request_", REQUESTS)
def test_what_is_interrupted_is_written_whole_or_not_at_all(
    request_: Callable[[Bucket], bool], bucket: Bucket
) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.write("a", b"old")
    interrupted: list[int] = []

    def interrupt(number: int) -> bool:
        if request_(bucket) and not interrupted:
            interrupted.append(number)
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.2)
        return False

    bucket.fails = interrupt
    with pytest.raises(KeyboardInterrupt):
        folder.write("a", LARGE)
    assert interrupted
    # The old one where a request is lost as well, as on a busy machine: after Ctrl-C none is repeated.
    assert bucket.objects[KEY] in (LARGE, b"old")


@pytest.mark.parametrize("size", [0, s3.PART_BYTES - 1, s3.PART_BYTES, s3.PART_BYTES + 1])
def test_what_is_not_large_is_written_by_one_request(size: int, bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.exists()
    bucket.asked.clear()
    folder.write("a", bytes(size))
    assert (len(bucket.asked) == 1) == (size < s3.PART_BYTES), bucket.asked
    assert bucket.objects[KEY] == bytes(size)
