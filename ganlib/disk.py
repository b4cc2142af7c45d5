"""What makes files on a disk survive a power cut."""

import contextlib
import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the renames in a folder last. Not every file system lets a folder be opened or synced; then they must do."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
