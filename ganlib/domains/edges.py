"""Blur the edges of drawings: what CartoonGAN's discriminator learns to tell from drawings, whose edges are clear.

Chen, Lai & Liu, "CartoonGAN: Generative Adversarial Networks for Photo Cartoonization", 2018, section 3.2.1: edges are
found, the region of the edges is dilated, and in it the picture is smoothed.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ganlib import cores
from ganlib.data.cache import ImageSet, cache_dir, open_set
from ganlib.data.decode import Picture, Preparation
from ganlib.data.telling import PictureProgress, Progress
from ganlib.data.work import Task, fill, kept_in, making

PROCEDURE = 1
"""Version of the procedure: raised whenever a drawing would give other pixels than before."""

SIDE = 64
"""The side, in pixels, for which the lengths below are stated; at another one they grow with the square root of it."""
EDGE_SIGMA = 0.7
"""Standard deviation, in pixels at 64 px, of the smoothing before edges are looked for."""
LOW, HIGH = 0.2, 0.4
"""Thresholds of Canny's method on the Sobel gradient of grey levels from 0 to 1, at every size: where levels jump by 33
of 255 an edge begins, and it goes on as long as they jump by 16."""
RADIUS = 2.0
"""How far around an edge the picture is smoothed, in pixels at 64 px, rounded at others: 1, 2, 3, 4 at 32, 64, 128, 256
px."""
SIGMA = 1.0
"""Standard deviation of that smoothing, in pixels at 64 px: 0.7, 1, 1.4, 2 at 32, 64, 128, 256 px."""

_CHUNK = 32  # pictures in one task, as in `ganlib.data.sources`
_OPAQUE = (255, 255, 255)  # drawings have no alpha: nothing shows through


def promote(drawing: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Smooth a drawing around its edges; every pixel elsewhere stays as it is, to the bit.

    Edges are found by Canny's method on the grey picture (``LOW``, ``HIGH``, after smoothing with ``EDGE_SIGMA``),
    dilated by a disc of ``RADIUS``, and a Gaussian of ``SIGMA`` is laid on the colours there. The paper works on 256 px
    and names no numbers; these were chosen by eye on avatars of 64 and 128 px, so that lines are soft and faces still
    those faces. Scaled down with the side from what suits 256 px nothing would be blurred at 64, where a line is a
    pixel wide; hence the square root.

    Args:
        drawing: uint8, shape (s, s, 3), RGB.

    Returns:
        uint8, shape (s, s, 3).
    """
    from skimage.color import rgb2gray
    from skimage.feature import canny
    from skimage.filters import gaussian
    from skimage.morphology import dilation, disk

    scale = (len(drawing) / SIDE) ** 0.5
    radius = round(RADIUS * scale)
    # Canny finds no edge in the outermost pixels: the picture is continued beyond them.
    grey = np.pad(rgb2gray(drawing), radius, mode="edge")
    edges = canny(grey, EDGE_SIGMA * scale, LOW, HIGH)
    region = dilation(edges, disk(radius))[radius:-radius, radius:-radius]
    smooth = gaussian(drawing.astype(np.float64), SIGMA * scale, channel_axis=-1)
    return np.where(region[..., None], smooth.round().astype(np.uint8), drawing)


def promoted(drawings: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Apply `promote` to every picture of an array, uint8, shape (n, s, s, 3), in this process."""
    return np.stack([promote(drawing) for drawing in drawings])


@dataclass(frozen=True)
class EdgeChunk:
    """Drawings ``start`` to ``stop`` of the packed file at ``path``: what a worker is asked to blur."""

    path: str
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def pictures(self, how: Preparation) -> Iterator[Picture]:
        """Yield every drawing with blurred edges, at its own size."""
        for drawing in np.load(self.path, mmap_mode="r")[self.start : self.stop]:
            yield Picture(promote(np.asarray(drawing)))


def place_of(images: ImageSet, cache: Path | None = None) -> Path:
    """Name the file that has, or will have, the drawings of a prepared set with blurred edges."""
    key = hashlib.sha256(f"edges {PROCEDURE} {images.hash}".encode()).hexdigest()
    return (cache if cache is not None else cache_dir()) / "data" / f"{key}.npy"


def edge_promoted(
    images: ImageSet,
    cache: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """Blur the edges of all drawings of a prepared set once, and keep them as a set of their own.

    Any number of processes may ask at once: the first makes the set, the others wait for it. A set that is missing or
    damaged is made anew.

    Args:
        images: The drawings, RGB.
        cache: Where packed sets are kept; `ganlib.data.cache_dir` by default.
        workers: How many processes blur; the cores this process may use by default.
        progress: Called with (done, total), in pictures, while the set is being made.

    Returns:
        As many pictures, in the drawings' order.

    Raises:
        WorkError: when the cache cannot be written.
    """
    path = place_of(images, cache)
    folder = path.parent
    with kept_in(folder):
        if (found := open_set(path)) is not None:
            return found
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if (found := open_set(path)) is not None:
                return found
            report = PictureProgress(progress, len(images), 0)
            with making(folder, path.stem, len(images), images.size) as partial:
                tasks = (
                    Task(
                        str(partial.path),
                        partial.offset + start * partial.picture_bytes,
                        start,
                        EdgeChunk(str(images.path), start, min(start + _CHUNK, len(images))),
                        Preparation(images.size, _OPAQUE),
                    )
                    for start in range(0, len(images), _CHUNK)
                )
                fill(tasks, len(images), workers or cores.available(), report.step)
                return partial.commit(path, [], images.attribution, {})
