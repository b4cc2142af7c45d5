"""Watch owners of leases whose clocks may be behind, before anything is done that cannot be undone."""

import time
from collections.abc import Callable, Iterator

from sweep.storage import layout, lease
from sweep.storage.folder import Folder
from sweep.storage.lease import Lease


def running_in(folder: Folder, say: Callable[[str], None]) -> list[tuple[Folder, Lease]]:
    """List who runs a sweep or what is inside its folder, as `sweep.storage.lease.running_in` does, but for sure.

    Owners on other machines that look gone are watched for `sweep.storage.lease.DOUBT_SECONDS`, all at a time.

    Args:
        folder: Of the sweep.
        say: Told what is waited for.
    """
    held = list(_held_in(folder))
    running = [one for one in held if one[1].alive]
    doubted = [one for one in held if not one[1].alive and not one[1].here]
    if running or not doubted:
        return running
    names = " and ".join(f"pid {owner.pid} on {owner.host}" for _, owner in doubted)
    say(f"{names} may still run it: waiting for a sign of life, {lease.DOUBT_SECONDS:.0f} s at most")
    end = time.monotonic() + lease.DOUBT_SECONDS
    while time.monotonic() < end and not running:
        time.sleep(lease.WATCH_SECONDS)
        running = [(place, now) for place, before in doubted if (now := lease.read(place)) and now != before]
    return running


def _held_in(folder: Folder) -> Iterator[tuple[Folder, Lease]]:
    """List all leases of a sweep and of what is inside its folder."""
    if held := lease.read(folder):
        yield folder, held
    for inner in (layout.CONFIRMATION, layout.CONTINUED):
        if folder.exists(inner):
            yield from _held_in(folder / inner)
