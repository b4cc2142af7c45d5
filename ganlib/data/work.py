"""Fill a packed file with pictures: room is made for them, and worker processes put each where it belongs.

Apart from `ganlib.data.build`, so that a worker does not import the configuration.
"""

import contextlib
import errno
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from ganlib.data import pool
from ganlib.data.alpha import RGB
from ganlib.data.cache import Partial
from ganlib.data.decode import Picture, Preparation
from ganlib.data.look.fingerprints import Prints
from ganlib.data.look.squares import Box
from ganlib.errors import NO_MEMORY, WorkError

_STALE_SECONDS = 24 * 3600  # a set in the making is written to every few seconds
_MIN_PER_WORKER = 256  # pictures; for fewer, starting another process takes longer than it saves


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Say what to do where a cache's folder cannot be written, or memory runs out while it is.

    Raises:
        WorkError: in place of an `OSError` or a `MemoryError`.
    """
    try:
        yield
    except MemoryError as error:
        raise WorkError(NO_MEMORY) from error
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise WorkError(NO_MEMORY) from error
        raise WorkError(
            f"cannot keep prepared pictures in {folder}: {error.strerror or error}; free some space, or set "
            "the environment variable SWEEP_CACHE to a folder of your own"
        ) from error


@contextmanager
def making(folder: Path, stem: str, count: int, size: int, channels: int = RGB) -> Iterator[Partial]:
    """Give room for a set to whoever holds its lock; what was not committed at the end is removed.

    What processes that were killed left behind is removed first: under this ``stem``, or long untouched.

    Raises:
        WorkError: when the disk has no room for it.
    """
    for left in folder.glob("*.partial"):
        with contextlib.suppress(FileNotFoundError):
            if left.name.startswith(stem) or time.time() - left.stat().st_mtime > _STALE_SECONDS:
                left.unlink()
    partial = Partial(folder / f"{stem}.{uuid.uuid4().hex}.partial", count, size, channels)
    try:
        yield partial
    finally:
        partial.discard()


class Chunk(Protocol):
    """A few inputs of a set, which can be pickled."""

    def __len__(self) -> int:
        """Count the inputs."""

    def pictures(self, how: Preparation) -> Iterator[Picture | str]:
        """Yield what each input gives: a picture, or why there is none."""


@dataclass(frozen=True)
class Task:
    """Pictures to make, and where they go.

    Attributes:
        path: The packed file.
        offset: Where in it the first picture of the task begins, in bytes.
        first: The number of that picture in the set.
        chunk: The pictures.
        how: How they are prepared.
    """

    path: str
    offset: int
    first: int
    chunk: Chunk
    how: Preparation


class Made(NamedTuple):
    """What became of inputs.

    Attributes:
        inputs: How many there were.
        skipped: Which of the set's inputs gave no picture, and why.
        traits: How many pictures had each trait (`ganlib.data.decode.TRAITS`).
        faces: The squares that were taken because a face is there, by the input's number.
        prints: Fingerprints of the pictures.
    """

    inputs: int
    skipped: list[tuple[int, str]]
    traits: Counter[str]
    faces: dict[int, Box]
    prints: Prints


def write(task: Task) -> Made:
    """Make the pictures of a task."""
    assert task.how.size is not None
    block = np.zeros((len(task.chunk), task.how.size, task.how.size, task.how.channels), np.uint8)
    skipped, traits, faces = [], Counter[str](), {}
    sides: dict[int, tuple[int, int]] = {}
    for index, picture in enumerate(task.chunk.pictures(task.how)):
        if isinstance(picture, str):
            skipped.append((task.first + index, picture))
            continue
        block[index] = picture.pixels
        traits.update(picture.traits)
        sides[index] = picture.sides
        if picture.face is not None:
            faces[task.first + index] = picture.face
    with open(task.path, "r+b") as file:
        file.seek(task.offset)
        file.write(block.data)
    made = list(sides)
    prints = Prints.of([task.first + index for index in made], block[made], list(sides.values()))
    return Made(len(task.chunk), skipped, traits, faces, prints)


def fill(tasks: Iterable[Task], count: int, workers: int, made: Callable[[int], None]) -> Made:
    """Make all pictures of a set, in processes where that is worth while.

    Args:
        tasks: What there is to do.
        count: How many inputs the tasks have together.
        workers: How many processes at most.
        made: Called with the number of inputs that each task had, when it is done.
    """
    skipped: list[tuple[int, str]] = []
    traits: Counter[str] = Counter()
    faces: dict[int, Box] = {}
    prints: list[Prints] = []
    for part in pool.run(write, tasks, max(1, min(workers, count // _MIN_PER_WORKER))):
        skipped += part.skipped
        traits += part.traits
        faces |= part.faces
        prints.append(part.prints)
        made(part.inputs)
    return Made(count, skipped, traits, faces, Prints.joined(prints))
