"""The standard Inception weights: found where peers keep them, downloaded once, never believed unchecked."""

import hashlib
import io
import logging
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch

from ganlib.errors import RequestError
from ganlib.metrics.extractors import inception
from ganlib.metrics.extractors.weights import Weights


class Network:
    """Stands in for the network: serves some content, or fails, and counts requests."""

    def __init__(self, content: bytes = b"", error: Exception | None = None) -> None:
        self.content, self.error, self.requests = content, error, 0

    def __call__(self, request: urllib.request.Request, timeout: float) -> io.BytesIO:
        self.requests += 1
        assert request.full_url == inception.URL
        assert request.full_url.startswith("https://")
        assert timeout > 0
        if self.error:
            raise self.error
        return io.BytesIO(self.content)


def file_of(values: dict[str, torch.Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save(values, buffer)
    return buffer.getvalue()


@pytest.fixture
def standard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bytes:
    """A small file in place of the standard weights, and an empty folder of downloads."""
    content = file_of({"x": torch.arange(3)})
    monkeypatch.setattr(inception, "DIGEST", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(inception, "FILE_BYTES", len(content))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "hub" / "checkpoints"


def serve(monkeypatch: pytest.MonkeyPatch, network: Network) -> Network:
    monkeypatch.setattr(urllib.request, "urlopen", network)
    return network


def check(weights: Weights) -> None:
    assert weights.state["x"].tolist() == [0, 1, 2]
    assert weights.digest == inception.DIGEST


def test_downloaded_once(standard: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = serve(monkeypatch, Network(standard))
    check(inception._standard_weights())
    check(inception._standard_weights())
    assert network.requests == 1
    assert (folder / inception.FILE_NAMES[0]).read_bytes() == standard
    assert [path.name for path in folder.iterdir() if path.suffix == ".pth"] == [inception.FILE_NAMES[0]]


@pytest.mark.parametrize("name", inception.FILE_NAMES)
def test_files_of_both_peers_are_used(
    standard: bytes, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = serve(monkeypatch, Network(error=OSError("no network")))
    folder.mkdir(parents=True)
    (folder / name).write_bytes(standard)
    check(inception._standard_weights())
    assert network.requests == 0


def test_a_damaged_file_is_replaced(
    standard: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    serve(monkeypatch, Network(standard))
    folder.mkdir(parents=True)
    for damaged in (standard[:-5], file_of({"x": torch.arange(4)})):
        (folder / inception.FILE_NAMES[0]).write_bytes(damaged)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            check(inception._standard_weights())
        assert "damaged or another file" in caplog.text


@pytest.mark.usefixtures("standard")
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
    standard: bytes, folder: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"cut": standard[:-1], "other": b"x" * len(standard), "endless": standard * 50}[change]
    serve(monkeypatch, Network(content))
    with pytest.raises(RequestError, match=f"expected {inception.DIGEST}"):
        inception._standard_weights()
    assert [path.name for path in folder.iterdir() if not path.name.endswith(".lock")] == []


def test_digest_is_that_of_the_file_name() -> None:
    for name in inception.FILE_NAMES:
        assert name.removesuffix(".pth").rsplit("-", 1)[1] == inception.DIGEST[:8]
    assert len(inception.DIGEST) == 64
