"""Say who runs a sweep, in one file that is a lock, a heartbeat and the signal to stop.

The driver that runs a sweep owns its ``lease.json``. A second driver is refused while the owner lives; a lease
whose owner is gone (its process on this machine has ended, or no heartbeat came for `STALE_SECONDS`) is taken
over. Trials look at the file now and then (`sweep.storage.tenant`): when it says ``stopping``, or names another owner,
they write a checkpoint and end. So Ctrl-C reaches every worker on every node, and the workers of a dead driver stop
writing. So does a driver that was thought dead and was not (a laptop that slept, a process that was stopped): if it has
not seen for `SURE_SECONDS` that the sweep is still its own, it looks before it changes a file.
"""

import contextlib
import json
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from typing import Any

from ganlib.errors import RequestError, WorkError
from sweep.formatting import duration
from sweep.storage import layout, process, stop_request
from sweep.storage.called import called
from sweep.storage.folder import Folder, MissingFileError, StorageError
from sweep.storage.held import HeldFolder

HEARTBEAT_SECONDS = 10.0
"""Between two signs of life of the owner."""
STALE_SECONDS = 90.0
"""An owner that has given no sign of life for so long is gone."""
POLL_SECONDS = 1.0
"""Between two looks of a trial at the file; a look costs a read, on S3 a request."""
DOUBT_SECONDS = 2.5 * HEARTBEAT_SECONDS
"""An owner whose sign of life looks old is waited for as long: the clock of its machine may be behind."""
SURE_SECONDS = 2 * HEARTBEAT_SECONDS
"""Nobody takes over so soon after the owner has seen that the lease is its own; less than `DOUBT_SECONDS`."""
LOOK_SECONDS = 2.0
"""Between two looks of the owner for a request to stop."""
WATCH_SECONDS = 1.0
"""Between two looks at the lease of an owner that is watched."""
AHEAD_SECONDS = 30.0
"""Clocks that differ by more than this are worth a word."""


class TakenOverError(StorageError):
    """The lease is another's now, or was and has been given back."""


class Fate(Enum):
    """What is known of an owner from elsewhere than its lease."""

    UNKNOWN = "unknown"
    LOST = "lost"  # with its machine, which may be cut off only
    DEAD = "dead"


@dataclass(frozen=True)
class Lease:
    """The content of ``lease.json``.

    ``job`` is how Ray names the driver, empty where it does not; ``place`` and ``begun`` tell its number from those of
    other machines, containers and times (`sweep.storage.process`), ``before`` is the owner who was taken over from.
    """

    owner: str
    host: str
    pid: int
    beat: float
    stopping: bool = False
    job: str = ""
    place: str = ""
    begun: str = ""
    before: str = ""

    @property
    def here(self) -> bool:
        """Whether the owner is a process of this machine, and of this container, if it still runs."""
        return self.host == socket.gethostname() and self.place == process.place()

    @property
    def alive(self) -> bool:
        """Whether the owner still runs, as far as can be told from here."""
        if time.time() - self.beat > STALE_SECONDS:
            return False
        return not self.here or process.lives(self.pid, self.begun)

    def described(self, folder: Folder) -> str:
        """Say who runs the sweep in ``folder``, since when nothing was heard of it, and what to do."""
        who, age = f"pid {self.pid} on {self.host}", time.time() - self.beat
        if age >= -AHEAD_SECONDS:
            return f"{who}, seen {max(age, 0):.0f} s ago. Stop it first, or look on with 'sweep watch'"
        ahead = duration(-age)
        return (
            f"{who}, whose last sign of life comes from the future: the clock of {self.host} is {ahead} ahead of that "
            f"of {socket.gethostname()}, so that nobody can say whether it still lives. Set both clocks (NTP). If "
            f"nothing runs there any more, delete {folder}/{layout.LEASE}; otherwise stop it first, or look on with "
            "'sweep watch'"
        )


def read(folder: Folder) -> Lease | None:
    """Read the lease of a sweep; None when nobody holds it, or the file is damaged."""
    try:
        found = json.loads(folder.read(layout.LEASE))
        # A later version may know more of an owner.
        return Lease(**{field.name: found[field.name] for field in fields(Lease) if field.name in found})
    except (MissingFileError, ValueError, TypeError):
        return None


def living(folder: Folder) -> Lease | None:
    """Read the lease of who runs a sweep now; None where nobody does, as far as can be told from here."""
    return held if (held := read(folder)) and held.alive else None


