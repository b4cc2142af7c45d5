"""Open sets of pictures that are to be measured, wherever they are: tensors, arrays or folders of files."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from os import PathLike, fspath

import numpy as np
import torch
from torch import Tensor

from ganlib.data.alpha import GREY, RGB, RGBA, tensor_on
from ganlib.data.canvas import Colour
from ganlib.data.decode import Picture, Preparation
from ganlib.data.folder import picture
from ganlib.data.formats import NAMES
from ganlib.data.listing import Skipped, printable, scan
from ganlib.data.sources import Source
from ganlib.data.telling import Found, faults, found_in, left_out
from ganlib.errors import RequestError

AS_THEY_ARE = Preparation(None, None)
"""Central squares of any size, with transparency."""
Pictures = Tensor | np.ndarray | str | PathLike[str]


@dataclass
class PictureSet:
    """Pictures of any sizes that are read part by part.

    Attributes:
        name: What to call them in an error text.
        count: How many.
        read: ``read(start, stop)`` gives uint8 (3, h, w) tensors, RGB, or (4, h, w), RGBA, which are measured on grey
            checks (`ganlib.data.alpha`); less those that cannot be read.
        on: ``on(background)`` gives these pictures laid on a background.
        sides: How many pictures of each (height, width) have been read.
        traits: How many of each of `ganlib.data.decode.TRAITS`, of files.
        transparent: Whether RGBA with a transparent pixel has been measured.
        skipped: Files that cannot be read, as far as is known.
        found: What lies in the folder, if it is one.
    """

    name: str
    count: int
    read: Callable[[int, int], list[Tensor]]
    on: "Callable[[Colour], PictureSet]"
    sides: Counter[tuple[int, int]] = field(default_factory=Counter)
    traits: Counter[str] = field(default_factory=Counter)
    transparent: bool = False
    skipped: list[Skipped] = field(default_factory=list)
    found: Found = field(default_factory=Found)


def open_pictures(
    pictures: Pictures,
    name: str,
    how: Preparation = AS_THEY_ARE,
) -> PictureSet:
    """Check pictures, or list those of a folder.

    Args:
        pictures: As for `fid`.
        name: What to call them in an error text.
        how: How files are prepared; without a background transparency stays, and is measured on checks.

    Raises:
        RequestError: as `fid`.
    """

    def on(ground: Colour) -> PictureSet:
        return open_pictures(pictures, name, replace(how, background=ground))

    if isinstance(pictures, (str, PathLike)):
        return _folder(fspath(pictures), name, partial(picture, how=how), on)
    tensor = _tensor(pictures, name)
    shape = tuple(tensor.shape)
    for channels in (RGB, RGBA, GREY):
        if tensor.ndim == 4 and tensor.shape[1] not in (RGB, channels) and tensor.shape[3] == channels:
            tensor = tensor.permute(0, 3, 1, 2)
    if tensor.ndim == 4 and tensor.shape[1] == GREY:
        tensor = tensor.expand(-1, RGB, -1, -1)
    if tensor.ndim != 4 or tensor.shape[1] not in (RGB, RGBA) or len(tensor) < 2 or 0 in tensor.shape:
        raise RequestError(
            f"{name} has shape {shape}; give at least 2 pictures as (n, 3, h, w) or "
            "(n, h, w, 3), with alpha 4 in place of 3, grey 1"
        )
    levels = _levels(tensor, name)
    if how.background is not None:
        levels = tensor_on(levels, how.background)
    sides = Counter({(levels.shape[2], levels.shape[3]): len(levels)})
    return PictureSet(name, len(levels), lambda start, stop: list(levels[start:stop]), on, sides)


def _tensor(pictures: Tensor | np.ndarray, name: str) -> Tensor:
    """Convert what may be a view of NumPy's that no tensor can be: backwards, or in another byte order."""
    if isinstance(pictures, Tensor):
        return pictures
    try:
        array = np.asarray(pictures)
        return torch.from_numpy(np.ascontiguousarray(array, array.dtype.newbyteorder("=")))
    except (TypeError, ValueError):
        held = (
            f"an array of {pictures.dtype}" if isinstance(pictures, np.ndarray) else type(pictures).__name__
        )
        raise RequestError(
            f"{name} is {held}; give a folder of pictures, or a tensor or array of numbers (n, 3, h, w) or (n, h, w, 3)"
        ) from None


