"""A watchdog for one process: it ends the process when nothing has happened for a while.

A stuck step (a driver bug, a dead network disk) never returns, so that nothing in the process itself can notice.
`faulthandler` can: its timer lives in a thread of C, writes where every thread hangs to the worker's log and ends
the process. A process that was stopped from outside (SIGSTOP) needs the driver's watch beside it.
"""

import faulthandler
import time

REARM_SECONDS = 1.0


class Watchdog:
    """Ends the process ``seconds`` after it was last fed. Zero seconds: never.

    It bites only between `feed` and `rest`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._armed = 0.0

    def feed(self) -> None:
        """Note a sign of life. Cheap enough for every training step."""
        now = time.monotonic()
        if self.seconds > 0 and now - self._armed > min(REARM_SECONDS, self.seconds / 10):
            self._armed = now
            faulthandler.dump_traceback_later(self.seconds, exit=True)

    def rest(self) -> None:
        """Expect nothing to happen until it is fed again."""
        self._armed = 0.0
        if self.seconds > 0:
            faulthandler.cancel_dump_traceback_later()
