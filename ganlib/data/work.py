"""Fill a packed file with pictures: room is made for them, and worker processes put each where it belongs.

Apart from `ganlib.data.build`, so that a worker does not import the configuration.
"""

import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ganlib.data import pool
from ganlib.data.alpha import RGB, RGBA
from ganlib.data.cache import Partial
from ganlib.data.decode import Background, Picture
from ganlib.errors import WorkError

_STALE_SECONDS = 24 * 3600  # a set in the making is written to every few seconds
_MIN_PER_WORKER = 256  # pictures; for fewer, starting another process takes longer than it saves


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Say what to do where a cache's folder cannot be written.

    Raises:
        WorkError: in place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
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

    def pictures(self, size: int, background: Background, nearest: bool) -> Iterator[Picture | str]:
        """Yield what each input gives: a picture, or why there is none; `Task` says what the arguments mean."""


@dataclass(frozen=True)
class Task:
    """Pictures to make, and where they go.

    Attributes:
        path: The packed file.
        offset: Where in it the first picture of the task begins, in bytes.
        first: The number of that picture in the set.
        chunk: The pictures.
        size: Side of the square in pixels.
        background: What shows through where a picture is transparent; None keeps it so, in a fourth channel.
        nearest: Whether files are resized without averaging.
    """

    path: str
    offset: int
    first: int
    chunk: Chunk
    size: int
    background: Background
    nearest: bool = False

    @property
    def channels(self) -> int:
        """Channels of the pictures, 3 or 4."""
        return RGBA if self.background is None else RGB


def write(task: Task) -> tuple[int, list[tuple[int, str]], Counter[str]]:
    """Make the pictures of a task.

    Returns:
        How many inputs there were, and which of the set's inputs gave no picture, and why; and how many
        pictures had each trait (`ganlib.data.decode.TRAITS`).
    """
    block = np.zeros((len(task.chunk), task.size, task.size, task.channels), np.uint8)
    skipped, traits = [], Counter[str]()
    for index, picture in enumerate(task.chunk.pictures(task.size, task.background, task.nearest)):
        if isinstance(picture, str):
            skipped.append((task.first + index, picture))
        else:
            block[index] = picture.pixels
            traits.update(picture.traits)
    with open(task.path, "r+b") as file:
        file.seek(task.offset)
        file.write(block.data)
    return len(task.chunk), skipped, traits


def fill(
    tasks: Iterable[Task], count: int, workers: int, made: Callable[[int], None]
) -> tuple[list[tuple[int, str]], Counter[str]]:
    """Make all pictures of a set, in processes where that is worth while.

    Args:
        tasks: What there is to do.
        count: How many inputs the tasks have together.
        workers: How many processes at most.
        made: Called with the number of inputs that each task had, when it is done.

    Returns:
        Which of the set's inputs gave no picture, and why; and how many pictures had each trait.
    """
    skipped: list[tuple[int, str]] = []
    traits: Counter[str] = Counter()
    for inputs, bad, seen in pool.run(write, tasks, max(1, min(workers, count // _MIN_PER_WORKER))):
        skipped += bad
        traits += seen
        made(inputs)
    return skipped, traits
