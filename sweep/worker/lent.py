"""What a process lends to one of several trials that it trains side by side."""

import math
from dataclasses import dataclass

from ganlib.training.fit import Fit
from sweep.worker.watchdog import Watchdog


@dataclass(frozen=True)
class Lent:
    """What a trial gets of its process; a trial that is alone there needs nothing of it.

    Attributes:
        turn: Seconds for which it trains at most, where it has nothing to report, before others do.
        watchdog: Told when it lives; None for one of its own.
        used: What an earlier trial was trained by, see `ganlib.training.fit.Fit`.
    """

    turn: float = math.inf
    watchdog: Watchdog | None = None
    used: Fit | None = None
