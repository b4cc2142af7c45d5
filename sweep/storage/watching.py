"""List who runs sweeps: as far as can be told at once, and for sure, before anything is done that cannot be undone."""

import time
from collections.abc import Callable, Iterable, Iterator

from sweep.storage import layout, lease
from sweep.storage.folder import Folder
from sweep.storage.lease import Lease

Held = tuple[Folder, Lease]
"""A lease, with the folder that it is of: a sweep's, or that of something inside it, such as a confirmation."""


def held_in(folder: Folder) -> Iterator[Held]:
    """List all leases of a sweep and of what is inside its folder."""
    if held := lease.read(folder):
        yield folder, held
    for inner in (layout.CONFIRMATION, layout.CONTINUED):
        if folder.exists(inner):
            yield from held_in(folder / inner)


def running_in(folder: Folder) -> list[Held]:
    """List who runs a sweep or what is inside its folder, as far as can be told at once."""
    return [one for one in held_in(folder) if one[1].alive]


def watched(folders: Iterable[Folder], say: Callable[[str], None], every: bool = False) -> list[Held]:
    """List who runs sweeps or what is inside their folders, as `running_in` does, but for sure.

    Owners on other machines that look gone are watched for `sweep.storage.lease.DOUBT_SECONDS`, all at a time: their
    clocks may be behind.

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


def named(place: Folder, sweep: Folder) -> str:
    """Name what runs in a place: a sweep, or something inside its folder."""
    return f"'{sweep.name}'" if place == sweep else f"'{place.name}' of '{sweep.name}'"
