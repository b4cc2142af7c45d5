"""Watch owners of leases whose clocks may be behind, before anything is done that cannot be undone."""

import time
from collections.abc import Callable, Iterable, Iterator

from sweep.storage import layout, lease
from sweep.storage.folder import Folder
from sweep.storage.lease import Lease


def running_in(folder: Folder, say: Callable[[str], None], every: bool = False) -> list[tuple[Folder, Lease]]:
    """List who runs a sweep or what is inside its folder; see `running`."""
    return running([folder], say, every)


def running(
    folders: Iterable[Folder], say: Callable[[str], None], every: bool = False
) -> list[tuple[Folder, Lease]]:
    """List who runs sweeps or what is inside their folders, as `sweep.storage.lease.running_in` does, but for sure.

    Owners on other machines that look gone are watched for `sweep.storage.lease.DOUBT_SECONDS`, all at a time.

    Args:
        folders: Of the sweeps.
        say: Told what is waited for.
        every: Whether to find all of them; otherwise one is enough.
    """
    held = [one for folder in folders for one in held_in(folder)]
    found = [one for one in held if one[1].alive]
    doubted = [one for one in held if not one[1].alive and not one[1].here]
    if not doubted or (found and not every):
        return found
    names = " and ".join(f"pid {owner.pid} on {owner.host}" for _, owner in doubted)
    say(f"{names} may still run: waiting for a sign of life, {lease.DOUBT_SECONDS:.0f} s at most")
    end = time.monotonic() + lease.DOUBT_SECONDS
    while doubted and time.monotonic() < end and (every or not found):
        time.sleep(lease.WATCH_SECONDS)
        seen = [(place, before, lease.read(place)) for place, before in doubted]
        found += [(place, now) for place, before, now in seen if now is not None and now != before]
        doubted = [(place, before) for place, before, now in seen if now == before]
    return found


def held_in(folder: Folder) -> Iterator[tuple[Folder, Lease]]:
    """List all leases of a sweep and of what is inside its folder."""
    if held := lease.read(folder):
        yield folder, held
    for inner in (layout.CONFIRMATION, layout.CONTINUED):
        if folder.exists(inner):
            yield from held_in(folder / inner)
