"""An S3-compatible server that fails: requests are repeated, nothing is doubled, nothing is lost."""

import errno
import os
import random
import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.programs.fake_s3 import Bucket
from helpers.sweeps.commands import TIMES, small

from ganlib import s3
from ganlib.errors import RequestError
from sweep.cli import cli
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS
from sweep.storage.folder import MissingFileError, StorageError, UnreachableError, explained
from sweep.storage.opening import open_folder
from sweep.storage.s3 import RemoteFolder
from sweep.worker.faults import fault_of

SPEC = small(collapse={"enabled": False}, asha={"grace": 1, "reduction": 2, "max": 2})


PAUSES = s3.PAUSES_SECONDS


def test_a_folder_on_a_server_that_works(bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    assert folder.names() == []
    assert not folder.exists("a/b")
    with pytest.raises(MissingFileError):
        folder.read("a/b")
    folder.write("a/b", b"one")
    folder.write("a/b", b"two")
    assert folder.read("a/b") == b"two"
    assert folder.names("a") == ["b"]
    assert folder.exists("a/b")
    assert folder.create_exclusive("a/c", b"x")
    assert not folder.create_exclusive("a/c", b"y")
    folder.delete("a/b")
    folder.delete("a/b")
    assert folder.names("a") == ["c"]
    assert folder.sizes() == {"a": 1}


def test_every_request_may_fail_a_few_times(bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    bucket.fails = lambda number: number % 7 < 4
    for value in range(3):
        folder.write("a/b", bytes([value]))
        assert folder.read("a/b") == bytes([value])
        assert folder.names("a") == ["b"]
    folder.delete("a/b")
    assert not folder.exists("a/b")
    assert bucket.failed > 20


def test_a_server_that_stays_down_is_told(bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.write("a", b"x")
    bucket.fails = lambda number: True
    with pytest.raises(StorageError, match="could not read 's3://bucket/runs/small/a'") as caught:
        folder.read("a")
    assert "nobody-may-see" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, "SlowDown", "preempted"),
        (500, "InternalError", "preempted"),
        (403, "AccessDenied", "storage"),
        (None, "", "preempted"),
    ],
)
def test_a_worker_that_does_not_reach_the_store_is_told_from_one_that_may_not(
    status: int | None, code: str, kind: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere the store may answer, so that the trial moves; what is wrong everywhere stops the sweep."""
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.001,))
    folder = open_folder(bucket.url) / "small"
    folder.write("a", b"x")
    if status is None:  # nobody listens
        folder = RemoteFolder.connect(re.sub(r"127.0.0.1:\d+", "127.0.0.1:9", bucket.url))
        folder._met[0] = True
    else:
        bucket.fails, bucket.failure = (lambda number: True), (status, code)
    with pytest.raises(StorageError) as caught:
        folder.read("a")
    fault = fault_of(caught.value)
    assert fault.kind == kind
    assert isinstance(caught.value, UnreachableError) == (kind == "preempted")
    here = f"its machine {socket.gethostname()} does not reach the storage: could not read 's3://bucket/runs"
    assert fault.reason.startswith(here) == (kind == "preempted")


@pytest.mark.parametrize(
    "number", [errno.ETIMEDOUT, errno.ESTALE, errno.EHOSTDOWN, errno.ENOSPC, errno.EROFS]
)
def test_a_mount_whose_server_is_away_is_told_from_a_full_disk(number: int) -> None:
    with pytest.raises(StorageError) as caught, explained("write", "/mnt/shared/a"):
        raise OSError(number, os.strerror(number))
    full = number in (errno.ENOSPC, errno.EROFS)
    assert fault_of(caught.value).kind == ("storage" if full else "preempted")


@pytest.mark.slow
def test_a_sweep_over_a_server_that_fails_a_third_of_all_requests(bucket: Bucket, tmp_path: Path) -> None:
    spec = tmp_path / "small.yaml"
    spec.write_text(SPEC)

    def run(*arguments: str) -> None:
        done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert "nobody-may-see" not in done.output

    run("run", str(spec), "--local", "--storage", str(tmp_path))
    bucket.fails = lambda number: random.Random(number).random() < 1 / 3
    run("run", str(spec), "--local", "--storage", bucket.url)
    assert bucket.failed > 30
    folder = open_folder(bucket.url) / "small"
    for dataset in SCHEMAS:
        ours, theirs = (
            [{k: v for k, v in row.items() if k not in TIMES} for row in Store(place).rows(dataset)]
            for place in (open_folder(tmp_path) / "small", folder)
        )
        assert ours == theirs
    run("check", "small", "--storage", bucket.url)
    run("report", "small", "--storage", bucket.url, "--out", str(tmp_path / "report.html"))
    everything = b"".join(bucket.objects.values())
    assert b"nobody-may-see" not in everything
    assert not any(b"nobody-may-see" in path.read_bytes() for path in (tmp_path / "out").rglob("*.html"))


def test_a_small_file_is_one_request(bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    folder.names()
    before = bucket.requests
    folder.write("a/b", b"one")
    assert bucket.requests == before + 1
    large = bytes(range(256)) * 2**16  # 16 MiB
    folder.write("a/c", large)
    assert folder.read("a/c") == large


def test_a_store_that_is_down_is_told_at_once(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(s3, "PAUSES_SECONDS", PAUSES)
    monkeypatch.setattr(s3.time, "sleep", slept.append)
    folder = open_folder("s3://bucket/runs?endpoint_override=127.0.0.1:9&scheme=http&region=us-east-1")
    with pytest.raises(StorageError, match="could not reach 's3://bucket/runs'"):
        folder.read("a")
    assert len(slept) == s3.FIRST_FAILURES
    assert sum(slept) < 5


def test_a_bucket_that_is_not_there_is_no_place_without_sweeps(bucket: Bucket) -> None:
    url = bucket.url.replace("s3://bucket/", "s3://another/")
    with pytest.raises(RequestError, match="there is no bucket 'another' in that store"):
        (open_folder(url) / "small").read("a")
    done = CliRunner().invoke(cli, ["ls", "--storage", url])
    assert done.exit_code == 2
    assert "no sweeps" not in done.output


def test_options_that_are_not_known(bucket: Bucket) -> None:
    with pytest.raises(
        RequestError, match="an option 'zone' that is not known; after '\\?' may stand region"
    ):
        open_folder(bucket.url + "&zone=a")
