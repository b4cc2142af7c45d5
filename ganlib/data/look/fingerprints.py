"""Take the fingerprints of prepared pictures: a digest of the pixels, and the mean colours of an 8 x 8 grid.

The grid is a perceptual hash that is not reduced to signs: those of a cosine transform (pHash) are as near between
two faces of one style as between a picture and its copy, so that no threshold would tell them apart; see
docs/pictures.md for what was measured.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ganlib.data.alpha import RGB, RGBA

GRID = 8
"""Cells along the side of a picture."""
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class Prints:
    """Fingerprints of some pictures of a set.

    Attributes:
        inputs: int64 (n,), the number that each picture has among the set's inputs.
        digests: Digest of the pixels of each, BLAKE2b, 16 bytes.
        cells: uint8 (n, GRID * GRID * c), the mean level in each cell, of each channel; with alpha colours are
            multiplied by it.
        sides: int32 (n, 2), width and height in pixels of the whole picture as it is seen; 0 where it was drawn.
    """

    inputs: NDArray[np.int64]
    digests: tuple[bytes, ...]
    cells: NDArray[np.uint8]
    sides: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.inputs)

    @classmethod
    def of(
        cls, inputs: Sequence[int], pictures: NDArray[np.uint8], sides: Sequence[tuple[int, int]]
    ) -> "Prints":
        """Take the fingerprints of pictures, uint8 (n, s, s, c), as they are prepared."""
        digests = (hashlib.blake2b(picture.tobytes(), digest_size=_DIGEST_BYTES) for picture in pictures)
        return cls(
            np.array(inputs, np.int64),
            tuple(digest.digest() for digest in digests),
            cells(pictures),
            np.array(sides, np.int32).reshape(-1, 2),
        )

    @classmethod
    def joined(cls, parts: Iterable["Prints"]) -> "Prints":
        """Join the fingerprints of parts of a set, in the order of its inputs; no parts give none."""
        parts = list(parts)
        if not parts:
            return cls.of([], np.zeros((0, GRID, GRID, RGB), np.uint8), [])
        inputs = np.concatenate([part.inputs for part in parts])
        order = np.argsort(inputs, kind="stable")
        digests = [digest for part in parts for digest in part.digests]
        return cls(
            inputs[order],
            tuple(digests[place] for place in order),
            np.concatenate([part.cells for part in parts])[order],
            np.concatenate([part.sides for part in parts])[order],
        )


def cells(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compute the mean levels of a grid of cells, uint8 (n, GRID * GRID * c), of pictures uint8 (n, s, s, c)."""
    levels = pictures.astype(np.float32)
    if levels.shape[3] == RGBA:
        levels[..., :RGB] *= levels[..., RGB:] / 255
    shares = _shares(pictures.shape[1])
    rows = np.tensordot(levels, shares, (1, 1))  # (n, s, c, GRID): summed axes go, new ones come last
    means = np.tensordot(rows, shares, (1, 1)).transpose(0, 2, 3, 1)
    return means.round().clip(0, 255).astype(np.uint8).reshape(len(pictures), GRID**2 * pictures.shape[3])


@lru_cache(8)
def _shares(side: int) -> NDArray[np.float32]:
    """Say how much of each cell every pixel along a side is: float32 (GRID, side), rows that add up to 1."""
    edges = np.arange(GRID + 1)[:, None] * side / GRID
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return (overlap.clip(0) * GRID / side).astype(np.float32)
