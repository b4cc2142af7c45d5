"""An address of a bucket names one place, with its options, wherever it is taken apart or put together."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.programs.fake_s3 import Bucket
from helpers.sweeps.commands import fine
from helpers.sweeps.synthetic import make_sweep

from ganlib.config import Ancestor
from ganlib.errors import RequestError
from sweep.cli import cli
from sweep.commands import stop as stopping
from sweep.commands.lineage import reading
from sweep.records.catalog import Sweep, open_sweep
from sweep.storage import layout, watching
from sweep.storage.folder import Folder
from sweep.storage.held import HeldFolder
from sweep.storage.lease import Owner
from sweep.storage.opening import open_folder


def at(bucket: Bucket, place: str) -> str:
    """The address of a place in the bucket."""
    return bucket.url.replace("s3://bucket/runs", f"s3://bucket{place}")


@pytest.fixture
def sweep(bucket: Bucket, tmp_path: Path) -> Sweep:
    """The sweep ``faces`` in a bucket whose store its address names."""
    folder = make_sweep(tmp_path, trials=2, pictures=False).folder.local()
    assert folder is not None
    for path in folder.rglob("*"):
        if path.is_file():
            bucket.objects[f"runs/faces/{path.relative_to(folder)}"] = path.read_bytes()
    return open_sweep(open_folder(bucket.url), "faces")


@pytest.mark.parametrize(
    ("place", "prefix"),
    [
        ("/runs#1", "runs#1/"),
        ("/runs#2/x", "runs#2/x/"),
        ("/a//b", "a/b/"),
        ("//a///b//", "a/b/"),
        ("/a b", "a b/"),
        ("/a%20b", "a%20b/"),
        ("/a;b=c&d", "a;b=c&d/"),
        ("/[a", "[a/"),
        ("/a:b", "a:b/"),
        ("/", ""),
        ("", ""),
    ],
)
def test_a_prefix_is_taken_as_it_is_written(place: str, prefix: str, bucket: Bucket) -> None:
    folder = open_folder(at(bucket, place))
    (folder / "na#me").write("x", b"1")
    assert list(bucket.objects) == [f"{prefix}na#me/x"]
    assert folder.names() == ["na#me"]
    assert folder.name == prefix.rstrip("/").rpartition("/")[2]
    assert (folder / "na#me").name == HeldFolder(folder / "na#me", lambda: None).name == "na#me"
    assert str(folder) == f"s3://bucket/{prefix}".rstrip("/")
    again = open_folder((folder / "na#me").url)
    assert again == folder / "na#me"
    assert again.read("x") == b"1"


@pytest.mark.parametrize("place", ["/a/../b", "/..", "/a/.", "/./a"])
def test_a_part_that_leads_elsewhere_is_refused(place: str, bucket: Bucket) -> None:
    with pytest.raises(RequestError, match="cannot be the address of a folder"):
        open_folder(at(bucket, place))


@pytest.mark.parametrize("end", ["", "/"])
def test_a_sweep_is_opened_by_its_address(end: str, bucket: Bucket, sweep: Sweep) -> None:
    found = open_sweep(open_folder("runs"), at(bucket, f"/runs/faces{end}"))
    assert (found.name, found.folder, found.info) == ("faces", sweep.folder, sweep.info)
    assert "faces" in fine("show", at(bucket, f"/runs/faces{end}"))


@pytest.mark.parametrize("place", ["", "/", "/nowhere", "/runs/nowhere"])
def test_an_address_without_a_sweep(place: str, bucket: Bucket, sweep: Sweep) -> None:
    """A path among the options, too, is none of sweeps."""
    with pytest.raises(RequestError, match=r"no sweep 's3://bucket.*: nothing at that path holds"):
        open_sweep(open_folder("runs"), at(bucket, place) + "&tls_ca_file_path=/etc/ssl/runs/faces")


def test_a_command_that_goes_on_finds_the_store_again(
    bucket: Bucket, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[str] = []
    monkeypatch.setattr("sweep.cli.detach.detach", lambda *given, **more: got.extend(given[:2]))
    CliRunner().invoke(cli, ["resume", at(bucket, "/runs/faces"), "--detach"], catch_exceptions=False)
    assert got == [bucket.url, "faces"]


def test_what_runs_inside_a_sweep_is_found(
    bucket: Bucket, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose owner is on another machine, and is heard of only while it is watched."""
    with Owner(sweep.folder / layout.CONFIRMATION) as owner:
        held = (sweep.folder / layout.CONFIRMATION, owner.lease)
        monkeypatch.setattr(watching, "running_in", lambda folder: [])
        monkeypatch.setattr(watching, "watched", lambda folders, say: [held])
        assert stopping._the_one(open_folder(bucket.url), print) == sweep.folder


@pytest.mark.parametrize("end", ["/1", "/1/", "", "/"])
def test_weights_are_found_by_an_address(
    end: str, bucket: Bucket, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_sweep(found: Sweep, trial: int | None, source: str) -> tuple[Folder, int | None]:
        return found.folder, trial

    monkeypatch.setattr(reading, "of_sweep", of_sweep)
    read = reading.read(at(bucket, f"/runs/faces{end}"), open_folder("runs"))
    assert read == (sweep.folder, 1 if "1" in end else None)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (
            "s3://bucket/runs/faces?endpoint_override=minio.home:9000&tls_ca_file_path=/home/me/ca.pem",
            "faces",
        ),
        ("s3://bucket/runs/faces/?region=eu-1", "faces"),
        ("s3://bucket/runs#1/faces", "faces"),
        ("/home/me/faces/", "faces"),
        ("/home/me/what?", "what?"),
        ("faces", "faces"),
    ],
)
def test_an_export_does_not_tell_where_its_ancestor_was(source: str, shown: str) -> None:
    told = Ancestor(source=source, weights="0" * 64).without_places()
    assert told.source == shown
    assert "home" not in json.dumps(told.model_dump())
