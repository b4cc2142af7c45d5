"""The file of packed pictures: ``.npy``, uint8 (n, size, size, c), with a header whose length does not depend on n."""

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganlib.data.alpha import GREY, RGB, RGBA

_BLOCK_BYTES = 1 << 24


def claim(descriptor: int, size_bytes: int) -> None:
    """Make a file as long as it will be, with its blocks: a full disk shows now, not after an hour."""
    os.truncate(descriptor, size_bytes)
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # not every file system can
                raise


def header(shape: tuple[int, ...]) -> bytes:
    """Write the header of a ``.npy`` file, which NumPy pads so that its length does not depend on the count."""
    stream = io.BytesIO()
    fields = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(stream, fields)
    return stream.getvalue()


def shape_of(path: Path) -> tuple[int, ...] | None:
    """Read the shape in the header, if the file holds pictures and is exactly as long as that shape asks."""
    try:
        with open(path, "rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                return None
            shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
            length = file.seek(0, os.SEEK_END)
    except (OSError, ValueError):
        return None
    sound = dtype == np.uint8 and not fortran_order and len(shape) == 4 and shape[3] in (GREY, RGB, RGBA)
    if not sound or length != len(header(shape)) + int(np.prod(shape, dtype=np.int64)):
        return None
    return tuple(shape)


def blocks(pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Give the pictures of a set some at a time."""
    step = max(1, _BLOCK_BYTES // max(1, pictures[0].nbytes)) if len(pictures) else 1
    for start in range(0, len(pictures), step):
        yield pictures[start : start + step]
