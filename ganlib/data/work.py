"""Make some pictures in a worker process, and put them where they belong in the packed file.

Apart from `ganlib.data.build`, so that a worker imports neither the configuration nor the cache.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ganlib.data.alpha import RGB, RGBA
from ganlib.data.avatars import AvatarChunk
from ganlib.data.decode import Background
from ganlib.data.folder import FileChunk


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
    chunk: AvatarChunk | FileChunk
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
