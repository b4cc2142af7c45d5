"""An S3-compatible server that fails: requests are repeated, nothing is doubled, nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.commands import small
from helpers.fake_s3 import Bucket, serving

from sweep.cli import cli
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS
from sweep.storage import s3
from sweep.storage.folder import MissingFileError, StorageError
from sweep.storage.opening import open_folder

SPEC = small(collapse={"enabled": False}, asha={"grace": 1, "reduction": 2, "max": 2})
PASSING = {"seconds", "seconds_train", "seconds_eval", "started", "ended", "time"}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-that-nobody-may-see")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-that-nobody-may-see")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.01, 0.02, 0.05, 0.1))
    with serving() as bucket:
        yield bucket


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
    assert folder.size_bytes() == 1


def test_every_request_may_fail_a_few_times(bucket: Bucket) -> None:
    folder = open_folder(bucket.url) / "small"
    bucket.fails = lambda number: number % 12 < 9  # longer than the client's own patience
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


@pytest.mark.slow
def test_a_sweep_over_a_server_that_fails_every_third_request(bucket: Bucket, tmp_path: Path) -> None:
    spec = tmp_path / "small.yaml"
    spec.write_text(SPEC)

    def run(*arguments: str) -> None:
        done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert "nobody-may-see" not in done.output

    run("run", str(spec), "--local", "--storage", str(tmp_path))
    bucket.fails = lambda number: number % 3 == 0
    run("run", str(spec), "--local", "--storage", bucket.url)
    assert bucket.failed > 30
    folder = open_folder(bucket.url) / "small"
    for dataset in SCHEMAS:
        ours, theirs = (
            [{k: v for k, v in row.items() if k not in PASSING} for row in Store(place).rows(dataset)]
            for place in (open_folder(tmp_path) / "small", folder)
        )
        assert ours == theirs
    run("check", "small", "--storage", bucket.url)
    run("report", "small", "--storage", bucket.url, "--out", str(tmp_path / "out"))
    everything = b"".join(bucket.objects.values())
    assert b"nobody-may-see" not in everything
    assert not any(b"nobody-may-see" in path.read_bytes() for path in (tmp_path / "out").rglob("*.html"))
