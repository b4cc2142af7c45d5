"""Write files whole, so that neither a reader nor a power cut ever meets half of one."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, data: bytes, suffix: str | None = None, lasting: bool = True) -> None:
    """Write a file, or leave what is there; a reader sees all of the old content or all of the new.

    Args:
        path: Where the file belongs, in a folder that is there.
        data: Its content.
        suffix: Of its `passing` name.
        lasting: Whether the file is on the device when this returns; many small files are written faster without.

    Raises:
        OSError: if it cannot be written; nothing has changed then.
    """
    temporary = _hidden(path, suffix)
    try:
        if lasting:
            write_new(temporary, data)
        else:
            temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        _remove(temporary)
        raise
    if lasting:
        sync_folder(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist; it is on the device when this returns.

    Raises:
        FileExistsError: if there is such a file.
        OSError: if it cannot be written.
    """
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def passing(path: Path, suffix: str | None = None) -> Iterator[Path]:
    """Yield a hidden name beside a file for as long as the file is being made, and remove what is left under it.

    Args:
        path: Where the file will belong.
        suffix: What the name ends with; the file's own suffix by default, for programs that go by it.
    """
    temporary = _hidden(path, suffix)
    try:
        yield temporary
    finally:
        _remove(temporary)


def _hidden(path: Path, suffix: str | None) -> Path:
    end = path.suffix if suffix is None else suffix
    return path.with_name(f".{uuid.uuid4().hex[:12]}{end}")


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the renames in a folder last. Not every file system lets a folder be opened or synced; then they must do."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
