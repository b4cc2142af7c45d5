"""Read and write landmarks: points such as eyes and mouth, of every photograph that a translator starts from.

A Parquet file has a row for each picture and these columns, whatever else it has:

- ``picture``: its name (`name_of`): the file's path relative to the folder that is the source, with ``/`` between
  folders; of an avatar its number, counted from 0, as text.
- ``width``, ``height``: of the whole picture in pixels, as it is seen (turned as its EXIF data says).
- ``x0``, ``y0``, ``x1``, ``y1``, ...: the points, as shares of that width from the left and of that height from the
  top, 0 to 1; null or NaN where one is missing. Every picture has the same points in the same order.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganlib.config import DataConfig
from ganlib.data.cache import ImageSet
from ganlib.data.listing import File, matched, printable
from ganlib.data.look.squares import Box, Crop, square
from ganlib.data.sources import open_sources
from ganlib.errors import RequestError, WorkError

Point = tuple[float, float]
_FRAME = ("picture", "width", "height")
_EXAMPLES = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PicturePoints:
    """The landmarks of one picture.

    Attributes:
        picture: Its name.
        width: Of the whole picture, in pixels.
        height: Of the whole picture, in pixels.
        points: x from the left and y from the top, as shares of width and height; None where one is missing.
    """

    picture: str
    width: int
    height: int
    points: Sequence[Point | None]


def name_of(file: File) -> str:
    """Name a picture file as landmarks do: its path relative to its source, with ``/`` between folders."""
    return printable(os.fsdecode(file.relative)).replace(os.sep, "/")


def names_of(config: DataConfig, images: ImageSet, cache: Path | None = None) -> list[str]:
    """List the names of the pictures of a prepared set, in its order; those that gave no picture are left out.

    Args:
        config: What the set was prepared from.
        images: The set.
        cache: Where objects of buckets are kept; `ganlib.data.cache_dir` by default.

    Raises:
        RequestError: when a source does not exist any more.
        WorkError: when there are other files by now than those in the set.
    """
    names: list[str] = []
    for source in open_sources(config, cache):
        drawn = source.avatars is not None
        names += map(str, range(len(source))) if drawn else map(name_of, source.files)
    missing = {*images.look.skipped, *images.look.left_out}
    names = [name for index, name in enumerate(names) if index not in missing]
    if len(names) != len(images):
        raise WorkError(
            f"{config.section}.source: {len(names)} pictures are there, but {len(images)} were prepared; "
            "start again when no files come or go"
        )
    return names


def face_squares(images: ImageSet) -> dict[int, Box]:
    """List the squares that were cut out of pictures because a face is there, by their position in a prepared set."""
    missing = {*images.look.skipped, *images.look.left_out}
    inputs = [index for index in range(len(images) + len(missing)) if index not in missing]
    return {row: box for row, index in enumerate(inputs) if (box := images.look.faces.get(index))}


def read_landmarks(
    path: str | Path, names: Sequence[str], crop: Crop = "center", faces: Mapping[int, Box] | None = None
) -> NDArray[np.float32]:
    """Read the landmarks of a set's pictures, as places in the square that is made of each.

    Points are moved as the square is cut out (`ganlib.data.look.squares`); one that was cut off lies outside of 0 to 1.
    A warning counts pictures without a row.

    Args:
        path: A Parquet file, as the module's text says.
        names: The pictures, as `names_of` lists them.
        crop: Which square is made of a picture without a face.
        faces: The squares around faces, as `face_squares` lists them.

    Returns:
        float32 (n, k, 2), x and then y, as shares of the square's side; NaN where a point or a row is missing.

    Raises:
        RequestError: when the file cannot be read, lacks a column, has a value of another kind, names a picture twice,
            or has no row of any of the pictures, or two pictures have one name.
    """
    table = _Table.read(Path(path).expanduser())
    rows = {name: row for row, name in enumerate(table.pictures)}
    names = matched(names, rows)
    several = [name for name, count in Counter(names).items() if count > 1]
    if several:
        raise RequestError(
            f"photos.landmarks: {len(several)} names belong to more than one picture, such as '{several[0]}'; give "
            "one folder that holds all pictures under names of their own as photos.source"
        )
    found = [(index, rows[name]) for index, name in enumerate(names) if name in rows]
    if not found:
        raise RequestError(
            f"photos.landmarks: no row of '{path}' belongs to a picture of photos.source; its column picture has "
            f"{_some(table.pictures)}, and the pictures are {_some(names)}"
        )
    if len(found) < len(names):
        lacking = [name for name in names if name not in rows]
        logger.warning(
            "%d of %d pictures have no landmarks in '%s': %s", len(lacking), len(names), path, _some(lacking)
        )
    points = np.full((len(names), *table.points.shape[1:]), np.nan, np.float32)
    here, there = np.array(found).T
    chosen = {row: faces[index] for index, row in found if index in faces} if faces else {}
    points[here] = table.in_square(crop, chosen)[there]
    return points


def write_landmarks(path: str | Path, pictures: Iterable[PicturePoints]) -> None:
    """Write a file that `read_landmarks` reads.

    Raises:
        ValueError: when there is no picture, or one has another number of points than the first.
        OSError: when the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(pictures)
    if not rows:
        raise ValueError("no picture has landmarks: nothing is written")
    counts = {len(row.points) for row in rows}
    if len(counts) > 1 or counts == {0}:
        raise ValueError(
            f"every picture must have the same number of points, at least one; these have {sorted(counts)}"
        )
    columns: dict[str, Any] = {"picture": pa.array([row.picture for row in rows], pa.string())}
    for key in ("width", "height"):
        columns[key] = pa.array([getattr(row, key) for row in rows], pa.int32())
    for number in range(counts.pop()):
        for axis, letter in enumerate("xy"):
            values = [None if (point := row.points[number]) is None else point[axis] for row in rows]
            columns[f"{letter}{number}"] = pa.array(values, pa.float64())
    pq.write_table(pa.table(columns), path)


