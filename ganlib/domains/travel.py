"""Fetch a file from another machine in pieces: what has come already is not fetched again after an interruption."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from ganlib.disk import write_whole

PIECE = 16 * 2**20
"""Bytes that are asked for at a time."""
Read = Callable[[str, int, int], bytes]
"""Reads a part of a file on the other machine: its name, the first byte, how many; fewer come only at its end."""


def fetch(
    name: str, path: Path, size: int | None, read: Read, progress: Callable[[int], None] = lambda done: None
) -> None:
    """Fetch a file, unless it is there; whoever fetches what others may fetch, too, does so within `alone`.

    Args:
        name: On the other machine.
        path: Where it is written; it is there when it is whole.
        size: In bytes; None for a small file, which is always fetched, and kept in memory until it is whole.
        read: Reads a part of it.
        progress: Called with the bytes that have come.

    Raises:
        OSError: if there is no room for it, or it ends too early.
    """
    if size is None:
        small = bytearray()
        while piece := read(name, len(small), PIECE):
            small += piece
        write_whole(path, bytes(small))
        return
    if path.exists() and path.stat().st_size == size:
        progress(size)
        return
    part = path.with_name(f"{path.name}.part")
    with part.open("ab") as file:
        done = file.tell() // PIECE * PIECE  # the last piece may have come in part
        file.truncate(done)
        if _room_of(file.fileno()) < size - done:  # at once, not after an hour
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        while done < size:
            piece = read(name, done, min(PIECE, size - done))
            if not piece:
                raise OSError(errno.EIO, f"{name} ended after {done} of {size} bytes")
            file.write(piece)
            done += len(piece)
            progress(done)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes of this machine from fetching, checking or computing a file meanwhile.

    Raises:
        OSError: if its folder cannot be written.
    """
    with ExitStack() as held:
        with suppress(NotImplementedError):  # a network disk may know no locks
            held.enter_context(FileLock(f"{path}.lock"))
        yield


def _room_of(descriptor: int) -> int:
    """Count the bytes that may still be written where an open file is."""
    room = os.fstatvfs(descriptor)
    return room.f_bavail * room.f_frsize
