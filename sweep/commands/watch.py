"""Looking on while a sweep runs, from another terminal or another machine: the view of `sweep run`, from its folder.

Only reads, so that any number may look, and needs neither ray nor torch.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sweep.driver.events import Event
from sweep.records.catalog import Sweep
from sweep.records.journal import remembered
from sweep.records.progress import Noted, outcome
from sweep.records.status import Status
from sweep.records.trial_state import Trial
from sweep.results.state import State, state_of
from sweep.spec.specification import parse
from sweep.storage import lease
from sweep.storage.called import called
from sweep.storage.layout import SPEC
from sweep.terminal import outlet
from sweep.terminal.views import View

LOOK_SECONDS = 2.0


class Watched:
    """A sweep as its folder shows it; what a view needs of a director.

    Attributes:
        spec: What was asked for.
        info: its facts.
        trials: As of the last `refresh`.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._take(sweep)
        self.trials: dict[int, Trial] = {}
        self.noted: Noted | None = None
        self._alive = False
        self._seen: dict[int, tuple[int, str, float]] = {}
        self._measured: set[int] = set()

    def _take(self, sweep: Sweep) -> None:
        self.sweep, self.info = sweep, sweep.info
        self.spec = parse(sweep.spec_text(), f"{sweep.folder}/{SPEC}")

    def refresh(self) -> list[Event]:
        """Read the folder; returns what is new. At first that is the state of every trial."""
        now = self.sweep.again()
        if now.info != self.info:
            self._take(now)
        found = list(remembered(self.sweep.store, self.spec.search))
        self.noted = Noted.read(self.sweep.folder)
        moments = (self.noted and self.noted.kimg) or {}
        for trial, _ in found:
            trial.now_kimg = moments.get(trial.number, 0.0)
            self.trials[trial.number] = trial
        return [event for trial, rows in found for event in self._news(trial, rows)]

    def _news(self, trial: Trial, rows: list[dict[str, Any]]) -> list[Event]:
        attempt, status, kimg = self._seen.get(trial.number, (-1, "", -1.0))
        self._seen[trial.number] = trial.attempt, trial.status, trial.kimg
        measured = trial.result is not None and trial.number not in self._measured
        if measured:
            self._measured.add(trial.number)
        events = []
        if trial.attempt > attempt and trial.status is Status.RUNNING:
            events.append(Event("start", trial))
        ended = trial.status != status and trial.status is not Status.RUNNING
        fresh: list[Mapping[str, Any]] = [row for row in rows if row["kimg"] > kimg]
        if not status:  # of the past, only where a trial is now
            fresh = [] if ended else fresh[-1:]
        events += [Event("evaluation", trial, row) for row in fresh]
        if ended:
            events.append(Event(trial.status, trial))
        events += [Event("result", trial)] if measured else []
        return [replace(event, past=True) for event in events] if not status else events

    @property
    def running(self) -> bool:
        """Whether somebody runs it now."""
        self._alive = lease.living(self.sweep.folder) is not None
        return self._alive

    def elapsed(self) -> float:
        """Read the sweep's clock, in seconds; before its driver has written it, what trials took at least."""
        if self.noted is None:
            return max((t.seconds_train + t.seconds_eval for t in self.trials.values()), default=0.0)
        return self.noted.elapsed_now(self._alive)

    @property
    def complete(self) -> bool:
        """Whether it has nothing left to do."""
        return state_of(self.sweep, self.sweep.store.rows) is State.DONE


def watch(sweep: Sweep, view: View) -> None:
    """Show a sweep until nobody runs it any more, or the person has seen enough (Ctrl-C).

    Raises:
        RequestError: if its spec is gone.
        WorkError: if its records cannot be read.
    """
    watched = Watched(sweep)
    _, news = watched.running, watched.refresh()
    view.open(watched, watched.elapsed)
    held = lease.living(sweep.folder)
    if held is not None and time.time() - held.beat < -lease.AHEAD_SECONDS:
        view.say(f"it is run by {held.described(sweep.folder)}")
    try:
        while True:
            running = watched.running  # before looking: what was written until then is seen
            for event in [*news, *watched.refresh()]:
                view.event(event)
            news = []
            view.beat()
            if outlet.is_lost():
                return
            if not running:
                break
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        view.close()
    if watched.complete:
        for line in outcome(watched, watched.elapsed()):
            view.say(line)
        view.say(f"'{sweep.name}' is done: {sweep.folder}")
    else:
        view.say(f"nobody runs '{sweep.name}' now; go on with 'sweep resume {called(sweep.folder)}'")
