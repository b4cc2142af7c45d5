"""Start a driver that goes on by itself: as a job of a Ray cluster, or in the background of this machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sweep.storage import lease
from sweep.storage.folder import Folder, MissingFileError
from sweep.storage.layout import PROGRESS

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


@dataclass(frozen=True)
class Seen:
    """What a sweep's folder showed of its driver at one moment.

    Attributes:
        owner: Of its lease; empty without one.
        progress: The content of the file that a driver writes every few seconds while its trials run.
    """

    owner: str = ""
    progress: bytes = b""

    @classmethod
    def now(cls, place: Folder) -> "Seen":
        """Look into a folder."""
        held = lease.read(place)
        try:
            return cls(held.owner if held else "", place.read(PROGRESS))
        except MissingFileError:
            return cls(held.owner if held else "")

    def has_another_at_work(self, now: "Seen") -> bool:
        """Tell whether since then another driver has taken the sweep, and its trials run."""
        return now.owner not in ("", self.owner) and now.progress != self.progress


def follow(
    driver: Driver, place: Folder, before: Seen, echo: Callable[[str], None], say: Callable[[str], None]
) -> int:
    """Pass on what a driver says until its trials run, so that whatever it refuses is seen; returns the exit code.

    Args:
        driver: Which was started.
        place: The folder of what it runs.
        before: What was seen of the folder before it was started.
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
            if before.has_another_at_work(now := Seen.now(place)):
                break
            if not told and time.monotonic() - since > UNSEEN_SECONDS and not now.owner:
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