@dataclass(frozen=True)
class _Table:
    """What a file holds.

    Attributes:
        pictures: The pictures' names.
        sides: Width and height of each, float64 (n, 2).
        points: Shares of them, float64 (n, k, 2).
    """

    pictures: list[str]
    sides: NDArray[np.float64]
    points: NDArray[np.float64]

    @classmethod
    def read(cls, path: Path) -> "_Table":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise RequestError(
                f"photos.landmarks: cannot read '{path}' as a Parquet file: {reason}"
            ) from None
        columns = _point_columns(path, table.column_names)
        try:
            pictures = table.column("picture").cast(pa.string()).to_pylist()
            numbers = {
                name: table.column(name).cast(pa.float64()).to_numpy()
                for name in (*_FRAME[1:], *(name for pair in columns for name in pair))
            }
        except (pa.ArrowException, ValueError) as error:
            raise RequestError(
                f"photos.landmarks: '{path}' must hold names as text and numbers ({error})"
            ) from None
        sides = np.stack([numbers[name] for name in _FRAME[1:]], 1)
        points = np.stack([np.stack([numbers[name] for name in pair], 1) for pair in columns], 1)
        made = cls(pictures, sides, points)
        made._check(path)
        return made

    def _check(self, path: Path) -> None:
        twice = [str(name) for name, count in Counter(self.pictures).items() if count > 1]
        if twice:
            raise RequestError(
                f"photos.landmarks: '{path}' has several rows of one picture ({_some(twice)}); keep one"
            )
        bad = ~((self.sides >= 1) & np.isfinite(self.sides)).all(1)
        if bad.any():
            name = self.pictures[int(bad.argmax())]
            raise RequestError(
                f"photos.landmarks: width and height of '{name}' in '{path}' must be those of the picture, in pixels"
            )
        # Detectors guess points beyond the edge of a picture, but not far beyond.
        wild = (np.abs(self.points - 0.5) > 1.5).any((1, 2))
        if wild.any():
            row = int(wild.argmax())
            raise RequestError(
                f"photos.landmarks: the points of '{self.pictures[row]}' in '{path}' are {self.points[row].tolist()}; "
                "give shares of the picture's width and height, from 0 to 1, not pixels"
            )

    def in_square(self, crop: Crop, chosen: Mapping[int, Box]) -> NDArray[np.float64]:
        """Compute the points as shares of the side of the square that `ganlib.data.decode` cuts from each picture.

        ``chosen`` has the squares of those rows whose picture was cropped to a face.
        """
        sides = self.sides.astype(int).tolist()
        squares = np.array(
            [chosen.get(row) or square(width, height, crop) for row, (width, height) in enumerate(sides)]
        )
        corners, side = squares[:, None, :2], squares[:, None, 2:]
        moved: NDArray[np.float64] = (self.points * self.sides[:, None] - corners) / side
        return moved


def _point_columns(path: Path, names: Sequence[str]) -> list[tuple[str, str]]:
    """List the pairs of columns of points, in order."""
    count = 0
    while f"x{count}" in names and f"y{count}" in names:
        count += 1
    missing = [name for name in _FRAME if name not in names] + ([] if count else ["x0", "y0"])
    if missing:
        raise RequestError(
            f"photos.landmarks: '{path}' has no column {', '.join(missing)}, but {', '.join(names) or 'none'}; it "
            "needs picture, width, height, x0, y0, x1, y1, ..., a row for each picture"
        )
    return [(f"x{number}", f"y{number}") for number in range(count)]


def _some(names: Sequence[str]) -> str:
    """Quote the first few names."""
    quoted = ", ".join(f"'{name}'" for name in names[:_EXAMPLES])
    return f"{quoted}, ..." if len(names) > _EXAMPLES else quoted or "no names"
