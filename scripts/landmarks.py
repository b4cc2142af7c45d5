"""Write the landmarks of photographs, or of avatars that stand for them, into a Parquet file (photos.landmarks).

    python scripts/landmarks.py avatars --style adventurer --count 2000 --out points.parquet
    python scripts/landmarks.py folder FOLDER --detector module:function --out points.parquet

Of avatars three points are computed: the eye on the left of the picture, the one on its right, and the mouth; each is
the centre of the pixels that change when a face is drawn without its eyes or mouth. A style must have both as parts of
its own; looked at were adventurer, lorelei, avataaars, micah, personas, notionists, croodles, big-ears, big-smile and
bottts. A part that is hidden, as eyes by sunglasses, has no point. ``--style``, ``--seed`` and ``--count`` are those of
the section photos.

Of a folder every picture is handed to a function of yours, as RGB, uint8 (height, width, 3), turned as it is seen. It
returns the points of one face as pairs (x, y) in pixels from the left and the top, None for a point that is hidden, or
nothing where it finds no face; always as many points in one order, such as left eye, right eye, mouth. The module is
looked for in the working folder first.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ganlib.data.avatars import check_style, components, draw, styles
from ganlib.data.listing import scan
from ganlib.domains.landmarks import PicturePoints, Point, name_of, write_landmarks
from ganlib.errors import RequestError

SIDE = 128
"""Of the drawings that are compared, in pixels."""
WHITE = (255, 255, 255)

Detector = Callable[[NDArray[np.uint8]], Sequence[Point | None] | None]


def of_avatar(style: str, seed: int, index: int) -> PicturePoints:
    """Compute the left eye, the right eye and the mouth of an avatar."""
    whole = draw(style, seed, index, SIDE, WHITE)
    eyes, mouth = (
        np.argwhere((draw(style, seed, index, SIDE, WHITE, without=part) != whole).any(2))
        for part in ("eyes", "mouth")
    )
    right = eyes[:, 1] > eyes[:, 1].mean() if len(eyes) else np.zeros(0, bool)
    points = [_centre(eyes[~right]), _centre(eyes[right]), _centre(mouth)]
    return PicturePoints(str(index), SIDE, SIDE, points)


def _centre(pixels: NDArray[np.intp]) -> Point | None:
    """Compute the centre of pixels, (n, 2), row and column, as shares of the side; None of none."""
    if not len(pixels):
        return None
    y, x = ((pixels + 0.5) / SIDE).mean(0)
    return float(x), float(y)


def of_avatars(style: str, seed: int, count: int) -> Iterator[PicturePoints]:
    """Compute the landmarks of avatars 0 to ``count`` - 1.

    Raises:
        RequestError: when there is no such style, or its faces have no eyes or mouth of their own.
    """
    lacking = {"eyes", "mouth"} - set(components(check_style(style)))
    if lacking:
        whole = [name for name in styles() if {"eyes", "mouth"} <= set(components(name))]
        raise RequestError(
            f"faces of the style {style} have no part {' or '.join(sorted(lacking))}; choose one of {', '.join(whole)}"
        )
    return (of_avatar(style, seed, index) for index in range(count))


def of_folder(folder: str, detect: Detector) -> Iterator[PicturePoints]:
    """Let a detector find the landmarks of every picture under a folder; those without are told of and left out."""
    for file in scan(folder, "FOLDER").files:
        try:
            with Image.open(file.path) as image:
                picture = np.array(ImageOps.exif_transpose(image).convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            print(f"{name_of(file)}: cannot be read ({error})", file=sys.stderr)
            continue
        found = detect(picture)
        if found is None or not len(found):
            print(f"{name_of(file)}: nothing found", file=sys.stderr)
            continue
        height, width = picture.shape[:2]
        points = [None if point is None else (point[0] / width, point[1] / height) for point in found]
        yield PicturePoints(name_of(file), width, height, points)


def detector(name: str) -> Detector:
    """Import the function that ``module:function`` names.

    Raises:
        RequestError: when there is no such function.
    """
    module, _, function = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        found: Detector = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise RequestError(
            f"--detector {name}: {error}; give the name of a module and a function in it, such as faces:find"
        ) from None
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write the file; 2 where the request was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    uses = parser.add_subparsers(required=True, dest="use")
    avatars = uses.add_parser("avatars", help="compute the landmarks of avatars")
    avatars.add_argument("--style", default="adventurer")
    avatars.add_argument("--seed", type=int, default=0)
    avatars.add_argument("--count", type=int, required=True)
    folder = uses.add_parser("folder", help="let a detector find those of photographs")
    folder.add_argument("folder")
    folder.add_argument("--detector", required=True, metavar="MODULE:FUNCTION")
    for use in (avatars, folder):
        use.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        if given.use == "avatars":
            found = list(of_avatars(given.style, given.seed, given.count))
        else:
            found = list(of_folder(given.folder, detector(given.detector)))
        write_landmarks(given.out, found)
    except (RequestError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(found)} pictures with {len(found[0].points)} points each: {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
