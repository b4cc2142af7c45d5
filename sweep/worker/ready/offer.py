"""What the driver's machine has for the others: packed pictures, weights of extractors, features of real pictures."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ganlib.config import TrialConfig
from ganlib.data import cache_dir
from ganlib.domains import kit
from ganlib.domains.travel import alone, fetch
from ganlib.errors import WorkError
from ganlib.metrics.cache import kept_of

WEIGHTS, FEATURES = "weights", "features"
Progress = Callable[[int, int], None]


class Source(Protocol):
    """Another machine, which has what this one lacks."""

    def told(self) -> dict[str, Any]:
        """Describe what there is; see `Offer.told`."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Read a part of a file."""


class Offer:
    """The files of this machine that others may lack.

    Args:
        data_hash: Of the sweep's pictures.
        weights: Paths of weights that trials read; those that are not there are left out.
    """

    def __init__(self, data_hash: str, weights: Sequence[str | None]) -> None:
        self._hash, self._weights = data_hash, [path for path in weights if path and Path(path).is_file()]

    def told(self) -> dict[str, Any]:
        """Describe what there is.

        Returns:
            ``kit``: the text that describes the pictures, or None; ``weights``: size and SHA-256 by path; ``features``:
            the sizes of files in the cache by name.
        """
        own = kit.find(self._hash)
        sets = kit.known(self._hash)
        hashes = {images.hash for _, images in sets.sides} if sets else set()
        return {
            "kit": json.dumps(own.told) if own else None,
            WEIGHTS: {path: _facts(Path(path)) for path in self._weights},
            FEATURES: {path.name: path.stat().st_size for path in kept_of(cache_dir(), hashes)},
        }

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Read a part of a file that `told` tells of.

        Args:
            name: ``weights:PATH``, ``features:NAME``, or a name in the kit.
            offset: The first byte.
            size: How many; fewer come at the end of the file.
        """
        with self._place(name).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def _place(self, name: str) -> Path:
        kind, _, rest = name.partition(":")
        if kind == WEIGHTS and rest in self._weights:
            return Path(rest)
        if kind == FEATURES and "/" not in rest:
            return cache_dir() / rest
        own = kit.find(self._hash)
        return dict(own.files)[name] if own else Path(name)


def take(source: Source, data_hash: str, config: TrialConfig, progress: Progress) -> None:
    """Fetch whatever this machine lacks for the trials of a sweep; of several processes, one fetches each thing.

    Args:
        source: The machine that has it.
        data_hash: Of the sweep's pictures.
        config: Any configuration of the sweep.
        progress: Called with (done, total), in bytes of packed pictures.

    Raises:
        WorkError: the disk has no room, or what came is not what was sent.
    """
    told = source.told()
    if told["kit"] and kit.known(data_hash) is None:
        kit.receive(data_hash, told["kit"].encode(), source.read, progress=progress)
    for path in weights_of(config):
        if path in told[WEIGHTS] and not Path(path).is_file():
            _take_weights(source, path, told[WEIGHTS][path])
    for name, size in told[FEATURES].items():
        with suppress(OSError):  # they can be computed here as well
            place = cache_dir() / Path(name).name
            with alone(place):
                fetch(f"{FEATURES}:{name}", place, size, source.read)


def _take_weights(source: Source, path: str, facts: Mapping[str, Any]) -> None:
    """Fetch weights whose path means nothing here."""
    place = received(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with alone(place):
            if place.is_file() and _facts(place) != facts:
                place.unlink()  # those of another time
            fetch(f"{WEIGHTS}:{path}", place, facts["size"], source.read)
            if _facts(place) != facts:
                place.unlink()
                raise WorkError(f"the weights {path} arrived damaged in {place}: they were removed")
    except OSError as error:
        raise WorkError(f"cannot keep the weights {path} as {place}: {error.strerror or error}") from None


def weights_of(config: TrialConfig) -> list[str]:
    """List the paths of weights that a configuration names."""
    return [path for path in (config.evaluate.weights, config.train.content_weights) if path]


def received(path: str) -> Path:
    """Say where this machine keeps weights that have another path on the driver's."""
    name = hashlib.sha256(path.encode()).hexdigest()[:32]
    return cache_dir() / WEIGHTS / f"{name}{Path(path).suffix}"


def placed(config: TrialConfig) -> TrialConfig:
    """Name weights by their place on this machine, where they were received."""

    def here(path: str | None) -> str | None:
        there = path is None or Path(path).is_file() or not received(path).is_file()
        return path if there else str(received(path or ""))

    evaluate = config.evaluate.model_copy(update={"weights": here(config.evaluate.weights)})
    train = config.train.model_copy(update={"content_weights": here(config.train.content_weights)})
    return config.model_copy(update={"evaluate": evaluate, "train": train})


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
