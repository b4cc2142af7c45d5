"""Show a running sweep to a person or a program: as a live table, plain lines, or JSON lines."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, repeat
from typing import Any, Protocol

from rich.console import Console

from sweep.driver.events import Event
from sweep.formatting import brief, clock
from sweep.records.progress import Progress, Shown, described, metric_label, reached, short_params
from sweep.records.schemas import to_json
from sweep.records.status import Status
from sweep.records.trial_state import Trial
from sweep.terminal.live import LiveTable
from sweep.terminal.notebook import NotebookView, in_notebook
from sweep.terminal.outlet import for_people

FIRST_PAUSES = (5.0, 10.0, 15.0)
"""Seconds between two signs of life; later half a minute."""


class View(Protocol):
    """Something that shows a sweep's progress."""

    def open(self, director: Shown, elapsed: Callable[[], float]) -> None:
        """Begin to show trials that are about to start; ``elapsed`` is the sweep's clock, in seconds."""

    def event(self, event: Event) -> None:
        """Show an event."""

    def say(self, text: str) -> None:
        """Tell a person a sentence."""

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Show a person that work goes on that may take a while."""

    def beat(self) -> None:
        """Show that time passes; called often."""

    def close(self) -> None:
        """End the view of trials that have ended."""

    def result(self, values: dict[str, Any], told: Callable[[], None] | None = None) -> None:
        """Show the outcome: to a program its ``values``, to a person what ``told`` prints, if anything."""


@contextmanager
def ticking(what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say what is being done, then now and then that it still is."""
    say(f"{what} ...")
    ended, started = threading.Event(), time.monotonic()

    def tick() -> None:
        for pause in chain(FIRST_PAUSES, repeat(30.0)):
            if ended.wait(pause):
                return
            say(f"still {what} ({clock(time.monotonic() - started)})")

    thread = threading.Thread(target=tick, name="sweep-tick", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class PlainLines:
    """One line an event, for logs and pipes; what happens before `open` (a crash's loose ends) is not told.

    Args:
        looking_on: Nothing is done, so that a reader who leaves misses nothing; otherwise stderr gets the rest.
    """

    def __init__(self, looking_on: bool = False) -> None:
        self.progress: Progress | None = None
        self._looking_on = looking_on

    def open(self, director: Shown, elapsed: Callable[[], float]) -> None:  # noqa: D102
        self.director, self.progress = director, Progress(director, elapsed)
        self.label = metric_label(director)

    def waiting(self, what: str) -> AbstractContextManager[None]:  # noqa: D102
        return ticking(what, self.say)

    def event(self, event: Event) -> None:  # noqa: D102
        trial, progress = event.trial, self.progress
        if trial is None or progress is None:
            return
        time = "" if event.past else f"[{clock(progress.elapsed)}] "
        head = f"{time}trial {trial.number}"
        if event.kind == "start":
            again = f" (attempt {trial.attempt + 1})" if trial.attempt else ""
            begins = "goes on" if trial.kimg else "starts"
            self.say(f"{head} {begins}{again}: {short_params(trial.params)}")
        else:
            self.say(f"{head} {self._told(event, trial)}")

    def _told(self, event: Event, trial: Trial) -> str:
        row = trial.last_row
        value = row.get(self.director.spec.search.metric)
        state = (
            f"at {reached(trial):.1f} kimg: {self.label} {brief(value)} on {row.get('n_fake') or 0} pictures, "
            f"loss g {brief(row.get('loss_g'))}, "
            f"d {brief(row.get('loss_d'))}"
        )
        if event.kind == "evaluation":
            eta = self.progress.eta() if self.progress else None
            return state + (f", about {clock(eta)} to go" if eta else "")
        if event.kind == "result":
            return f"result: {described(trial)}"
        if event.kind == Status.COLLAPSED:
            return f"collapsed ({trial.verdict}) {state}"
        if event.kind == "rollback":
            return f"rolled back ({event.detail['kind']}) {state}"
        if event.kind in (Status.FAILED, "restart"):
            reason = event.detail.get("failure") or event.detail.get("reason")
            return f"{'is tried again' if event.kind == 'restart' else 'failed'}: {reason}"
        words: dict[str, str] = {
            Status.STOPPED: "stopped by ASHA",
            Status.FINISHED: "finished",
            Status.EXPIRED: "expired, for the time of the sweep is over,",
            Status.INTERRUPTED: "interrupted",
        }
        if event.kind == Status.STOPPED and "variety" in event.detail:
            state = f"for too little variety, {event.detail['variety']:.0%} of the real pictures', {state}"
        return f"{words.get(event.kind, event.kind)} {state}"

    def say(self, text: str) -> None:  # noqa: D102
        print(text, file=sys.stdout if self._looking_on else for_people(), flush=True)

    def beat(self) -> None:  # noqa: D102
        pass

    def close(self) -> None:  # noqa: D102
        pass

    def result(self, values: dict[str, Any], told: Callable[[], None] | None = None) -> None:  # noqa: D102
        if told:
            told()


class JsonLines:
    """One JSON object a line; the last has ``event: end``."""

    def open(self, director: Shown, elapsed: Callable[[], float]) -> None:  # noqa: D102
        self.director = director

    def waiting(self, what: str) -> AbstractContextManager[None]:  # noqa: D102
        return ticking(what, self.say)

    def event(self, event: Event) -> None:  # noqa: D102
        trial = event.trial
        about = {}
        if trial:
            about = {
                "trial": trial.number,
                "attempt": trial.attempt,
                "status": trial.status,
                "verdict": trial.verdict,
                "kimg": trial.kimg,
                "best": trial.best.value if trial.best else None,
                "result": trial.value,
                "params": trial.params,
            }
        detail = dict(event.detail) if event.detail else {}
        self._line({"event": event.kind, "time": round(time.time(), 3), **about, "detail": detail})

    def _line(self, values: dict[str, Any]) -> None:
        print(to_json(values), flush=True)

    def say(self, text: str) -> None:
        """Tell a person a sentence, on stderr."""
        print(text, file=sys.stderr, flush=True)

    def beat(self) -> None:  # noqa: D102
        pass

    def close(self) -> None:  # noqa: D102
        pass

    def result(self, values: dict[str, Any], told: Callable[[], None] | None = None) -> None:
        """Print the last line, the outcome."""
        self._line({"event": "end", **values})


def view_for(as_json: bool, looking_on: bool = False) -> View:
    """Choose a view: JSON if asked for, a table on a terminal, a cell in a notebook, lines elsewhere."""
    if as_json:
        return JsonLines()
    if in_notebook():
        return NotebookView()
    console = Console()
    return LiveTable(console) if console.is_terminal else PlainLines(looking_on)
