"""What asking again cannot mend is told at once, with what helps; what passes is asked again, also before the first."""

from collections.abc import Callable

import pytest
from helpers.programs.fake_s3 import Bucket
from pyarrow import fs

from ganlib import s3
from ganlib.errors import RequestError
from sweep.storage.folder import Folder, StorageError, UnreachableError
from sweep.storage.opening import open_folder

REGION = r"another region, .*'\?region=...'"
KEYS = "AWS_SECRET_ACCESS_KEY"
REFUSALS = [
    (301, "PermanentRedirect", REGION),
    (307, "TemporaryRedirect", REGION),
    (400, "AuthorizationHeaderMalformed", REGION),
    (400, "ExpiredToken", f"not valid any more: .*{KEYS}.*AWS_SESSION_TOKEN"),
    (403, "ExpiredToken", f"not valid any more: .*{KEYS}"),
    (400, "InvalidToken", f"not valid any more: .*{KEYS}"),
    (401, "Unauthorized", f"does not know the keys in use: .*{KEYS}"),
    (403, "InvalidAccessKeyId", f"does not know the keys in use: .*{KEYS}"),
    (403, "AccessDenied", "ACCESS_DENIED"),
    (405, "MethodNotAllowed", "HTTP status 405"),
]
PASSES = [
    (400, "RequestTimeout"),
    (400, "IncompleteBody"),
    (400, "BadDigest"),
    (400, "XAmzContentSHA256Mismatch"),
    (403, "RequestTimeTooSkewed"),
    (408, "RequestTimeout"),
    (409, "OperationAborted"),
    (416, "InvalidRange"),
    (429, "TooManyRequests"),
    (500, "InternalError"),
    (503, "SlowDown"),
]
ACTS: list[Callable[[Folder], object]] = [
    lambda folder: folder.write("a", b"x"),
    lambda folder: folder.write("a", bytes(s3.PART_BYTES)),
    lambda folder: folder.names(),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("status", "code", "words"), REFUSALS)
def test_a_refusal_is_told_at_once(
    status: int, code: str, words: str, act: Callable[[Folder], object], bucket: Bucket
) -> None:
    folder = open_folder(bucket.url)
    folder.exists()
    bucket.failure, bucket.fails = (status, code), lambda number: True
    with pytest.raises(StorageError, match=words) as caught:
        act(folder)
    assert not isinstance(caught.value, UnreachableError)
    assert bucket.failed == 1


@pytest.mark.parametrize(("status", "code", "words"), REFUSALS)
def test_a_refusal_of_the_first_request_says_what_may_be_wrong(
    status: int, code: str, words: str, bucket: Bucket
) -> None:
    """It asks for no content, so that the store has but a number to answer."""
    bucket.failure, bucket.fails = (status, code), lambda number: True
    with pytest.raises(StorageError) as caught:
        open_folder(bucket.url).write("a", b"x")
    assert bucket.failed <= 2
    assert ("region=..." in str(caught.value)) == (status in (301, 307, 400))
    assert ("keys in use" in str(caught.value)) == ("keys" in words or "valid" in words or status == 400)


@pytest.mark.parametrize(("status", "code"), PASSES)
def test_what_passes_is_asked_again(status: int, code: str, bucket: Bucket) -> None:
    folder = open_folder(bucket.url)
    folder.exists()
    bucket.failure, bucket.fails = (status, code), lambda number: bucket.failed < 3
    folder.write("a", b"x")
    assert bucket.objects == {"runs/a": b"x"}
    assert bucket.failed == 3


LOST = "When resolving region for bucket 'bucket': AWS Error {} during HeadBucket operation: curlCode: 28, Timeout"


def failing(message: str, times: int, asked: list[str]) -> Callable[[str], str]:
    """What answers for AWS where a bucket is, after some failures."""

    def region_of(bucket: str) -> str:
        asked.append(bucket)
        if len(asked) <= times:
            raise OSError(message)
        return "eu-central-1"

    return region_of


def test_the_region_is_asked_for_again(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    asked: list[str] = []
    message = LOST.format("NETWORK_CONNECTION")
    monkeypatch.setattr(fs, "resolve_s3_region", failing(message, s3.FIRST_FAILURES, asked))
    assert s3.connect("s3://bucket/runs").region == "eu-central-1"
    assert len(asked) == s3.FIRST_FAILURES + 1


def test_aws_that_nobody_reaches_is_told_soon(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    asked: list[str] = []
    monkeypatch.setattr(fs, "resolve_s3_region", failing(LOST.format("NETWORK_CONNECTION"), 99, asked))
    with pytest.raises(UnreachableError, match="could not reach the storage 's3://bucket'"):
        open_folder("s3://bucket/runs")
    assert len(asked) == s3.FIRST_FAILURES + 1


def test_a_bucket_that_aws_does_not_have_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(fs, "resolve_s3_region", failing("Bucket 'bucket' not found", 99, asked))
    with pytest.raises(RequestError, match="there is no bucket 'bucket' on AWS"):
        open_folder("s3://bucket/runs")
    assert len(asked) == 1


def test_a_store_that_does_not_answer_at_first_is_told_as_later(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_folder("s3://bucket/runs?endpoint_override=127.0.0.1:9&scheme=http&region=us-east-1")
    with pytest.raises(UnreachableError, match="could not reach 's3://bucket/runs'"):
        folder.read("a")
