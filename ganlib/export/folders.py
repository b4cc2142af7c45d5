"""Translate all picture files of a folder into another folder, under their names."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ganlib import written
from ganlib.data.folder import whole_picture
from ganlib.data.formats import NAMES, why_not
from ganlib.data.listing import Skipped, printable, scan
from ganlib.data.sheet import png
from ganlib.data.sources import Source
from ganlib.data.telling import faults, found_in, left_out
from ganlib.errors import RequestError, WorkError
from ganlib.export.generator import LoadedTranslator
from ganlib.export.translation import BYTES

LARGEST_MEMORY = 4 << 30
"""Bytes that one picture may take: it cannot be translated in parts, as instance normalisation looks at all of it."""
FAR = 2
"""The factor from which on the shorter side of a picture is far from that of training."""


@dataclass(frozen=True)
class Files:
    """The picture files that are to be translated.

    Attributes:
        paths: Where they are.
        names: Their paths relative to the folder, or of a single file its name.
        skipped: Files that look like pictures and cannot be opened, and why.
        left_out: What else is there, in words.
    """

    paths: tuple[str, ...]
    names: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Translated:
    """What became of picture files.

    Attributes:
        count: How many were translated.
        skipped: Those that were not, and why.
        left_out: What was there and is no picture, or none that counts, in words.
        renamed: Names with the suffix of the file in them, because another picture would have had the name without it.
        far: Shorter sides in pixels of translated pictures that are far (`FAR`) from that of training.
    """

    count: int
    skipped: tuple[Skipped, ...]
    left_out: tuple[str, ...]
    renamed: tuple[str, ...]
    far: tuple[int, ...]


def translate_files(
    translator: LoadedTranslator,
    source: Path,
    out: Path,
    back: bool = False,
    shorter: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Translated:
    """Translate every picture of a folder, at any depth, or one file, and write PNGs under the relative names.

    Pictures are read as for training (turned as their EXIF data says, converted to sRGB, rounded to 8 bits), but whole,
    and alpha is kept. What an earlier call wrote is replaced where it is in the way; no other file is.

    Args:
        translator: Makes the pictures.
        source: The folder or file.
        out: A folder, which is made where it is missing.
        back: Turn drawings into photographs.
        shorter: Length in pixels to which the shorter side of each picture is scaled before it is translated; None
            leaves pictures as they are.
        progress: Called with (done, total), in pictures.

    Raises:
        RequestError: if no pictures are there, the way back was not learned, or a file of somebody else is in the way.
        WorkError: if a picture cannot be written.
    """
    translator.way(back)
    if out.is_dir() and source.is_dir() and source.samefile(out):
        raise RequestError(
            f"--out: '{out}' is the folder of the pictures; choose another one, beside it or in it"
        )
    found = find(source)
    targets = names_for(found.names)
    _check(found, out, targets)
    skipped, sides = list(found.skipped), []
    for done, (path, target) in enumerate(zip(found.paths, targets, strict=True), 1):
        made = _one(translator, path, back, shorter)
        if isinstance(made, str):
            skipped.append(Skipped(printable(path), made))
        else:
            sides.append(min(made.shape[:2]))
            _write(out, target, made)
        if progress is not None:
            progress(done, len(targets))
    plain = [_as_png(name) for name in found.names]
    renamed = tuple(target for target, usual in zip(targets, plain, strict=True) if target != usual)
    trained = translator.config.size
    far = tuple(side for side in sides if not trained <= side * FAR <= trained * FAR**2)
    return Translated(len(sides), tuple(skipped), found.left_out, renamed, far)


def find(source: Path) -> Files:
    """List the pictures of a folder at any depth, or take one file.

    Raises:
        RequestError: if none are there.
    """
    if source.is_file():
        if reason := why_not(source.suffix.lower()):
            raise RequestError(f"--input: '{printable(str(source))}': {reason}")
        return Files((str(source),), (source.name,))
    listing = scan(str(source), "--input")
    held = found_in([Source(printable(str(source)), "files", listing.files, left_out=listing.left_out)])
    others = left_out(held)
    if not listing.files:
        told = "; ".join([*faults(listing.skipped), *others])
        raise RequestError(
            f"--input: '{printable(str(source))}' holds no picture ({NAMES})"
            + f"; there are {told}" * bool(told)
        )
    names = tuple(os.fsdecode(file.relative) for file in listing.files)
    return Files(tuple(file.path for file in listing.files), names, listing.skipped, tuple(others))


def names_for(names: Sequence[str]) -> list[str]:
    """Name the PNG that is made of each file, a relative path: no two are one file, wherever they are copied.

    ``a.jpg`` gives ``a.png``; where ``a.webp`` lies beside it, the two give ``a.jpg.png`` and ``a.webp.png``.
    """
    usual = Counter(_key(_as_png(name)) for name in names)
    taken = {name for name, count in usual.items() if count == 1}
    targets = []
    for name in names:
        target = _as_png(name)
        if usual[_key(target)] > 1:
            number = 1
            target = f"{name}.png"
            while _key(target) in taken:
                number += 1
                target = f"{name}-{number}.png"
            taken.add(_key(target))
        targets.append(target)
    return targets


def _as_png(name: str) -> str:
    return f"{os.path.splitext(name)[0]}.png"


def _key(name: str) -> str:
    """Bring a name to a form in which all file systems tell it from others."""
    return unicodedata.normalize("NFC", name).casefold()


def _check(found: Files, out: Path, targets: Sequence[str]) -> None:
    """Refuse to write over pictures that are read, and over files of others."""
    read = {os.path.realpath(path) for path in found.paths}
    for target in targets:
        if os.path.realpath(out / target) in read:
            raise RequestError(
                f"--out: '{out / target}' is one of the pictures of --input; choose another folder"
            )
    written.check(out / target for target in targets)


def _one(translator: LoadedTranslator, path: str, back: bool, shorter: int | None) -> np.ndarray | str:
    """Translate one file, or say why there is no picture."""
    picture = whole_picture(path, shorter)
    if isinstance(picture, str):
        return picture
    if reason := too_large(translator, picture.pixels):
        return f"{reason} with --size"
    (made,) = translator.translate([picture.pixels], back)
    return made


def too_large(translator: LoadedTranslator, picture: np.ndarray) -> str:
    """Say why a picture ``(h, w, c)`` takes too much memory to be translated; empty where it does not."""
    height, width = picture.shape[:2]
    memory = BYTES * translator.config.model.width * height * width
    if memory <= LARGEST_MEMORY:
        return ""
    return (
        f"{width:,} x {height:,} pixels would take about {memory / 2**30:.1f} GiB of memory, and "
        f"{LARGEST_MEMORY / 2**30:g} are allowed: scale it down"
    )


def _write(out: Path, target: str, picture: np.ndarray) -> None:
    data = png(Image.fromarray(picture))
    try:
        written.write_all(out, {target: data}, written.PICTURES, filled=True)
    except OSError as error:
        raise WorkError(
            f"could not write {printable(str(out / target))}: {error.strerror or error}; what was translated before "
            "it is there"
        ) from None
