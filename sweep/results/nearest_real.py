"""Find the nearest real picture of each generated one, to see whether the generator copies.

Nearest is by pixels (root mean square, after scaling down), the oldest test of memorisation (Goodfellow et al.
2014, https://arxiv.org/abs/1406.2661, figure 2): it finds copies, not likenesses. The yardstick is how far real
pictures are from their own nearest neighbours. The packed pictures of the sweep are needed, which lie where trials
run. So the driver looks for the winner's neighbours at the end of a sweep and keeps them in its folder as one PNG:
the neighbours in the order of the trial's grid, with the numbers as its text. Where they are not, a report on a
machine with the pictures looks for itself.
"""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from ganlib.data.alpha import on_checks
from ganlib.data.sheet import GAP, grid
from ganlib.errors import RequestError, WorkError
from sweep.records.datasets import Store
from sweep.storage import layout
from sweep.storage.folder import Folder

SIDE = 32
"""Pictures are compared at this size at most: what matters is the whole, not its finest detail."""
YARDSTICKS = 64
"""Real pictures whose own nearest neighbours are looked for."""
_BLOCK_BYTES = 1 << 25
_TEXT = "neighbours"
DRAWN = "drawing made of it"
"""What the rows of a translator's sheet show that are looked at."""
Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Neighbours:
    """Whose pictures were compared, and how near they are to real ones; distances are in levels of 255.

    Attributes:
        trial: Whose pictures.
        kimg: At which evaluation.
        pictures: Real pictures that were looked through.
        distances: Of each generated picture to its nearest real one.
        usual: Of some real pictures to their nearest other one, the median.
    """

    trial: int
    kimg: float
    pictures: int
    distances: list[float]
    usual: float

    @property
    def median(self) -> float:
        """The median of ``distances``."""
        return float(np.median(self.distances))


