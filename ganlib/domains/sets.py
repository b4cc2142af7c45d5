"""Prepare all sets of pictures that one configuration trains on: drawings, and of translators also photographs."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganlib.config import DataConfig, PhotosConfig
from ganlib.data import ImageSet, drop, open_set, prepare, verify
from ganlib.data.listing import Skipped
from ganlib.domains.edges import edge_promoted, place_of
from ganlib.domains.landmarks import face_squares, names_of, read_landmarks


@dataclass(frozen=True)
class TrainingSets:
    """What one configuration trains on; where there are no photographs, one set of pictures.

    Attributes:
        drawings: The pictures that generators are compared with.
        photos: The pictures that a translator starts from; None for other families.
        edges: The drawings with blurred edges, in their order; None for families that do not train on them.
        landmarks: Points of each photograph, float32 ``(photos, k, 2)``; None where none are given.
    """

    drawings: ImageSet
    photos: ImageSet | None = None
    edges: ImageSet | None = None
    landmarks: np.ndarray | None = None

    def __len__(self) -> int:
        """Count the drawings, of which an epoch shows each once."""
        return len(self.drawings)

    @property
    def sides(self) -> Iterator[tuple[str, ImageSet]]:
        """List the domains by the name of their section."""
        yield "data", self.drawings
        if self.photos is not None:
            yield "photos", self.photos

    @property
    def photo_pictures(self) -> np.ndarray | None:
        """The photographs, uint8 ``(n, size, size, 3)``; None where there are none."""
        return None if self.photos is None else self.photos.pictures

    @property
    def edge_pictures(self) -> np.ndarray | None:
        """The drawings with blurred edges, uint8 ``(n, size, size, 3)``; None where there are none."""
        return None if self.edges is None else self.edges.pictures

    @property
    def hash(self) -> str:
        """Identify the content, SHA-256 in hexadecimal: of one domain its own, of two that of both."""
        if self.photos is None:
            return self.drawings.hash
        parts = [self.drawings.hash, self.photos.hash]
        if self.landmarks is not None:
            parts.append(hashlib.sha256(self.landmarks.tobytes()).hexdigest())
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """List the files of both domains that are left out, and why."""
        return tuple(item for _, images in self.sides for item in images.skipped)

    @property
    def attribution(self) -> str:
        """Name whom to credit, a line each; empty where nobody is known."""
        lines = [line for _, images in self.sides for line in (images.attribution or "").splitlines()]
        return "\n".join(dict.fromkeys(lines))


def prepare_sets(
    data: DataConfig,
    photos: PhotosConfig | None = None,
    edges: bool = False,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    damaged: Callable[[ImageSet], None] | None = None,
) -> TrainingSets:
    """Prepare both domains, each by itself, or find them prepared.

    Args:
        data: The drawings.
        photos: The photographs, or None.
        edges: Whether drawings with blurred edges are needed.
        cache: Where packed sets are kept; `ganlib.data.cache_dir` by default.
        progress: Called with (done, total), in pictures, while something is being prepared.
        damaged: Called with a packed set whose pixels are not those that were written, before it is prepared again.
            Where it is None nobody looks, which saves reading the packed files (0.4 s for 36,000 pictures of 64 px).

    Raises:
        RequestError: As `ganlib.data.prepare`, of either side; or the landmarks cannot be used.
        WorkError: As `ganlib.data.prepare`.
    """

    def whole(make: Callable[[], ImageSet]) -> ImageSet:
        images = make()
        if damaged is None or verify(images):
            return images
        damaged(images)
        drop(images)
        if (blurred := open_set(place_of(images, cache))) is not None:
            drop(blurred)  # it may be of the damaged ones
        return make()

    drawings = whole(lambda: prepare(data, cache, progress=progress))
    blurred = whole(lambda: edge_promoted(drawings, cache)) if edges else None
    if photos is None:
        return TrainingSets(drawings, edges=blurred)
    config = photos.at(data.size)
    taken = whole(lambda: prepare(config, cache, progress=progress))
    points = None
    if photos.landmarks is not None:
        points = read_landmarks(
            photos.landmarks, names_of(config, taken, cache), config.crop, face_squares(taken)
        )
    return TrainingSets(drawings, taken, blurred, points)