def _levels(pictures: Tensor, name: str) -> Tensor:
    """Convert pictures to uint8; those in floating point are checked and rounded."""
    if pictures.dtype == torch.uint8:
        return pictures
    if not pictures.is_floating_point():
        raise RequestError(
            f"{name} has dtype {pictures.dtype}; give uint8 from 0 to 255, or floats from 0 to 1"
        )
    bad = ~torch.isfinite(pictures)
    if bool(bad.any()):
        where = bad.flatten(1).any(1).nonzero().flatten()
        raise RequestError(
            f"{name} has {int(bad.sum())} pixel values that are NaN or infinite, in {len(where)} of {len(pictures)} "
            f"pictures (the first is number {int(where[0])}); leave those pictures out, or mend what made them"
        )
    low, high = float(pictures.min()), float(pictures.max())
    if low < 0 or high > 1:
        raise RequestError(
            f"{name} has values from {low:g} to {high:g}; floating-point pictures must lie in 0 to 1 (from -1 to 1, "
            "take (x + 1) / 2)"
        )
    return (pictures.float() * 255).round().to(torch.uint8)


def _folder(
    folder: str, name: str, one: Callable[[str], Picture | str], on: Callable[[Colour], PictureSet]
) -> PictureSet:
    listing = scan(folder, name)
    found = found_in([Source(printable(folder), "files", listing.files, left_out=listing.left_out)])
    if len(listing.files) < 2:
        few = "only 1 picture" if listing.files else "no pictures"
        told = "; ".join([*faults(listing.skipped), *left_out(found)])
        raise RequestError(
            f"{name}: '{printable(folder)}' holds {few} ({NAMES}), and at least 2 are needed"
            + f" (there are {told})" * bool(told)
        )
    count = len(listing.files) + len(listing.skipped)
    pictures = PictureSet(name, count, lambda start, stop: [], on, skipped=list(listing.skipped), found=found)
    seen: set[str] = set()  # a file that is read twice must not count twice

    def read(start: int, stop: int) -> list[Tensor]:
        tensors = []
        for file in listing.files[start:stop]:
            got = one(file.path)
            known = file.path in seen
            seen.add(file.path)
            if isinstance(got, str):
                if not known:
                    pictures.skipped.append(Skipped(printable(file.path), got))
                continue
            levels = got.pixels if got.pixels.shape[2] != GREY else got.pixels.repeat(RGB, 2)
            # Without a transparent pixel a picture is RGB, whatever its file says.
            opaque = levels.shape[2] == RGBA and bool((levels[..., RGB:] == 255).all())
            tensors.append(torch.from_numpy(levels[..., : RGB if opaque else None].copy()).permute(2, 0, 1))
            if not known:
                pictures.sides[levels.shape[0], levels.shape[1]] += 1
                pictures.traits.update(got.traits)
        return tensors

    pictures.read = read
    return pictures


def unlike(a: PictureSet, b: PictureSet) -> str | None:
    """Say so if two sets that have been read are of different sizes, which a metric sees as well as a person."""
    if a.sides.keys() == b.sides.keys():
        return None
    return (
        f"pictures of {_sizes(a)} pixels in {a.name} and of {_sizes(b)} in {b.name}: they are resized by different"
        " factors to be compared, and how sharp that leaves them counts in every number"
    )


def _sizes(pictures: PictureSet) -> str:
    low, high = min(pictures.sides), max(pictures.sides)
    return f"{low[1]} x {low[0]}" + (f" to {high[1]} x {high[0]}" if high != low else "")
