"""Published weights: found where peers keep them, downloaded once, never believed unchecked."""

import hashlib
import io
import logging
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganlib.errors import RequestError
from ganlib.metrics.extractors import inception
from ganlib.metrics.extractors.download import Published, weights_file

NAMES = inception.PUBLISHED.names


class Network:
    """Stands in for the network: serves some content, or fails, and counts requests."""

    def __init__(self, content: bytes = b"", error: Exception | None = None) -> None:
        self.content, self.error, self.requests = content, error, 0

    def __call__(self, request: urllib.request.Request, timeout: float) -> io.BytesIO:
        self.requests += 1
        assert request.full_url == STANDARD.url
        assert request.full_url.startswith("https://")
        assert timeout > 0
        if self.error:
            raise self.error
        return io.BytesIO(self.content)


def file_of(values: dict[str, torch.Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save(values, buffer)
    return buffer.getvalue()


CONTENT = file_of({"x": torch.arange(3)})
STANDARD = replace(inception.PUBLISHED, digest=hashlib.sha256(CONTENT).hexdigest())
"""A small file in place of the standard weights."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for downloads."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


def serve(monkeypatch: pytest.MonkeyPatch, network: Network) -> Network:
    monkeypatch.setattr(urllib.request, "urlopen", network)
    return network


def test_downloaded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = serve(monkeypatch, Network(CONTENT))
    paths = {weights_file(None, STANDARD) for _ in range(2)}
    assert paths == {folder / NAMES[0]}
    assert network.requests == 1
    assert (folder / NAMES[0]).read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == [NAMES[0]]


def test_a_given_file_is_taken(folder: Path) -> None:
    assert weights_file("mine.pth", STANDARD) == Path("mine.pth")
    assert not folder.exists()


def test_a_name_by_the_address_and_a_digest_of_which_only_the_beginning_is_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, Network(CONTENT))
    short = Published(STANDARD.url, STANDARD.digest[:8], 1)
    assert weights_file(None, short) == folder / STANDARD.url.rsplit("/", 1)[1]


@pytest.mark.parametrize("name", NAMES)
def test_files_of_both_peers_are_used(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = serve(monkeypatch, Network(error=OSError("no network")))
    folder.mkdir(parents=True)
    (folder / name).write_bytes(CONTENT)
    assert weights_file(None, STANDARD).read_bytes() == CONTENT
    assert network.requests == 0


def test_a_damaged_file_is_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    serve(monkeypatch, Network(CONTENT))
    folder.mkdir(parents=True)
    for damaged in (CONTENT[:-5], file_of({"x": torch.arange(4)})):
        (folder / NAMES[0]).write_bytes(damaged)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert weights_file(None, STANDARD).read_bytes() == CONTENT
        assert "damaged or another file" in caplog.text


def test_without_network_the_alternatives_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, Network(error=urllib.error.URLError("Name or service not known")))
    with pytest.raises(RequestError) as caught:
        inception.load()
    for part in (
        str(folder),
        "Name or service not known",
        "evaluate.weights: PATH",
        "evaluate.extractor: efficientnet_lite0",
    ):
        assert part in str(caught.value)
    assert not list(folder.glob("*.pth"))


@pytest.mark.parametrize("change", ["cut", "other", "endless"])
def test_a_wrong_download_is_refused_and_removed(
    folder: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"cut": CONTENT[:-1], "other": b"x" * len(CONTENT), "endless": CONTENT * 50}[change]
    serve(monkeypatch, Network(content))
    with pytest.raises(RequestError, match=f"expected {STANDARD.digest}"):
        weights_file(None, STANDARD)
    assert [path.name for path in folder.iterdir() if not path.name.endswith(".lock")] == []


def test_a_source_that_does_not_end_is_cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Endless(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size)
            return b"x" * (size or 0)

    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Endless())
    with pytest.raises(RequestError, match="what arrived has the SHA-256"):
        weights_file(None, replace(STANDARD, megabytes=0))
    assert asked == [1]
    assert not list(folder.glob("*.pth"))


def test_digest_is_that_of_the_file_name() -> None:
    for name in NAMES:
        assert name.removesuffix(".pth").rsplit("-", 1)[1] == inception.PUBLISHED.digest[:8]
    assert len(inception.PUBLISHED.digest) == 64
