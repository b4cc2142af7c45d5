"""Packed sets of pictures on disk: one ``.npy`` file that every trial of a node maps into memory.

An entry is two files in the cache: the pictures, and a small JSON file beside them, written last, which says
that the pictures are complete. Both files are written under temporary names and renamed. An entry whose second
file is missing, or whose first has another length than its header says, does not exist.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ganlib.data.alpha import RGB, RGBA
from ganlib.data.labels.classes import Classes
from ganlib.data.listing import Skipped
from ganlib.data.look.seen import Look
from ganlib.data.packed import blocks, claim, header, shape_of
from ganlib.data.telling import Found
from ganlib.disk import write_whole
from ganlib.errors import RequestError, WorkError


@dataclass(frozen=True)
class ImageSet:
    """A packed set of prepared pictures.

    Attributes:
        path: A ``.npy`` file, uint8, shape (n, size, size, c): 1 grey, 3 RGB, or 4 RGBA.
        hash: SHA-256, in hexadecimal, of the shape and the pixels, of which are alike where some are, and of the
            classes where there are some; equal pictures have equal hashes.
        skipped: Files that are not in the set, and why.
        attribution: Who made the avatar styles in the set, and their licences, a line each; None without.
        traits: How many pictures had each of `ganlib.data.decode.TRAITS`.
        found: What the sources hold beside; empty unless `prepare` made this.
        transparent: How many pictures have a pixel that is not opaque; 0 without alpha.
        look: What was seen of the pictures when they were prepared.
        classes: The class of each picture; None where the pictures have no labels. They are not in the cache, because
            they follow from the names of the files, and one packed file serves with and without labels.
    """

    path: Path
    hash: str
    skipped: tuple[Skipped, ...] = ()
    attribution: str | None = None
    traits: Mapping[str, int] = field(default_factory=dict)
    found: Found = field(default_factory=Found)
    transparent: int = 0
    look: Look = field(default_factory=Look)
    classes: Classes | None = None

    def labelled(self, classes: Classes) -> "ImageSet":
        """Give the set with the classes of its pictures."""
        return replace(self, hash=_with_classes(self.hash, classes), classes=classes)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """List the groups of pictures that are alike, as positions in ``pictures``; none where one of each is kept."""
        return self.look.rows

    @cached_property
    def pictures(self) -> "np.memmap[Any, np.dtype[np.uint8]]":
        """The pictures, mapped read-only: uint8, shape (n, size, size, c)."""
        return cast(
            "np.memmap[Any, np.dtype[np.uint8]]", np.load(self.path, mmap_mode="r", allow_pickle=False)
        )

    @property
    def size(self) -> int:
        """Side of the square pictures in pixels."""
        return int(self.pictures.shape[1])

    def __len__(self) -> int:
        return len(self.pictures)

    def __getstate__(self) -> dict[str, Any]:
        # The map is opened again where the set arrives; pickling it would copy every pixel.
        return {name: value for name, value in self.__dict__.items() if name != "pictures"}


def cache_dir() -> Path:
    """Make the folder for everything that can be made again: ``$SWEEP_CACHE``, or ``~/.cache/sweep``.

    Raises:
        RequestError: when it cannot be created.
    """
    named = os.environ.get("SWEEP_CACHE", "").strip()
    try:
        path = Path(named or "~/.cache/sweep").expanduser()
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise RequestError(
            f"cannot create the cache folder '{named or '~/.cache/sweep'}': {error};"
            " set the environment variable SWEEP_CACHE to a folder that can be written"
        ) from error
    return path


def open_set(path: Path) -> ImageSet | None:
    """Open a packed set, or return None when there is no complete one at ``path``.

    The entry numbers the skipped files; they have names only where they were found, so `prepare` adds them.
    """
    note = _note(path)
    if note is None or shape_of(path) is None:
        return None
    return ImageSet(
        path,
        note["hash"],
        (),
        note["attribution"],
        note["traits"],
        transparent=note["transparent"],
        look=note["look"],
    )


def skipped_in(path: Path) -> list[tuple[int, str]]:
    """List the inputs of a packed set, counted from 0, that gave no picture, and why."""
    note = _note(path) or {"skipped": []}
    return [(int(index), str(reason)) for index, reason in note["skipped"]]


def verify(images: ImageSet) -> bool:
    """Tell whether the pixels on disk still have the set's hash; the whole file is read."""
    if shape_of(images.path) is None:
        return False
    found = _hash(np.load(images.path, mmap_mode="r"), images.groups)
    return (found if images.classes is None else _with_classes(found, images.classes)) == images.hash


