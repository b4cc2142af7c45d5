"""Remember on a machine what came of making it ready for a sweep, for all processes of one driver's run."""

import json
import socket
import time
from contextlib import suppress
from pathlib import Path

from ganlib.data.cache import cache_dir
from ganlib.disk import write_whole
from ganlib.errors import RequestError

FOLDER = "ready"
KEPT_SECONDS = 7 * 86400.0


def unfit(owner: str) -> str | None:
    """Say why this machine cannot run the trials of a driver; empty where it can, None where nobody has tried.

    Args:
        owner: Of the sweep's lease.
    """
    try:
        return str(json.loads(_place(owner).read_text(encoding="utf-8"))["unfit"])
    except (OSError, RequestError, ValueError, KeyError, TypeError):
        return None


def mark(owner: str, unfit: str = "") -> None:
    """Write down that this machine can run the trials of a driver, or why it cannot; nothing where the disk is full."""
    with suppress(OSError, RequestError):
        place = _place(owner)
        place.parent.mkdir(parents=True, exist_ok=True)
        for old in place.parent.iterdir():
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                old.unlink(missing_ok=True)
        write_whole(place, json.dumps({"unfit": unfit}).encode(), lasting=False)


def _place(owner: str) -> Path:
    # Machines of one user may share a home, and so the cache.
    return cache_dir() / FOLDER / f"{socket.gethostname()}-{owner}.json"
