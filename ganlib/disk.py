"""Write files whole, so that neither a reader nor a power cut ever meets half of one."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path | str, data: bytes, suffix: str | None = None, lasting: bool = True) -> None:
    """Write a file, or leave what is there; a reader sees all of the old content or all of the new.

    Args:
        path: Where the file belongs, in a folder that is there.
        data: Its content.
        suffix: Of its `passing` name.
        lasting: Whether the file is on the device when this returns; many small files are written faster without.

    Raises:
        OSError: if it cannot be written; nothing has changed then.
    """
    # Plain text and system calls: a driver writes some hundred files a second, and `Path` would take a third of that.
    folder, temporary = _hidden(os.fspath(path), suffix)
    try:
        write_new(temporary, data, lasting)
        os.replace(temporary, path)
    except BaseException:
        _remove(temporary)
        raise
    if lasting:
        sync_folder(folder)


def write_new(path: Path | str, data: bytes, lasting: bool = True) -> None:
    """Write a file that must not exist.

    Args:
        path: Of the file.
        data: Its content.
        lasting: Whether it is on the device when this returns.

    Raises:
        FileExistsError: if there is such a file.
        OSError: if it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        left = memoryview(data)
        while left:  # a call writes 2 GiB at most
            left = left[os.write(descriptor, left) :]
        if lasting:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def passing(path: Path, suffix: str | None = None) -> Iterator[Path]:
    """Yield a hidden name beside a file for as long as the file is being made, and remove what is left under it.

    Args:
        path: Where the file will belong.
        suffix: What the name ends with; the file's own suffix by default, for programs that go by it.
    """
    temporary = Path(_hidden(str(path), suffix)[1])
    try:
        yield temporary
    finally:
        _remove(temporary)


def _hidden(path: str, suffix: str | None) -> tuple[str, str]:
    """Make up a `passing` name beside a file; returns the folder, and the name's path."""
    folder, name = os.path.split(path)
    end = os.path.splitext(name)[1] if suffix is None else suffix
    return folder or os.curdir, os.path.join(folder, f".{os.urandom(6).hex()}{end}")


def _remove(temporary: Path | str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(temporary)


def sync_folder(folder: Path | str) -> None:
    """Make the renames in a folder last. Not every file system lets a folder be opened or synced; then they must do."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