class Owner:
    """The driver's side of the lease; use as a context manager around a run.

    A thread gives the heartbeat, so that neither an hour of preparing pictures nor a breakpoint looks like death. It
    also looks for a request to stop, and passes it on as SIGTERM, which whatever the process does knows how to meet.

    Args:
        folder: Of the sweep.
        say: Told while an owner on another machine is watched, of whom it is not known whether it lives; None refuses
            at once.
        fate_of: Tells what is known of a driver, by Ray's name for it.

    Attributes:
        lease: As it was last written.
        held: The folder, for all that only the owner may change: there a change raises `TakenOverError` once the lease
            is another's.
        taken_over: The lease of an owner that was gone; None where there was none.
        began: When it was made, by `time.monotonic`.
        asked_by: Who has asked to stop by way of the folder, as ``user@host``; empty while nobody has.

    Raises:
        RequestError: on entry, when another driver runs the sweep.
    """

    def __init__(
        self,
        folder: Folder,
        say: Callable[[str], None] | None = None,
        fate_of: Callable[[str], Fate] = lambda job: Fate.UNKNOWN,
    ) -> None:
        self.folder, self._say, self._fate_of = folder, say, fate_of
        self.held = HeldFolder(folder, self.check)
        self._sure, self._lost, self._doubtful = _now(), "", False
        pid = os.getpid()
        self.lease = Lease(
            *(uuid.uuid4().hex, socket.gethostname(), pid, time.time()),
            place=process.place(),
            begun=process.begun(pid),
        )
        self.taken_over: Lease | None = None
        self.asked_by, self.began = "", time.monotonic()
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._heart = threading.Thread(target=self._beat, name="sweep-heartbeat", daemon=True)

    def __enter__(self) -> "Owner":
        if not self.folder.create_exclusive(layout.LEASE, self._bytes()):
            other = read(self.folder)
            if other is not None and (other.alive if self._say is None else self._lives(other, self._say)):
                raise RequestError(f"another process runs this sweep: {other.described(self.folder)}")
            self.taken_over = other
            if other is not None and self._say is not None:
                self._say(f"taking over from pid {other.pid} on {other.host}, which is gone")
            self.lease = replace(self.lease, before=other.owner if other else "")
            self.folder.write(layout.LEASE, self._bytes())
        self._heart.start()
        return self

    def _lives(self, other: Lease, say: Callable[[str], None]) -> bool:
        """Tell whether an owner lives; of one on another machine it is known after its next sign, or none, of life.

        The clocks of two machines may differ: only a sign that changes is believed, its age says how long to wait.
        """
        if other.here:
            return other.alive
        age = min(max(time.time() - other.beat, 0.0), STALE_SECONDS)
        left = max(STALE_SECONDS - age, DOUBT_SECONDS)
        say(
            f"pid {other.pid} on {other.host} runs this sweep, if it still lives: waiting for its next sign of life, "
            f"{left:.0f} s at most"
        )
        begun = time.monotonic()
        while time.monotonic() - begun < left:
            fate = self._fate_of(other.job) if other.job else Fate.UNKNOWN
            if fate is Fate.DEAD:
                return False
            if fate is Fate.LOST:
                left = DOUBT_SECONDS
            time.sleep(WATCH_SECONDS)
            now = read(self.folder)
            if now is None or now.owner != other.owner:
                return now is not None and now.alive
            if now.beat != other.beat:
                return True
        return False

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._heart.join()
        current = read(self.folder)
        if current is not None and current.owner == self.lease.owner and not self._doubtful:
            if self.asked_by:
                self.folder.delete(layout.STOP)
            self.folder.delete(layout.LEASE)
            if (place := self.folder.local()) is not None:
                with contextlib.suppress(OSError):  # unless it is empty: what was refused leaves no folder
                    place.rmdir()

    def _bytes(self) -> bytes:
        return json.dumps(asdict(self.lease)).encode()

    def _beat(self) -> None:
        due = time.monotonic() + HEARTBEAT_SECONDS
        while not self._ended.wait(min(LOOK_SECONDS, HEARTBEAT_SECONDS)):
            with contextlib.suppress(WorkError):  # a full disk is for the driver itself to meet and tell
                self._meet_request()
                if time.monotonic() >= due:
                    due = time.monotonic() + HEARTBEAT_SECONDS
                    self._replace(beat=time.time())

    def _meet_request(self) -> None:
        """Pass a request to stop on to the main thread, once, as soon as that handles signals."""
        if self.asked_by or not callable(signal.getsignal(signal.SIGTERM)):
            return
        self.asked_by = stop_request.asked_by(self.folder, self.lease.owner)
        main = threading.main_thread().ident
        if self.asked_by and main is not None:
            signal.pthread_kill(main, signal.SIGTERM)

    def stop(self) -> None:
        """Ask all trials to write a checkpoint and end."""
        self._replace(stopping=True)

    def drives(self, job: str) -> None:
        """Note how Ray names this driver."""
        self._replace(job=job)

    def check(self) -> None:
        """Refuse to go on where the sweep is another's; the lease is read where that was long ago.

        Raises:
            TakenOverError: saying who has it.
        """
        if not self._lost and _now() - self._sure > SURE_SECONDS:
            with self._lock:
                self._look()
        if self._lost:
            raise TakenOverError(self._lost)

    def _look(self) -> None:
        """Look whether the lease is still this one's. One that is damaged is: it is written anew.

        So is that of the owner from whom it was taken over: a write of that one was on its way and has come late.
        """
        current = read(self.folder)
        if current is None and not self.folder.exists(layout.LEASE):
            self._lost = "another process has taken this sweep over, and has ended since"
        elif current is not None and self.taken_over and current.owner == self.taken_over.owner:
            self.folder.write(layout.LEASE, self._bytes())
        elif current is not None and current.owner != self.lease.owner:
            self._lost = f"pid {current.pid} on {current.host} has taken this sweep over"
        if self._lost:
            self._lost += (
                ", because nothing was heard of this process for a while: this one has written nothing since. Look on "
                f"with 'sweep watch {called(self.folder)}'"
            )
        self._sure = _now()

    def _replace(self, **changes: Any) -> None:  # noqa: ANN401 - fields of `Lease`
        with self._lock:
            self.lease = replace(self.lease, **changes)
            self._look()
            if self._lost:
                return
            self.folder.write(layout.LEASE, self._bytes())
            if _now() - self._sure > SURE_SECONDS:
                # It may have come so late that another owner has taken over, who writes its own again. Nobody is sure
                # before that: `check` waits for the lock.
                # Where this one ends before, the lease is left to grow old.
                self._doubtful = self._ended.wait(SURE_SECONDS)
                self._look()


def _now() -> float:
    """Give seconds that go on while a process, or its machine, sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
