"""Read picture files, and decode them in workers."""

import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from ganlib.data.decode import Picture, Preparation, UnreadableError, picture_of
from ganlib.data.listing import printable
from ganlib.errors import WorkError


@dataclass(frozen=True)
class FileChunk:
    """Some files with the SHA-256 of their content: what a worker is asked to decode.

    ``digests`` holds bytes, or the reason why a file could not be read.
    """

    paths: tuple[str, ...]
    digests: tuple[bytes | str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def pictures(self, how: Preparation) -> Iterator[Picture | str]:
        """Yield every picture, or why there is none.

        Raises:
            WorkError: when a file has changed since it was listed.
        """
        for path, digest in zip(self.paths, self.digests, strict=True):
            if isinstance(digest, str):
                yield digest
                continue
            data = _read(path)
            if isinstance(data, str) or hashlib.sha256(data).digest() != digest:
                raise WorkError(
                    f"{printable(path)} changed while the pictures were being prepared; wait until nothing"
                    " writes into the folder, then start again"
                )
            yield _decoded(path, data, how)


def picture(path: str, how: Preparation) -> Picture | str:
    """Read one picture file, exactly as it is prepared for training, or say why there is no picture."""
    data = _read(path)
    return data if isinstance(data, str) else _decoded(path, data, how)


def whole_picture(path: str, shorter: int | None = None) -> Picture | str:
    """Read one picture file uncropped, RGB or where it has transparent pixels RGBA, or say why there is no picture.

    Args:
        path: The file.
        shorter: Length of the shorter side in pixels, to which it is scaled; None leaves it as it is.
    """
    return picture(path, Preparation(shorter, None, crop=None))


def digests(paths: tuple[str, ...]) -> list[bytes | str]:
    """Hash each file's content with SHA-256, or say why a file cannot be read."""
    contents = (_read(path) for path in paths)
    return [data if isinstance(data, str) else hashlib.sha256(data).digest() for data in contents]


def _decoded(path: str, data: bytes, how: Preparation) -> Picture | str:
    try:
        return picture_of(data, how, os.path.splitext(path)[1].lower())
    except UnreadableError as error:
        return str(error)
    except WorkError as error:  # it does not know of which file
        raise WorkError(f"{printable(path)}: {error}") from error


def _read(path: str) -> bytes | str:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno == errno.ENOMEM:  # no fault of the file
            raise
        return f"cannot be read: {error.strerror}"
