"""Stop a sweep from any machine that sees its folder, as Ctrl-C does in its terminal."""

import time
from collections.abc import Callable
from contextlib import suppress

from ganlib.errors import RequestError, WorkError
from sweep.formatting import all_ended, count
from sweep.records.catalog import Sweep, find_sweeps, open_sweep
from sweep.records.datasets import Store
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.results.state import State, state_of
from sweep.runners.stopping import explained
from sweep.storage import lease, stop_request, watching
from sweep.storage.called import called
from sweep.storage.folder import Folder
from sweep.storage.layout import CONFIRMATION, CONTINUED, INFO
from sweep.storage.lease import Lease

LOOK_SECONDS = 1.0
AGAIN = {CONFIRMATION: "confirm", CONTINUED: "continue"}
"""The commands that go on with what was interrupted inside a sweep's folder."""


def stop(storage: Folder, name: str | None, wait: bool, say: Callable[[str], None]) -> None:
    """Ask whoever runs a sweep to stop, and wait until that has happened.

    What runs inside the sweep's folder, a ``sweep confirm`` or ``sweep continue``, is stopped with it. Nothing is done
    where nobody runs the sweep.

    Args:
        storage: The folder with the sweeps.
        name: Of the sweep, or its path; None for the one that runs.
        wait: Whether to return only when nothing runs any more.
        say: Told what is done.

    Raises:
        RequestError: if there is no such sweep; without a name, if none or several run.
        WorkError: if the waiting was interrupted.
    """
    folder = _place(storage, name) if name is not None else _the_one(storage, say)
    held = watching.watched([folder], say, every=True)
    if not held:
        say(f"nobody runs '{folder.name}'{_left(folder, folder)}")
    for place, owner in held:
        stop_request.ask(place, owner.owner)
        say(f"pid {owner.pid} on {owner.host} is asked to stop: running trials write a checkpoint and end")
    if wait:
        with explained(f"'{folder.name}' stops all the same, as it was asked to"):
            for place, owner in held:
                _await_end(place, owner)
                say(f"'{folder.name}' has stopped{_left(folder, place)}")


def _place(storage: Folder, name: str) -> Folder:
    """Find a sweep's folder, also of one whose pictures are still being prepared."""
    begun = storage.child(name) if "/" not in name and name not in (".", "..") else None
    if begun is not None and name in storage.names() and lease.read(begun) is not None:
        return begun
    return open_sweep(storage, name).folder


def _the_one(storage: Folder, say: Callable[[str], None]) -> Folder:
    """Find the sweep that runs."""
    folders = [sweep.folder for sweep in find_sweeps(storage)[0]]
    running = [folder for folder in folders if watching.running_in(folder)]
    if not running:
        places = [f"{place}/" for place, _ in watching.watched(folders, say)]
        running = [folder for folder in folders if any(one.startswith(f"{folder}/") for one in places)]
    if len(running) == 1:
        return running[0]
    if running:
        names = ", ".join(sorted(folder.name for folder in running))
        raise RequestError(f"several sweeps run in '{storage}' ({names}): say which is to stop")
    raise RequestError(
        f"no sweep runs in '{storage}'; 'sweep ls' lists all, and --storage says where they are"
    )


def _await_end(place: Folder, owner: Lease) -> None:
    """Wait until an owner has given its lease back, or has died: its process here, its signs of life elsewhere."""
    heard = time.monotonic()
    while True:
        now = lease.read(place)
        if now is None or now.owner != owner.owner or (now.here and not now.alive):
            return
        if now.beat != owner.beat:
            owner, heard = now, time.monotonic()
        elif time.monotonic() - heard > lease.STALE_SECONDS:
            return
        time.sleep(LOOK_SECONDS)


def _left(folder: Folder, place: Folder) -> str:
    """Say how far the sweep in ``folder`` came by what was run in ``place``, and how to go on with that."""
    if not place.exists(INFO):
        return ": no trial had started"
    ended = sum(Status(row["status"]).ended for row in Store(place).rows("trials"))
    if place == folder and _is_done(folder):
        return f": it has finished, {all_ended(ended)}"
    again = AGAIN.get(place.name, "resume") if place != folder else "resume"
    return f": {count(ended, 'trial')} of it ended; 'sweep {again} {called(folder)}' goes on"


def _is_done(folder: Folder) -> bool:
    """Tell whether a sweep has nothing left to do; not where its records cannot be read."""
    with suppress(WorkError):
        sweep = Sweep(folder.name, folder, SweepInfo.read(folder))
        return state_of(sweep, sweep.store.rows) is State.DONE
    return False
