"""What a process lends to one of several trials that it trains side by side."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ganlib.training.fit import Fit
from sweep.worker.watchdog import Watchdog


@dataclass(frozen=True)
class Lent:
    """What a trial gets of its process.

    Attributes:
        turn: Seconds for which it trains at most, where it has nothing to report, before others do.
        patience: Says for how many seconds it waits at most for what is measured aside, before others train;
            None where there are none.
        watchdog: Told when it lives; None for one of its own.
        used: What an earlier trial was trained by, see `ganlib.training.fit.Fit`.
        leaving: Says why the machine is about to be taken away; empty as long as it is not.
    """

    turn: float = math.inf
    patience: Callable[[], float] | None = None
    watchdog: Watchdog | None = None
    used: Fit | None = None
    leaving: Callable[[], str] = lambda: ""
