"""Being asked to stop: by Ctrl-C, by whoever ends the process politely, by a terminal or pipe that is gone.

SIGTERM comes from ``timeout``, Slurm, systemd and clouds that take a machine back, often more than once and to every
process of the group; SIGHUP from a terminal that is closed. All of them mean what Ctrl-C means.
"""

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from ganlib.errors import WorkError
from sweep.terminal import outlet

POLITE = (signal.SIGTERM, signal.SIGHUP)
RETRY_SECONDS = 2.0
AGAIN_SECONDS = 0.5
"""A Ctrl-C sooner after the first is the same one: ``timeout -s INT`` signals the process and its group."""
Handler = Callable[[int, FrameType | None], object]


@contextlib.contextmanager
def handling(
    handler: Handler, numbers: Sequence[signal.Signals], after: signal.Handlers | None = None
) -> Iterator[None]:
    """Call a function at these signals; at the end what was done before is done again, or ``after``.

    A SIGHUP that is ignored (``nohup``) stays so. In another thread than the main one nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers if not _nohup(number)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, after or (old if old is not None else signal.SIG_DFL))


def _nohup(number: int) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN


def as_interrupt(number: int, frame: FrameType | None) -> None:
    """Handle polite signals as Ctrl-C: whatever is done ends, and is not disturbed again in ending."""
    for polite in POLITE:
        signal.signal(polite, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextlib.contextmanager
def explained(then: str) -> Iterator[None]:
    """Say what an interruption leaves behind and what to do, in place of a bare "Aborted!".

    Raises:
        WorkError: where the block was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise WorkError(f"interrupted; {then}") from None


class Stopper:
    """Asks a running sweep to stop, once; a second Ctrl-C leaves at once.

    Signals come in the midst of anything, so that the handler itself neither writes nor prints: a thread does.

    Args:
        stopping: Whether that was asked for already.
        stop: Start no more trials; must be quick and must not fail.
        tell_trials: Ask the running ones to write a checkpoint and end; tried again while it raises `WorkError`.
        say: Tells a person.
        asked_by: Names who has asked by way of the sweep's folder; empty where a signal is only a signal.
    """

    def __init__(
        self,
        stopping: Callable[[], bool],
        stop: Callable[[], None],
        tell_trials: Callable[[], None],
        say: Callable[[str], None],
        asked_by: Callable[[], str] = lambda: "",
    ) -> None:
        self._stopping, self._stop, self._tell_trials, self._say = stopping, stop, tell_trials, say
        self._asked_by = asked_by
        self._asked: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._since = 0.0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sweep-stop", daemon=True)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Until the end of the block."""
        self._thread.start()
        try:
            with handling(self._signalled, (signal.SIGINT, *POLITE)):
                outlet.on_loss(lambda reason: self.ask(f"the output was closed ({reason})"))
                yield
        finally:
            outlet.on_loss(lambda reason: None)
            self._closed.set()
            self._asked.put(None)
            self._thread.join()

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._stopping():
            if time.monotonic() - self._since > AGAIN_SECONDS:
                raise KeyboardInterrupt
            return
        # A polite end often comes twice, to the process and to its group; that is no second Ctrl-C.
        by = self._asked_by()
        why = f"'sweep stop' of {by}" if by else signal.Signals(number).name
        self.ask("" if number == signal.SIGINT else why)

    def ask(self, why: str) -> None:
        """Stop, unless that was asked for already."""
        if not self._stopping():
            self._since = time.monotonic()
            self._stop()
            self._asked.put(why)

    def _work(self) -> None:
        while (why := self._asked.get()) is not None:
            hint = "" if why else " Press Ctrl-C again to leave at once."
            reason = f" ({why})" if why else ""
            self._say(f"stopping{reason}: running trials write a checkpoint and end.{hint}")
            told = False
            while not told:
                try:
                    self._tell_trials()
                    told = True
                except WorkError:
                    told = self._closed.wait(RETRY_SECONDS)