def drop(images: ImageSet) -> None:
    """Remove a set from the cache, so that `prepare` makes it again. Processes that have the set mapped keep it."""
    images.path.with_suffix(".json").unlink(missing_ok=True)
    images.path.unlink(missing_ok=True)


class Partial:
    """A packed set in the making: room for ``count`` pictures, filled from any process, in any order.

    Pictures have ``size`` x ``size`` pixels of ``channels`` bytes.

    Raises:
        WorkError: when the disk has no room for it.
    """

    def __init__(self, path: Path, count: int, size: int, channels: int = RGB) -> None:
        self.path = path
        self._shape = (count, size, size, channels)
        self.offset = len(header(self._shape))
        self.picture_bytes = size * size * channels
        total = self.offset + count * self.picture_bytes
        try:
            with open(path, "xb") as file:
                claim(file.fileno(), total)
        except OSError as error:
            self.discard()
            raise WorkError(
                f"cannot store the packed pictures ({total / 2**20:,.0f} MiB) in {path.parent}:"
                f" {error.strerror or error}; free some space, or set SWEEP_CACHE to another folder"
            ) from error

    def commit(
        self,
        path: Path,
        skipped: Sequence[tuple[int, str]],
        attribution: str | None,
        traits: Mapping[str, int],
        look: Look | None = None,
    ) -> ImageSet:
        """Close the gaps that pictures which are left out make, and make the set an entry of the cache at ``path``.

        Raises:
            WorkError: when what was written cannot be read back.
        """
        look = look or Look()
        kept = self._close_gaps({index for index, _ in skipped} | set(look.left_out))
        shape = (kept, *self._shape[1:])
        with open(self.path, "r+b") as file:
            file.write(header(shape))
            file.truncate(self.offset + kept * self.picture_bytes)
            file.flush()
            os.fsync(file.fileno())
        pictures = np.load(self.path, mmap_mode="r")
        note = {
            "hash": _hash(pictures, look.rows),
            "shape": shape,
            "skipped": list(skipped),
            "attribution": attribution,
            "traits": dict(traits),
            "transparent": _transparent(pictures),
            "look": look.plain(),
        }
        # Without its note an entry does not exist: an old note must not vouch for new pictures.
        path.with_suffix(".json").unlink(missing_ok=True)
        os.replace(self.path, path)
        write_whole(path.with_suffix(".json"), json.dumps(note, ensure_ascii=True).encode())
        images = open_set(path)
        if images is None:
            raise WorkError(f"the pictures written to {path} cannot be read back; is the disk sound?")
        return images

    def discard(self) -> None:
        """Remove what is left of the set in the making."""
        self.path.unlink(missing_ok=True)

    def _close_gaps(self, gaps: set[int]) -> int:
        if not gaps:
            return self._shape[0]
        # Plain reads and writes: on a full disk a write through a map ends the process.
        target = min(gaps)
        with open(self.path, "r+b") as file:
            for index in range(target, self._shape[0]):
                if index in gaps:
                    continue
                file.seek(self.offset + index * self.picture_bytes)
                picture = file.read(self.picture_bytes)
                file.seek(self.offset + target * self.picture_bytes)
                file.write(picture)
                target += 1
        return target


def _note(path: Path) -> dict[str, Any] | None:
    """Read the JSON file of an entry; None when the file is missing or not what was written."""
    try:
        note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if tuple(note["shape"]) != shape_of(path) or len(note["hash"]) != 64:
            return None
        return {
            "hash": str(note["hash"]),
            "skipped": list(note["skipped"]),
            "attribution": note["attribution"],
            "traits": {str(name): int(count) for name, count in note.get("traits", {}).items()},
            "transparent": int(note.get("transparent", 0)),  # older entries are all RGB
            "look": Look.read(note.get("look", {})),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _hash(pictures: NDArray[np.uint8], groups: tuple[tuple[int, ...], ...]) -> str:
    # Which pictures are alike decides what is held out for the floor: it is a part of the data.
    alike = repr(groups) if groups else ""
    digest = hashlib.sha256((repr(tuple(int(side) for side in pictures.shape)) + alike).encode())
    for block in blocks(pictures):
        digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()


def _with_classes(digest: str, classes: Classes) -> str:
    return hashlib.sha256(f"{digest} {classes.digest()}".encode()).hexdigest()


def _transparent(pictures: NDArray[np.uint8]) -> int:
    if pictures.shape[3] != RGBA:
        return 0
    return sum(int((block[..., RGB:] < 255).any((1, 2, 3)).sum()) for block in blocks(pictures))
