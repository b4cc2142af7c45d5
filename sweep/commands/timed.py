"""The time that a spec gives its sweep (``search.time``): when it is over, and what it is then."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from ganlib.errors import RequestError
from sweep import durations
from sweep.driver.director import Director
from sweep.formatting import clock
from sweep.records.progress import Noted
from sweep.records.sweep_info import SweepInfo
from sweep.spec.sections import MOST_TRIALS
from sweep.spec.specification import Spec
from sweep.storage.folder import Folder

LEAST = 20.0
"""Seconds below which a sweep is given no time: starting takes as long."""
ROOM = 50, 1000
"""A sweep that has a time may have so many times the trials that are foretold or were there, and so many more: the
clock ends it and not their number, even if all end at the first rung, and the machine was busy when it was measured."""


def at_most(trials: int) -> int:
    """Say how many trials a sweep may have that its time ends, where so many are foretold or were there before."""
    return min(ROOM[0] * trials + ROOM[1], MOST_TRIALS)


def limit(director: Director, elapsed: Callable[[], float], began: float, say: Callable[[str], None]) -> None:
    """Let a director end its sweep in time.

    Args:
        director: About to begin.
        elapsed: Gives the seconds for which trials have run, over all resumes.
        began: When this driver began, by `time.monotonic`: getting ready counts as well.
        say: Told when it will end.
    """
    search = director.spec.search
    seconds = search.seconds
    if seconds < math.inf:
        seconds -= time.monotonic() - began
        director.hours.limit(lambda: seconds - elapsed(), search.seconds)
        left = max(seconds - elapsed(), 0.0)
        end = time.strftime("%H:%M", time.localtime(time.time() + left))
        say(f"it ends at {end}, in {clock(left)}, with the best there is then (search.time: {search.time})")


def settle(director: Director) -> None:
    """Write down that a sweep has as many trials as have begun, where others will not come.

    That is when its time is over, or nothing is left to try.
    """
    trials, info = director.trials, director.info
    no_more = director.spec.search.time is not None or bool(director.source.spent)
    ended = not director.stopping and not any(trial.unfinished or trial.due for trial in trials.values())
    if no_more and ended and len(trials) < info.trials:
        director.info = replace(info, trials=len(trials))
        director.info.write(director.folder)


def more_time(
    folder: Folder, spec: Spec, info: SweepInfo, trials: int, more: float
) -> tuple[Spec, SweepInfo]:
    """Give a sweep so many seconds from now on; not on record yet.

    Args:
        folder: Of the sweep.
        spec: As it was.
        info: As it was.
        trials: How many there may be at most.
        more: The seconds.

    Raises:
        RequestError: if they are too few for anything.
    """
    if more < LEAST:
        raise RequestError(
            f"--time: {durations.text(more)} is too short: give at least {durations.text(LEAST)}"
        )
    elapsed = (Noted.read(folder) or Noted()).elapsed
    search = spec.search.model_copy(update={"time": durations.text(elapsed + more), "trials": trials})
    return replace(spec, search=search), replace(info, trials=trials)


def untimed(spec: Spec, info: SweepInfo, begun: int) -> tuple[Spec, SweepInfo]:
    """Take the limit of time from a sweep, and the trials that have not begun: they were as many as would come."""
    if spec.search.time is None:
        return spec, info
    trials = begun or info.trials
    search = spec.search.model_copy(update={"time": None, "trials": trials})
    return replace(spec, search=search), replace(info, trials=trials)
