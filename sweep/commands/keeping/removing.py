"""Remove whole sweeps: what is left of a removal that was interrupted is no sweep, and the next removal ends it.

The first step gives ``sweep.json`` another name, which takes one moment and no room on a full disk. From then on
there is no sweep; the rest of the folder is deleted, and the renamed file last of all.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ganlib.errors import RequestError, WorkError
from sweep.formatting import count, moment, size
from sweep.records.catalog import open_sweep
from sweep.records.sweep_info import SweepInfo
from sweep.storage import layout, lease, watching
from sweep.storage.called import called
from sweep.storage.folder import Folder, MissingFileError
from sweep.storage.note import read as read_note
from sweep.storage.opening import open_folder


@dataclass(frozen=True)
class Removable:
    """A sweep that nobody runs.

    Attributes:
        name: As it is called.
        folder: With all of it.
        bytes: Of all its files.
        trials: How many it has, those of sweeps inside it left out.
        about: When it was started, and what people say of it; may be empty.
        leases: Those that are there, of owners that are gone.
    """

    name: str
    folder: Folder
    bytes: int
    trials: int
    about: str
    leases: Sequence[lease.Lease] = ()

    def __str__(self) -> str:
        about = f", {self.about}" if self.about else ""
        return f"{self.name}: {count(self.trials, 'trial')}, {size(self.bytes)}{about} ({self.folder})"


def find(storage: Folder, name: str, say: Callable[[str], None] = lambda line: None) -> Removable:
    """Find a sweep that is to be removed, also one that is broken or half removed.

    Args:
        storage: The folder with the sweeps.
        name: Of the sweep, or its path.
        say: Told while an owner is watched that may still live.

    Raises:
        RequestError: if there is no such sweep, the path leads into one, or somebody runs it.
    """
    called, folder = _place(storage, name)
    check_idle(folder, watching.watched([folder], say))
    about = []
    with suppress(WorkError):
        created = SweepInfo.read(folder).created
        about += [f"started {moment(created)}"] if created else []
    if not folder.exists(layout.INFO):
        about.append("half removed")
    note = read_note(folder)
    about += [f"tagged {', '.join(note.tags)}"] if note.tags else []
    about += [f"noted: {note.text.splitlines()[0]}"] if note.text else []
    return Removable(
        called,
        folder,
        sum(folder.sizes().values()),
        sum(layout.trial_of(part) is not None for part in folder.names("trials")),
        "; ".join(about),
        [held for _, held in watching.held_in(folder)],
    )


def _place(storage: Folder, name: str) -> tuple[str, Folder]:
    """Find how a sweep is called, and its folder, by its name or path."""
    plain = name.rstrip("/")
    if plain in storage.names():
        folder = storage.child(plain)
        if folder.exists(layout.INFO) or folder.exists(layout.REMOVED):
            return plain, folder
        # One that is being prepared is there, but no sweep yet.
        check_idle(folder, watching.running_in(folder))
    sweep = open_sweep(storage, name)
    if plain != sweep.name and (os.path.isfile(plain) or open_folder(plain) != sweep.folder):
        raise RequestError(
            f"'{name}' lies in the sweep '{sweep.name}'; to remove all of that, name it: sweep rm {sweep.folder}"
        )
    return sweep.name, sweep.folder


def check_idle(folder: Folder, running: Iterable[watching.Held]) -> None:
    """Refuse a sweep that somebody runs, or something inside its folder.

    Raises:
        RequestError: saying who, and how to stop that.
    """
    for place, owner in running:
        raise RequestError(
            f"nothing was removed: {watching.named(place, folder)} is running ('sweep stop {called(folder)}' stops "
            f"it): {owner.described(place)}"
        )


def remove(one: Removable) -> None:
    """Remove a sweep, or what is left of it.

    Raises:
        RequestError: if somebody has begun to run it meanwhile; nothing has changed then.
        WorkError: if something cannot be deleted; there is no sweep any more then, but a rest of it.
    """
    folder = one.folder
    with suppress(MissingFileError):  # half removed
        folder.rename(layout.INFO, layout.REMOVED)
    try:
        begun = [found for found in watching.held_in(folder) if found[1] not in one.leases]
        check_idle(folder, [*watching.running_in(folder), *begun])
    except RequestError:
        with suppress(MissingFileError):
            folder.rename(layout.REMOVED, layout.INFO)
        raise
    try:
        for inner in (layout.CONFIRMATION, layout.CONTINUED):
            folder.delete(f"{inner}/{layout.INFO}")
        for name in folder.names():
            if name != layout.REMOVED:
                folder.delete(name)
        folder.delete("")
    except WorkError as error:
        raise WorkError(
            f"'{one.name}' is removed in part, and no sweep any more: {error}. 'sweep rm {called(folder)}' removes the "
            "rest"
        ) from error
