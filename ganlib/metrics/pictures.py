"""FID and KID of pictures, wherever they are: tensors, arrays or folders of files.

>>> from ganlib.metrics import fid, kid  # doctest: +SKIP
>>> fid("generated/", "photographs/", extractor="inception")  # doctest: +SKIP
57.3
"""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganlib.alpha import RGB, RGBA, tensor_on_checks
from ganlib.data.decode import Background, flatten, pixels
from ganlib.errors import RequestError
from ganlib.metrics.extractor import Extractor, load_extractor
from ganlib.metrics.frechet import fid_from_features
from ganlib.metrics.kernel import Kid, kid_from_features

Pictures = Tensor | np.ndarray | str | PathLike[str]
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm")
DEFAULT = "efficientnet_lite0"
BATCH = 64


@dataclass(frozen=True)
class PictureSet:
    """Pictures of any sizes that are read part by part.

    Attributes:
        name: What to call them in an error text.
        count: How many.
        read: ``read(start, stop)`` gives uint8 (3, h, w) tensors, RGB, or (4, h, w), RGBA, which are measured on grey
            checks (`ganlib.alpha`).
    """

    name: str
    count: int
    read: Callable[[int, int], list[Tensor]]


def fid(
    a: Pictures,
    b: Pictures,
    extractor: str | Extractor = DEFAULT,
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> float:
    """Frechet distance between two sets of pictures; FID proper with ``extractor="inception"``.

    It falls as the number of pictures grows: compare only values of equal numbers. See `fid_from_features`.

    Args:
        a: Pictures: a uint8 tensor (n, 3, h, w) or array (n, h, w, 3) or (n, 3, h, w), values 0 to 255, RGB; or the
            same in floating point with values 0 to 1, which are rounded to whole levels; or a folder of picture
            files, of any sizes. n >= 2. With 4 channels in place of 3, RGBA, and so in files, what is transparent is
            laid on grey checks (`ganlib.alpha`).
        b: Pictures to compare with.
        extractor: A name in `ganlib.names.EXTRACTORS`, or a loaded extractor.
        weights: A local weights file of that extractor.
        device: Where features are extracted.

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
    x, y = _features(a, b, extractor, weights, device)
    return fid_from_features(x, y)


def kid(
    a: Pictures,
    b: Pictures,
    extractor: str | Extractor = DEFAULT,
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> Kid:
    """Kernel distance between two sets of pictures; KID proper with ``extractor="inception"``.

    Args:
        a: Pictures, as for `fid`.
        b: Pictures to compare with.
        extractor: A name in `ganlib.names.EXTRACTORS`, or a loaded extractor.
        weights: A local weights file of that extractor.
        device: Where features are extracted.
        subsets: As in `kid_from_features`, and so are ``subset_size`` and ``seed``.
        subset_size: Pictures of each set in a subset.
        seed: Of the draw.

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
    x, y = _features(a, b, extractor, weights, device)
    return kid_from_features(x, y, subsets, subset_size, seed)


def _features(
    a: Pictures,
    b: Pictures,
    extractor: str | Extractor,
    weights: str | Path | None,
    device: torch.device | str,
) -> tuple[Tensor, Tensor]:
    sets = open_pictures(a, "a"), open_pictures(b, "b")
    loaded = load_extractor(extractor, weights, device) if isinstance(extractor, str) else extractor
    x, y = (features_of(pictures, loaded, device) for pictures in sets)
    return x, y


def features_of(pictures: PictureSet, extractor: Extractor, device: torch.device | str = "cpu") -> Tensor:
    """Features (n, d) of a set of pictures, extracted in batches; neighbours of one size go together."""
    parts: list[Tensor] = []
    for start in range(0, pictures.count, BATCH):
        batch = pictures.read(start, min(start + BATCH, pictures.count))
        begin = 0
        while begin < len(batch):
            end = begin
            while end < len(batch) and batch[end].shape == batch[begin].shape:
                end += 1
            parts.append(extractor(tensor_on_checks(torch.stack(batch[begin:end]).to(device))))
            begin = end
    return torch.cat(parts)


def open_pictures(pictures: Pictures, name: str, background: Background = None) -> PictureSet:
    """Check pictures, or list those of a folder.

    Args:
        pictures: As for `fid`.
        name: What to call them in an error text.
        background: What shows through where files are transparent; None keeps it, and it is measured on checks.

    Raises:
        RequestError: as `fid`.
    """
    if isinstance(pictures, (str, PathLike)):
        return _folder(Path(fspath(pictures)).expanduser(), background)
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
    return PictureSet(name, len(levels), lambda start, stop: list(levels[start:stop]))


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


def _folder(path: Path, background: Background) -> PictureSet:
    if not path.is_dir():
        raise RequestError(f"'{path}' is not a folder; give a folder of pictures")
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if len(files) < 2:
        raise RequestError(
            f"'{path}' holds {len(files)} pictures ({', '.join(SUFFIXES)}); at least 2 are needed"
        )

    def read(start: int, stop: int) -> list[Tensor]:
        return [_read(file, background) for file in files[start:stop]]

    return PictureSet(str(path), len(files), read)


def _read(file: Path, background: Background) -> Tensor:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            array = pixels(flatten(image, background))
            # Without a transparent pixel a picture is RGB, whatever its file says.
            opaque = array.shape[2] == RGBA and bool((array[..., RGB:] == 255).all())
            return torch.from_numpy(array[..., :RGB].copy() if opaque else array.copy()).permute(2, 0, 1)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
        raise RequestError(f"cannot read the picture '{file}': {error}; mend it or take it away") from None