def nearest(pictures: Pictures, real: Pictures) -> tuple[NDArray[np.int64], list[float], float]:
    """Find the nearest real picture of each generated one.

    Args:
        pictures: Generated, uint8 (n, s, s, 3 or 4); with transparency they are compared on checks, as they are shown.
        real: uint8 (m, s, s, 3 or 4), at least two; may be a memory map. All of it is read once.

    Returns:
        Indices into ``real``; distances; and the median distance of real pictures to their nearest other one.
    """
    own = np.unique(np.linspace(0, len(real) - 1, YARDSTICKS).astype(int))
    queries = np.concatenate([_small(pictures), _small(real[own])])
    best = np.full(len(queries), np.inf, np.float32)
    where = np.zeros(len(queries), np.int64)
    norms = (queries**2).sum(1)
    step = max(1, _BLOCK_BYTES // (real[0].nbytes * 4))
    for start in range(0, len(real), step):
        block = _small(real[start : start + step])
        distance = norms[:, None] + (block**2).sum(1) - 2 * queries @ block.T
        inside = (own >= start) & (own < start + len(block))
        distance[len(pictures) + np.flatnonzero(inside), own[inside] - start] = np.inf  # not itself
        here = distance.argmin(1)
        value = distance[np.arange(len(queries)), here]
        better = value < best
        best[better], where[better] = value[better], start + here[better]
    levels = np.sqrt(np.maximum(best, 0) / queries.shape[1])
    count = len(pictures)
    distances = [round(float(level), 2) for level in levels[:count]]
    return where[:count], distances, round(float(np.median(levels[count:])), 2)


def find(
    trial: int, kimg: float, sheet: Image.Image, real: Pictures, shown: Sequence[str] = ()
) -> tuple[Neighbours, Image.Image]:
    """Find the neighbours of a trial's grid, and arrange them in a grid like it.

    Of a translator's sheet, those of the drawings that it made of photographs.

    Args:
        trial: Whose grid.
        kimg: Of which evaluation.
        sheet: The grid.
        real: The sweep's pictures, uint8 (n, s, s, 3 or 4).
        shown: What each row of the grid shows; empty where all show the like.

    Raises:
        ValueError: if the grid is not one of pictures of that size.
    """
    cols = (sheet.width - GAP) // (real.shape[1] + GAP)
    pictures = cut(sheet, real.shape[1])
    rows = compared(shown, len(pictures) // cols)
    pictures = pictures.reshape(-1, cols, *pictures.shape[1:])[rows].reshape(-1, *pictures.shape[1:])
    where, distances, usual = nearest(pictures, real)
    return Neighbours(trial, kimg, len(real), distances, usual), grid(np.ascontiguousarray(real[where]), cols)


def compared(shown: Sequence[str], rows: int) -> list[int]:
    """List the rows of a grid whose pictures are compared: all, but of a translator's those of its drawings.

    Args:
        shown: What each row shows, such as a class; empty where all show the like.
        rows: How many there are.
    """
    drawings = [row for row, words in enumerate(shown[:rows]) if words == DRAWN]
    return drawings or list(range(rows))


def of_samples(
    folder: Folder, data_hash: str, trial: int, kimg: float
) -> tuple[Neighbours, Image.Image] | None:
    """Find the neighbours of a trial's samples on record among the packed pictures of this machine.

    Args:
        folder: Of the sweep.
        data_hash: Of the sweep's pictures.
        trial: Whose samples.
        kimg: Of which evaluation.

    Returns:
        None if the samples are not there, this machine has not got the pictures, or they are of another size.
    """
    real = packed(data_hash)
    if real is None:
        return None
    try:
        data = folder.read(layout.grid(trial, kimg))
        with Image.open(BytesIO(data), formats=("PNG",)) as sheet:
            return find(trial, kimg, sheet, real, shown_in(Store(folder), trial, kimg))
    except (WorkError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def shown_in(store: Store, trial: int, kimg: float) -> list[str]:
    """Look up what the rows of a trial's grid show; empty where all show the like."""
    rows = (row for row in store.part("samples", trial) if row["kimg"] == kimg)
    return next((json.loads(row["shown"]) for row in rows if row.get("shown")), [])


def keep(folder: Folder, data_hash: str, trial: int, kimg: float) -> None:
    """Write the neighbours of a trial's samples into the sweep's folder, where that can be: nobody waits for them."""
    if found := of_samples(folder, data_hash, trial, kimg):
        with contextlib.suppress(WorkError):
            write(folder, *found)


def write(folder: Folder, neighbours: Neighbours, sheet: Image.Image) -> None:
    """Keep what `find` found in the sweep's folder.

    Raises:
        WorkError: if it cannot be written.
    """
    note = PngImagePlugin.PngInfo()
    note.add_text(_TEXT, json.dumps(asdict(neighbours)))
    buffer = BytesIO()
    sheet.save(buffer, "PNG", pnginfo=note)
    folder.write(layout.NEAREST_REAL, buffer.getvalue())


def read(folder: Folder) -> tuple[Neighbours, Image.Image] | None:
    """Read what `write` kept; None if there is nothing, or nothing readable."""
    try:
        with Image.open(BytesIO(folder.read(layout.NEAREST_REAL)), formats=("PNG",)) as picture:
            note = json.loads(getattr(picture, "text", {})[_TEXT])
            return Neighbours(**note), picture.convert("RGB")
    except (WorkError, OSError, ValueError, KeyError, TypeError, SyntaxError, Image.DecompressionBombError):
        return None


def packed(data_hash: str) -> Pictures | None:
    """Open the packed pictures with a hash, memory-mapped; None if this machine has not got them."""
    from ganlib.data import cache_dir, open_set

    try:
        notes = sorted((cache_dir() / "data").glob("*.json"))
    except (RequestError, OSError):
        return None
    for note in notes:
        images = open_set(note.with_suffix(".npy"))
        if images is not None and images.hash == data_hash:
            return images.pictures
    return None


def cut(sheet: Image.Image, size: int) -> Pictures:
    """Cut a grid of `ganlib.data.sheet.grid` into its pictures, uint8 (n, size, size, 3).

    Raises:
        ValueError: if it is not such a grid.
    """
    (cols, right), (rows, below) = (divmod(side - GAP, size + GAP) for side in sheet.size)
    if right or below or cols < 1 or rows < 1:
        raise ValueError(f"a sheet of {sheet.width} x {sheet.height} is no grid of pictures of {size} px")
    array = np.asarray(sheet.convert("RGB"))
    return np.stack(
        [
            array[top : top + size, left : left + size]
            for top in range(GAP, GAP + rows * (size + GAP), size + GAP)
            for left in range(GAP, GAP + cols * (size + GAP), size + GAP)
        ]
    )


def _small(pictures: Pictures) -> Floats:
    """Scale pictures down by an integer factor, to float32 (n, values)."""
    pictures = on_checks(pictures)
    count, size = pictures.shape[:2]
    factor = max(1, size // SIDE)
    kept = size // factor * factor
    blocks = pictures[:, :kept, :kept].reshape(count, kept // factor, factor, kept // factor, factor, 3)
    return np.asarray(blocks.mean((2, 4), dtype=np.float32).reshape(count, -1))
