"""FID and KID of pictures, wherever they are: tensors, arrays or folders of files.

>>> from ganlib.metrics import fid, kid  # doctest: +SKIP
>>> fid("generated/", "photographs/", extractor="inception")  # doctest: +SKIP
57.3
"""

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from os import PathLike, fspath
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganlib.data.alpha import RGB, RGBA, tensor_on, tensor_on_checks
from ganlib.data.decode import Background, Colour, Picture
from ganlib.data.folder import picture
from ganlib.data.formats import NAMES
from ganlib.data.listing import Skipped, printable, scan
from ganlib.data.sources import Source, some
from ganlib.data.telling import Found, faults, found_in, left_out
from ganlib.errors import RequestError
from ganlib.metrics.extractors.base import Extractor, load_extractor
from ganlib.metrics.frechet import fid_from_features
from ganlib.metrics.kernel import Kid, kid_from_features

Pictures = Tensor | np.ndarray | str | PathLike[str]
DEFAULT = "efficientnet_lite0"
BATCH = 64


WHITE: Colour = (255, 255, 255)


@dataclass
class PictureSet:
    """Pictures of any sizes that are read part by part.

    Attributes:
        name: What to call them in an error text.
        count: How many.
        read: ``read(start, stop)`` gives uint8 (3, h, w) tensors, RGB, or (4, h, w), RGBA, which are measured on grey
            checks (`ganlib.data.alpha`); less those that cannot be read.
        on: ``on(background)`` gives the same pictures, laid on a background.
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


def fid(
    a: Pictures,
    b: Pictures,
    extractor: str | Extractor = DEFAULT,
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
    size: int | None = None,
) -> float:
    """Frechet distance between two sets of pictures; FID proper with ``extractor="inception"``.

    It falls as the number of pictures grows: compare only values of equal numbers. See `fid_from_features`.

    Args:
        a: Pictures: a uint8 tensor (n, 3, h, w) or array (n, h, w, 3) or (n, 3, h, w), values 0 to 255, RGB; or the
            same in floating point with values 0 to 1, which are rounded to whole levels; or a folder of picture
            files, which are read as for training (upright, in sRGB, the central square). n >= 2. With 4 channels in
            place of 3, RGBA, and so in files, what is transparent is laid on grey checks (`ganlib.data.alpha`)
            where both sets have transparent pixels, and on white where one has.
        b: Pictures to compare with.
        extractor: A name in `ganlib.names.EXTRACTORS`, or a loaded extractor.
        weights: A local weights file of that extractor.
        device: Where features are extracted.
        size: Side in pixels to which files are resized as for training; by default they keep theirs, and a warning
            says so if those of a and b differ.

    Returns:
        The distance, >= 0.

    Raises:
        RequestError: on another dtype or shape, values that are not finite or out of range, fewer than two
            pictures, files that cannot be read, or an extractor that cannot be loaded.

    Example:
        >>> import torch
        >>> x = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)
        >>> round(fid(x, x), 3)
        0.0
    """
    x, y = _features(a, b, extractor, weights, device, size)
    return fid_from_features(x, y)


def kid(
    a: Pictures,
    b: Pictures,
    extractor: str | Extractor = DEFAULT,
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
    subsets: int = 100,
    subset_size: int | None = None,
    seed: int = 0,
    size: int | None = None,
) -> Kid:
    """Kernel distance between two sets of pictures; KID proper with ``extractor="inception"``.

    Args:
        a: Pictures, as for `fid`.
        b: Pictures to compare with.
        extractor: A name in `ganlib.names.EXTRACTORS`, or a loaded extractor.
        weights: A local weights file of that extractor.
        device: Where features are extracted.
        subsets: As in `kid_from_features`, and so are ``subset_size`` and ``seed``.
        subset_size: Pictures of each set in a subset; by default 1000, but at most half of the smaller set.
        seed: Of the draw.
        size: As for `fid`.

    Returns:
        ``(mean, se)``.

    Raises:
        RequestError: as `fid`.

    Example:
        >>> import torch
        >>> x = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)
        >>> kid(x, x).mean < 1e-6
        True
    """
    x, y = _features(a, b, extractor, weights, device, size)
    return kid_from_features(x, y, subsets, subset_size, seed)


def _features(
    a: Pictures,
    b: Pictures,
    extractor: str | Extractor,
    weights: str | Path | None,
    device: torch.device | str,
    size: int | None,
) -> tuple[Tensor, Tensor]:
    sets = open_pictures(a, "a", size), open_pictures(b, "b", size)
    loaded = load_extractor(extractor, weights, device) if isinstance(extractor, str) else extractor
    (first, x), (second, y) = features_alike(*sets, loaded, device)
    if note := unlike(first, second):
        warnings.warn(f"{note}; size=... prepares files alike", stacklevel=3)
    return x, y


def features_alike(
    a: PictureSet, b: PictureSet, extractor: Extractor, device: torch.device | str = "cpu"
) -> list[tuple[PictureSet, Tensor]]:
    """Features of two sets that are to be compared, as `features_of`, with the sets as they were measured.

    If one has transparent pixels and the other has none, they are laid on white, as for training: on checks they would
    differ from pictures that somebody laid on white.
    """
    first, second = ((pictures, features_of(pictures, extractor, device)) for pictures in (a, b))
    if a.transparent and not b.transparent:
        white = a.on(WHITE)
        first = white, features_of(white, extractor, device)
    if b.transparent and not a.transparent:
        white = b.on(WHITE)
        second = white, features_of(white, extractor, device)
    return [first, second]


def unlike(a: PictureSet, b: PictureSet) -> str | None:
    """Say so if two sets that have been read are of different sizes, which a metric sees as well as a person."""
    if a.sides.keys() == b.sides.keys():
        return None
    return (
        f"{a.name} has pictures of {_sizes(a)} pixels and {b.name} of {_sizes(b)}: they are resized by different"
        " factors to be compared, and how sharp that leaves them counts in every number"
    )


def _sizes(pictures: PictureSet) -> str:
    low, high = min(pictures.sides), max(pictures.sides)
    return f"{low[1]} x {low[0]}" + (f" to {high[1]} x {high[0]}" if high != low else "")


def features_of(pictures: PictureSet, extractor: Extractor, device: torch.device | str = "cpu") -> Tensor:
    """Features (n, d) of a set of pictures, extracted in batches; neighbours of one size go together.

    Raises:
        RequestError: if files cannot be read, with all of them.
    """
    parts: list[Tensor] = []
    for start in range(0, pictures.count, BATCH):
        batch = pictures.read(start, min(start + BATCH, pictures.count))
        begin = 0
        while begin < len(batch):
            end = begin
            while end < len(batch) and batch[end].shape == batch[begin].shape:
                end += 1
            together = torch.stack(batch[begin:end])
            pictures.transparent |= together.shape[1] == RGBA and bool((together[:, RGB:] < 255).any())
            parts.append(extractor(tensor_on_checks(together.to(device))))
            begin = end
    if pictures.skipped:
        raise RequestError(
            f"{pictures.name}: {len(pictures.skipped)} of {pictures.count} pictures cannot be read:"
            f" {some(pictures.skipped)}. Mend them or take them away"
        )
    return torch.cat(parts)


def open_pictures(
    pictures: Pictures,
    name: str,
    size: int | None = None,
    background: Background = None,
    nearest: bool = False,
) -> PictureSet:
    """Check pictures, or list those of a folder.

    Args:
        pictures: As for `fid`.
        name: What to call them in an error text.
        size: Side in pixels to which files are resized as for training; None leaves it as it is.
        background: What shows through where pictures are transparent; None keeps it, and it is measured on checks.
        nearest: Whether files are resized by nearest neighbour.

    Raises:
        RequestError: as `fid`.
    """

    def on(ground: Colour) -> PictureSet:
        return open_pictures(pictures, name, size, ground, nearest)

    if isinstance(pictures, (str, PathLike)):
        return _folder(
            fspath(pictures), name, partial(picture, size=size, background=background, nearest=nearest), on
        )
    tensor = torch.as_tensor(pictures)
    for channels in (RGB, RGBA):
        if tensor.ndim == 4 and tensor.shape[1] not in (RGB, channels) and tensor.shape[3] == channels:
            tensor = tensor.permute(0, 3, 1, 2)
    if tensor.ndim != 4 or tensor.shape[1] not in (RGB, RGBA) or len(tensor) < 2 or 0 in tensor.shape:
        raise RequestError(
            f"{name} has shape {tuple(torch.as_tensor(pictures).shape)}; give at least 2 pictures as (n, 3, h, w) or "
            "(n, h, w, 3), with alpha 4 in place of 3"
        )
    levels = _levels(tensor, name)
    if background is not None:
        levels = tensor_on(levels, background)
    sides = Counter({(levels.shape[2], levels.shape[3]): len(levels)})
    return PictureSet(name, len(levels), lambda start, stop: list(levels[start:stop]), on, sides)


def _levels(pictures: Tensor, name: str) -> Tensor:
    """The pictures as uint8; those in floating point are checked and rounded."""
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
        told = "; ".join([*faults(listing.skipped), *left_out(found)])
        raise RequestError(
            f"{name}: '{printable(folder)}' holds {len(listing.files)} pictures ({NAMES}), and at least 2 are needed"
            + f" (there are {told})" * bool(told)
        )
    count = len(listing.files) + len(listing.skipped)
    pictures = PictureSet(name, count, lambda start, stop: [], on, skipped=list(listing.skipped), found=found)
    seen: set[str] = set()  # whoever reads twice must not count twice

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
            levels = got.pixels
            # Without a transparent pixel a picture is RGB, whatever its file says.
            opaque = levels.shape[2] == RGBA and bool((levels[..., RGB:] == 255).all())
            tensors.append(torch.from_numpy(levels[..., : RGB if opaque else None].copy()).permute(2, 0, 1))
            if not known:
                pictures.sides[levels.shape[0], levels.shape[1]] += 1
                pictures.traits.update(got.traits)
        return tensors

    pictures.read = read
    return pictures
