"""Bring the sets of a sweep's pictures to machines that do not have them, by content, in pieces that can be resumed.

The driver writes down what the sets consist of (`write`), so that any process of its machine opens them without looking
at their sources (`known`). Another machine asks for that description and for the files it lacks (`receive`), whatever
the way they travel; it opens them in the same manner. Everything is in the cache, and can be made again.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from ganlib.data.cache import ImageSet, cache_dir, open_set, verify
from ganlib.data.labels.classes import Classes
from ganlib.disk import write_whole
from ganlib.domains.edges import edge_promoted
from ganlib.domains.sets import TrainingSets
from ganlib.domains.travel import Read, fetch
from ganlib.errors import WorkError

FOLDER, DESCRIPTION, LANDMARKS = "kits", "kit.json", "landmarks.npy"
DRAWINGS, PHOTOS = "data", "photos"


@dataclass(frozen=True)
class Kit:
    """The files of the sets with one hash, on this machine.

    Attributes:
        folder: With the description, and the files that belong to it alone.
        told: The description, as plain values.
    """

    folder: Path
    told: Mapping[str, Any]

    @property
    def files(self) -> Iterator[tuple[str, Path]]:
        """List all files, without the description, by their names in a kit; the packed pictures last."""
        small, large = [], []
        for side, facts in self.told["sides"].items():
            pictures = self.folder.parent.parent / facts["path"]
            small.append((f"{side}.json", pictures.with_suffix(".json")))
            large.append((f"{side}.npy", pictures))
            if facts["classes"] is not None:
                small.append((f"{side}.classes.npy", self.folder / f"{side}.classes.npy"))
        if self.told["landmarks"]:
            small.append((LANDMARKS, self.folder / LANDMARKS))
        yield from (*small, *large)


def write(sets: TrainingSets, cache: Path | None = None) -> None:
    """Write down what the sets consist of, which are packed in the cache.

    Raises:
        OSError: if the cache cannot be written.
    """
    cache = cache or cache_dir()
    folder = cache / FOLDER / sets.hash
    folder.mkdir(parents=True, exist_ok=True)
    sides = {}
    for side, images in sets.sides:
        packed = open_set(images.path)
        if packed is None or not images.path.is_relative_to(cache):
            return  # nothing that lasts
        classes = images.classes
        if classes is not None:
            _save(folder / f"{side}.classes.npy", classes.of)
        sides[side] = {
            "path": images.path.relative_to(cache).as_posix(),
            "hash": packed.hash,
            "bytes": images.path.stat().st_size,
            "classes": list(classes.names) if classes else None,
        }
    if sets.landmarks is not None:
        _save(folder / LANDMARKS, sets.landmarks)
    told = {"sides": sides, "landmarks": sets.landmarks is not None}
    write_whole(folder / DESCRIPTION, json.dumps(told).encode())


def find(digest: str, cache: Path | None = None) -> Kit | None:
    """Find the description of the sets with a hash on this machine; None where there is none."""
    folder = (cache or cache_dir()) / FOLDER / digest
    try:
        return Kit(folder, json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def known(digest: str, edges: bool = False, cache: Path | None = None) -> TrainingSets | None:
    """Open the sets with a hash without looking at their sources; None where this machine does not have them.

    Args:
        digest: As `TrainingSets.hash`.
        edges: Whether drawings with blurred edges are needed; they are made of the drawings where they are not there.
        cache: Where packed sets are kept; `ganlib.data.cache_dir` by default.
    """
    kit = find(digest, cache)
    try:
        if kit is None or not (sides := {side: _open(kit, side) for side in kit.told["sides"]}):
            return None
        landmarks = np.load(kit.folder / LANDMARKS, allow_pickle=False) if kit.told["landmarks"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # damaged, or of another version
    drawings = sides.get(DRAWINGS)
    if drawings is None:
        return None
    sets = TrainingSets(
        drawings, sides.get(PHOTOS), edge_promoted(drawings, cache) if edges else None, landmarks
    )
    return sets if sets.hash == digest else None


def receive(
    digest: str,
    description: bytes,
    read: Read,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Fetch the sets with a hash, of which this machine lacks something; of several processes, one fetches.

    Args:
        digest: As `TrainingSets.hash`.
        description: The content of the file that `write` has written on another machine.
        read: Reads a part of a file there, by its name in the kit.
        cache: Where packed sets are kept; `ganlib.data.cache_dir` by default.
        progress: Called with (done, total), in bytes of packed pictures.

    Raises:
        WorkError: the disk has no room, or what came is not what was sent.
    """
    cache = cache or cache_dir()
    folder = cache / FOLDER / digest
    told = json.loads(description)
    for side, facts in told["sides"].items():
        facts["path"] = f"{FOLDER}/{digest}/{side}.npy"
    kit = Kit(folder, told)
    total = sum(facts["bytes"] for facts in told["sides"].values())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            if known(digest, cache=cache) is not None:
                return
            done = 0
            for name, path in kit.files:
                side = told["sides"].get(name.removesuffix(".npy"))
                size = side["bytes"] if side else None
                fetch(name, path, size, read, partial(_after, progress, done, total))
                done += size or 0
                images = open_set(path) if side else None
                if side and (images is None or images.hash != side["hash"] or not verify(images)):
                    path.unlink(missing_ok=True)
                    raise WorkError(f"{name} of the pictures arrived damaged in {path}: it was removed")
            write_whole(folder / DESCRIPTION, json.dumps(told).encode())
    except OSError as error:
        raise WorkError(
            f"cannot keep the pictures ({total / 2**20:,.0f} MiB) in {folder}: {error.strerror or error}; free some "
            "space there, or set SWEEP_CACHE to another folder"
        ) from None
    if known(digest, cache=cache) is None:
        raise WorkError(f"the pictures that arrived in {folder} are not those of the sweep")


def _after(progress: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _open(kit: Kit, side: str) -> ImageSet:
    facts = kit.told["sides"][side]
    images = open_set(kit.folder.parent.parent / facts["path"])
    if images is None or images.hash != facts["hash"]:
        raise ValueError(side)
    if facts["classes"] is None:
        return images
    of = np.load(kit.folder / f"{side}.classes.npy", allow_pickle=False)
    return images.labelled(Classes(tuple(facts["classes"]), of))


def _save(path: Path, array: np.ndarray) -> None:
    """Write an array whole or not at all."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_whole(path, buffer.getvalue())
