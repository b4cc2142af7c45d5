"""What a bucket refuses, loses or cannot have is told, and nothing is written elsewhere."""

from pathlib import Path

import pytest
from helpers.drawn.in_bucket import config, fetched, picture, url
from helpers.programs.fake_s3 import Bucket

from ganlib import s3
from ganlib.data import prepare
from ganlib.data.buckets import bucket as module
from ganlib.errors import RequestError, WorkError

pytestmark = pytest.mark.usefixtures("keys")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("file:///home/me/pictures", "write the path of the folder itself: /home/me/pictures"),
        (
            "gs://bucket/pictures",
            "give a folder of pictures on this machine, or a bucket, s3://bucket/prefix",
        ),
        ("https://example.org/x.zip", "give a folder of pictures on this machine, or a bucket"),
        ("s3://", "names no bucket"),
        ("s3://key:secret@bucket/x", "keys do not belong into a URL"),
    ],
)
def test_addresses_that_cannot_be_read(source: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError) as error:
        prepare(config(source), tmp_path)
    assert str(error.value).startswith("data.source: ")
    assert words in str(error.value)
    assert "secret" not in str(error.value)


def test_nothing_there_and_nobody_there(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is nothing in 's3://bucket/none'"):
        prepare(config(url(bucket, "none")), tmp_path)
    with pytest.raises(RequestError, match="there is no bucket 'other'"):
        prepare(config(url(bucket).replace("s3://bucket", "s3://other")), tmp_path)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "access to 's3://bucket/pics' is denied"),
        ("Forbidden", "access to 's3://bucket/pics' is denied"),
        ("SignatureDoesNotMatch", "does not know the keys in use"),
    ],
)
def test_who_may_not_read_is_told_at_once(code: str, words: str, bucket: Bucket, tmp_path: Path) -> None:
    bucket.fails, bucket.failure = lambda number: True, (403, code)
    with pytest.raises(RequestError, match=words):
        prepare(config(url(bucket)), tmp_path)
    assert bucket.requests < 10


def test_one_object_that_may_not_be_read_is_named(bucket: Bucket, tmp_path: Path) -> None:
    bucket.fails, bucket.failure = lambda number: "GET pics/cats/3.png" in bucket.asked, (403, "AccessDenied")
    with pytest.raises(RequestError, match=r"access to 's3://bucket/pics/.*' is denied"):
        prepare(config(url(bucket)), tmp_path)


def test_an_object_that_is_replaced_while_it_is_fetched_is_named(bucket: Bucket, tmp_path: Path) -> None:
    """Else as much of the new one would be a picture as the old one was long."""

    def replace(key: str) -> None:
        if key == "pics/cats/3.png":
            bucket.objects[key] = picture(3, "bmp") + bytes(10_000)

    bucket.looked = replace
    with pytest.raises(WorkError, match=r"'s3://bucket/pics/cats/3.png' was replaced or removed since"):
        prepare(config(url(bucket)), tmp_path / "cache")


def test_words_of_errors_may_stand_in_names(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.001,) * 3)
    name = "CREDENTIALS ACCESS_DENIED 403.png"
    bucket.objects[f"pics/{name}"] = picture(1)
    monkeypatch.setattr(module, "THREADS", 1)
    bucket.fails = lambda number: bool(bucket.asked) and bucket.asked[-1] == f"GET pics/{name}"
    bucket.failure = 500, "InternalError"
    with pytest.raises(WorkError, match=f"'s3://bucket/pics/{name}' cannot be read"):
        prepare(config(url(bucket)), tmp_path)


def test_lost_requests_are_repeated(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.001,) * 12)
    whole = prepare(config(url(bucket)), tmp_path / "one")
    bucket.fails = lambda number: number % 3 == 0
    assert prepare(config(url(bucket)), tmp_path / "two").hash == whole.hash
    assert bucket.failed > 3


def test_nothing_is_written_outside_of_the_mirror(bucket: Bucket, tmp_path: Path) -> None:
    """Names of objects are whatever somebody has chosen."""
    up = "../" * 8 + str(tmp_path).lstrip("/")
    bucket.objects |= {f"pics/{up}/{name}": b"{}" for name in ("config.json", "sweep.json", "x.png")}
    prepare(config(url(bucket)), tmp_path / "cache")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    with pytest.raises(RequestError, match="cannot be the address of a folder"):
        prepare(config(url(bucket, "pics/../..")), tmp_path / "cache")


def test_a_full_disk_is_told_before_anything_is_fetched(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        f_bavail, f_frsize = 1, 512

    monkeypatch.setattr(module.os, "statvfs", lambda path: Full)
    with pytest.raises(WorkError, match=r"are to be fetched, and .* has room for 0 MiB"):
        prepare(config(url(bucket)), tmp_path)
    assert fetched(bucket) == []


def test_names_that_no_file_can_have_are_told(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects |= {
        f"pics/{'x' * 300}.png": picture(1),
        "pics/a//b.png": picture(2),
        "pics/../../../outside.png": picture(3),
    }
    images = prepare(config(url(bucket)), tmp_path)
    told = [item.path for item in images.skipped if "cannot be that of a file" in item.reason]
    assert len(told) == 3
    assert not list(tmp_path.parent.glob("**/outside.png"))


@pytest.mark.parametrize("before", [False, True])
def test_an_object_that_is_named_as_a_folder_hides_no_picture(
    before: bool, bucket: Bucket, tmp_path: Path
) -> None:
    """Programs that write into buckets mark folders so; it may have been the only one, and have had a file."""
    whole = prepare(config(url(bucket)), tmp_path / "whole")
    found = dict(bucket.objects)
    if before:
        bucket.objects = {
            "pics/cats": b"",
            "pics/dogs/deep": b"",
            "pics/0.png": picture(1),
            "pics/1.png": picture(2),
        }
        prepare(config(url(bucket)), tmp_path / "cache")
        bucket.days = dict.fromkeys(found, 2)
    bucket.objects = found | {"pics/cats": b"", "pics/dogs/deep": b"", "pics/dogs": b"a note"}
    images = prepare(config(url(bucket)), tmp_path / "cache")
    assert images.hash == whole.hash
    assert images.skipped == whole.skipped
    bucket.objects["pics/x.png"], bucket.objects["pics/x.png/y.png"] = picture(8), picture(9)
    bucket.objects |= {f"pics/{'x' * 300}": b"", f"pics/{'x' * 300}/y": b""}
    images = prepare(config(url(bucket)), tmp_path / "cache")
    assert len(images) == len(whole) + 1
    assert [item.reason for item in images.skipped if item.path == "s3://bucket/pics/x.png"] == [
        "its name cannot be that of a file: it is that of a folder, too"
    ]


def test_a_prefix_may_have_been_an_object(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects |= {"all/pics": b"", "all/1.png": picture(1), "all/2.png": picture(2)}
    prepare(config(url(bucket, "all")), tmp_path)
    bucket.objects |= {f"all/pics/{number}.png": picture(number) for number in range(3)}
    assert len(prepare(config(url(bucket, "all/pics")), tmp_path)) == 3
