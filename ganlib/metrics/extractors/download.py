"""Find weights that are published: where PyTorch keeps downloads, or downloaded once, and checked."""

import contextlib
import hashlib
import http.client
import logging
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch
from filelock import FileLock

from ganlib.disk import passing
from ganlib.errors import RequestError
from ganlib.metrics.extractors.weights import file_digest
from ganlib.names import EXTRACTORS

TIMEOUT_SECONDS = 30

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """A weights file that is published.

    Attributes:
        url: Its address.
        digest: SHA-256 (hex) of the file, or what is published of its beginning.
        megabytes: About its size, in units of 10^6 bytes; what is a tenth larger is not read to its end.
        names: Under which names it may lie where PyTorch keeps downloads; under the first it is written. By default
            the end of its address.
    """

    url: str
    digest: str
    megabytes: int
    names: tuple[str, ...] = ()

    @property
    def known_as(self) -> tuple[str, ...]:
        """List the names under which the file may lie, the preferred one first."""
        return self.names or (self.url.rsplit("/", 1)[1],)


def weights_file(
    given: str | None,
    published: Published,
    key: str = "evaluate.weights",
    network_key: str = "evaluate.extractor",
) -> Path:
    """Return the given file, or the published one; of processes that ask at once, one downloads it.

    Args:
        given: A local file, which is not looked at.
        published: What is taken without one.
        key: The key of a spec that gives a local file, for the error's text.
        network_key: The key of a spec that chooses the network, for the error's text.

    Raises:
        RequestError: if the published file is not there and cannot be downloaded.
    """
    if given is not None:
        return Path(given)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    target = folder / published.known_as[0]
    try:
        if kept := _kept(folder, published):
            return kept
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            kept = _kept(folder, published)
            if kept is None:
                _download(published, target)
    except (OSError, NotImplementedError, http.client.HTTPException) as error:
        installed = next(name for name, entry in EXTRACTORS.items() if entry.weights == "installed")
        raise RequestError(
            f"the weights '{target.name}' are not in '{folder}' and could not be downloaded from {published.url} "
            f"({error}); give a local file as {key}: PATH, set TORCH_HOME to a folder that has them or can "
            f"be written, or use the weights that are installed with {network_key}: {installed}"
        ) from None
    return kept or target


def _kept(folder: Path, published: Published) -> Path | None:
    """Find the file, with the right digest, under one of its names."""
    for path in (folder / name for name in published.known_as):
        if not path.is_file():
            continue
        with contextlib.suppress(RequestError):
            if file_digest(path).startswith(published.digest):
                return path
        logger.warning("'%s' is damaged or another file than its name says: not used", path)
    return None


def _download(published: Published, target: Path) -> None:
    """Download a file, which appears under its name only when its digest is right."""
    request = urllib.request.Request(published.url, headers={"User-Agent": "ganlib"})
    logger.info("downloading weights (%d MB) to '%s'", published.megabytes, target)
    with (
        urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response,
        passing(target, ".part") as part,
        open(part, "xb") as file,
    ):
        digest = _copy(response, file, published.megabytes * 1_100_000)
        if not digest.startswith(published.digest):
            raise OSError(f"what arrived has the SHA-256 {digest}, expected {published.digest}")
        file.flush()
        os.fsync(file.fileno())
        os.replace(part, target)


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> str:
    """Copy to the end and return the SHA-256; a source longer than ``most`` bytes is cut off, and its digest wrong."""
    digest = hashlib.sha256()
    left = most + 1
    while left > 0 and (chunk := source.read(min(1 << 20, left))):
        digest.update(chunk)
        target.write(chunk)
        left -= len(chunk)
    return digest.hexdigest()
