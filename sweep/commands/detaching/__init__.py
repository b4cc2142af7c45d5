"""Start a driver that goes on by itself: as a job of a Ray cluster, or in the background of this machine."""

import time
from collections.abc import Callable
from typing import Protocol

from sweep.storage.folder import Folder, MissingFileError
from sweep.storage.layout import LEASE, PROGRESS

LOOK_SECONDS = 1.0
UNSEEN_SECONDS = 20.0
"""A driver writes its lease at once; one that runs for so long and has none writes elsewhere."""


class Driver(Protocol):
    """A driver that was started.

    Attributes:
        described: What it is, to be found again: ``pid 77 on host``, ``the Ray job sweep-faces-1a2b``.
        output: Where all that it says can be read.
    """

    described: str
    output: str

    def ended(self) -> int | None:
        """Give its exit code; None while it runs."""

    def said(self) -> str:
        """Read all that it has said so far."""


def follow(
    driver: Driver,
    place: Folder,
    before: bytes | None,
    echo: Callable[[str], None],
    say: Callable[[str], None],
) -> int:
    """Pass on what a driver says until its trials run, so that whatever it refuses is seen; returns the exit code.

    Args:
        driver: Which was started.
        place: The folder of what it runs.
        before: What `progress` gave before it was started.
        echo: Prints a line of the driver.
        say: Tells a sentence of ours.
    """
    shown, since, told = 0, time.monotonic(), False
    try:
        while True:
            code = driver.ended()  # before looking: what was said until then is shown
            text = driver.said()
            whole = len(text) if code is not None else text.rfind("\n") + 1
            for line in text[shown:whole].splitlines():
                echo(line)
            shown = max(shown, whole)
            if code is not None:
                return code
            if progress(place) != before:
                break
            if not told and time.monotonic() - since > UNSEEN_SECONDS and not place.exists(LEASE):
                told = True
                say(
                    f"{driver.described} runs, but nothing of it is seen in {place} from here: if the storage is a "
                    "folder of one machine alone, give one that both see (a shared folder, or s3://bucket/prefix)"
                )
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        say("no longer looking on")
    say(f"it goes on by itself: {driver.described}, whose output is in {driver.output}")
    return 0


def progress(place: Folder) -> bytes | None:
    """Read the file that a driver writes anew every few seconds while its trials run; None where there is none."""
    try:
        return place.read(PROGRESS)
    except MissingFileError:
        return None
