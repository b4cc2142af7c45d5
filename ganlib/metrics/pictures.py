"""Measure FID and KID of pictures, wherever they are: tensors, arrays or folders of files."""

import warnings
from pathlib import Path

import torch
from torch import Tensor

from ganlib.data.alpha import RGB, RGBA, tensor_on_checks
from ganlib.data.canvas import Colour
from ganlib.data.decode import Preparation
from ganlib.data.unusable import some
from ganlib.errors import RequestError
from ganlib.metrics.distances.frechet import fid_from_features
from ganlib.metrics.distances.kernel import Kid, kid_from_features
from ganlib.metrics.extractors.base import Extractor, load_extractor
from ganlib.metrics.picture_sets import Pictures, PictureSet, open_pictures, unlike

DEFAULT = "efficientnet_lite0"
BATCH = 64
WHITE: Colour = (255, 255, 255)


def fid(
    a: Pictures,
    b: Pictures,
    extractor: str | Extractor = DEFAULT,
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
    size: int | None = None,
) -> float:
    """Measure the Frechet distance between two sets of pictures; FID proper with ``extractor="inception"``.

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
    """Measure the kernel distance between two sets of pictures; KID proper with ``extractor="inception"``.

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
    how = Preparation(size, None)
    sets = open_pictures(a, "a", how), open_pictures(b, "b", how)
    loaded = load_extractor(extractor, weights, device) if isinstance(extractor, str) else extractor
    (first, x), (second, y) = features_alike(*sets, loaded, device)
    if note := unlike(first, second):
        warnings.warn(f"{note}; size=... prepares files alike", stacklevel=3)
    return x, y


def features_alike(
    a: PictureSet, b: PictureSet, extractor: Extractor, device: torch.device | str = "cpu"
) -> list[tuple[PictureSet, Tensor]]:
    """Extract the features of two sets that are to be compared, with the sets as they were measured.

    If one has transparent pixels and the other has none, they are laid on white, as for training: on checks they would
    differ from pictures that were laid on white before.
    """
    first, second = ((pictures, features_of(pictures, extractor, device)) for pictures in (a, b))
    if a.transparent and not b.transparent:
        white = a.on(WHITE)
        first = white, features_of(white, extractor, device)
    if b.transparent and not a.transparent:
        white = b.on(WHITE)
        second = white, features_of(white, extractor, device)
    return [first, second]


def features_of(pictures: PictureSet, extractor: Extractor, device: torch.device | str = "cpu") -> Tensor:
    """Extract the features (n, d) of a set of pictures in batches; neighbours of one size go together.

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
            f"{pictures.name}: {len(pictures.skipped)} of {pictures.count} pictures cannot be read;"
            f" mend them or take them away: {some(pictures.skipped)}"
        )
    return torch.cat(parts)
