"""What a person or a program sees while a sweep runs: a live table, plain lines, or JSON lines."""

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sweep.events import Event
from sweep.schemas import to_json
from sweep.spec import Spec
from sweep.tables import STYLES
from sweep.trials import Trial

ROWS = 24


class Shown(Protocol):
    """What a view needs of a sweep: a `Director` has it, and so has `sweep.watch.Watched`."""

    @property
    def spec(self) -> Spec:
        """What was asked for."""

    @property
    def info(self) -> Mapping[str, Any]:
        """The facts of the sweep."""

    @property
    def trials(self) -> Mapping[int, Trial]:
        """All trials so far."""


class View(Protocol):
    """Something that shows a sweep's progress."""

    def open(self, director: Shown) -> None:
        """The trials are about to start."""

    def event(self, event: Event) -> None:
        """Something happened."""

    def say(self, text: str) -> None:
        """A sentence for a person."""

    def beat(self) -> None:
        """Called often; time may be shown."""

    def close(self) -> None:
        """The trials have ended."""


def number(value: float | None) -> str:
    """A metric or a loss in few characters."""
    if value is None:
        return "-"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"


def short_params(params: dict[str, Any]) -> str:
    """The searched values of a trial in one line, without their sections."""
    parts = []
    for path, value in params.items():
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        parts.append(f"{path.rsplit('.', 1)[-1]}={shown}")
    return " ".join(parts)


def duration(seconds: float) -> str:
    """Such as ``1:02:03`` or ``4:05``."""
    minutes, secs = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def described(trial: Trial) -> str:
    """A trial's result in words: the metric with its error, on how many pictures, and where its best was."""
    result = trial.result or {}
    if trial.value is None:
        return str(result.get("problem") or "no finite number")
    error = f" ± {number(result['kid_se'])}" if trial.metric == "kid" else ""
    return (
        f"{trial.metric.upper()} {number(trial.value)}{error} on {result['n_fake']} pictures, of the generator at "
        f"{result['kimg']:.1f} kimg"
    )


def metric_label(director: Shown) -> str:
    """The metric with its extractor: an EfficientNet FID is never called plain FID."""
    return f"{director.spec.search.metric.upper()} ({director.info['extractor']})"


class Progress:
    """How far a sweep is, and about how long it will still take."""

    def __init__(self, director: Shown) -> None:
        self.director, self.started = director, time.monotonic()
        self.before = self._trained()

    def _trained(self) -> float:
        return sum(max(trial.kimg, trial.now_kimg) for trial in self.director.trials.values())

    @property
    def elapsed(self) -> float:
        """Seconds since the trials started."""
        return time.monotonic() - self.started

    def eta(self) -> float | None:
        """Seconds left: what ended trials took on average, for all that is still to come; None at first."""
        trials = list(self.director.trials.values())
        ended = [trial.kimg for trial in trials if not trial.unfinished]
        done = self._trained() - self.before
        if not ended or done <= 0:
            return None
        mean = sum(ended) / len(ended)
        waiting = self.director.spec.search.trials - len(trials)
        open_trials = [max(mean - t.kimg, 0) for t in trials if t.status == "running"]
        return (sum(open_trials) + waiting * mean) * self.elapsed / done


class LiveTable:
    """The table on a terminal, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live: Live | None = None
        self._drawn = 0.0

    def open(self, director: Shown) -> None:  # noqa: D102 - see View
        self.director, self.progress, self.label = director, Progress(director), metric_label(director)
        self.live = Live(self._render(), console=self.console, refresh_per_second=4, transient=True)
        self.live.start()

    def event(self, event: Event) -> None:  # noqa: D102
        self._update()

    def say(self, text: str) -> None:  # noqa: D102
        self.console.print(text, highlight=False, markup=False)

    def beat(self) -> None:  # noqa: D102
        if time.monotonic() - self._drawn > 0.5:
            self._update()

    def close(self) -> None:  # noqa: D102
        if self.live:
            self.live.stop()
            self.live = None
            self.console.print(self._render(everything=True))

    def _update(self) -> None:
        if self.live:
            self._drawn = time.monotonic()
            self.live.update(self._render())

    def _render(self, everything: bool = False) -> Group:
        trials = sorted(self.director.trials.values(), key=_order)
        shown = trials if everything else trials[:ROWS]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("trial", "status"):
            table.add_column(name, no_wrap=True)
        for name in ("kimg", "loss g", "loss d", self.label, "best", "result"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("configuration", overflow="fold")
        metric = self.director.spec.search.metric
        for trial in shown:
            row, best = trial.last_row, trial.best
            status = Text(trial.verdict or trial.status, style=STYLES[trial.status])
            table.add_row(
                str(trial.number),
                status,
                f"{max(trial.kimg, trial.now_kimg):.1f}",
                number(row.get("loss_g")),
                number(row.get("loss_d")),
                number(row.get(metric)),
                number(best.value if best else None),
                number(trial.value),
                Text(short_params(trial.params), style="dim"),
            )
        hidden = len(trials) - len(shown)
        more = [Text(f"... and {hidden} more", style="dim")] if hidden else []
        return Group(table, *more, Text(self._foot()))

    def _foot(self) -> str:
        trials = self.director.trials.values()
        counts: dict[str, int] = {}
        for trial in trials:
            counts[trial.status] = counts.get(trial.status, 0) + 1
        parts = [f"{count} {status}" for status, count in counts.items()]
        best = best_trial(self.director)
        if best and best.value is not None:
            parts.append(f"best result {number(best.value)} (trial {best.number})")
        elif best and best.best:
            parts.append(f"best so far {number(best.best.value)} (trial {best.number})")
        eta = self.progress.eta()
        parts.append(f"{duration(self.progress.elapsed)} elapsed")
        if eta:
            parts.append(f"about {duration(eta)} to go")
        total = self.director.spec.search.trials
        return f"{len(trials)} of {total} trials: " + ", ".join(parts)


def best_trial(director: Shown) -> Trial | None:
    """The trial with the best result, or the best so far; collapsed and failed ones never win."""
    able = [t for t in director.trials.values() if t.best and t.status not in ("collapsed", "failed")]
    return min(able, key=lambda trial: trial.standing, default=None)


def _order(trial: Trial) -> tuple[int, tuple[int, float], int]:
    """Running trials first, then the best."""
    dead = trial.status in ("collapsed", "failed")
    return (trial.status != "running", (3, 0.0) if dead else trial.standing, trial.number)


class PlainLines:
    """One line an event, for logs and pipes; what happens before `open` (a crash's loose ends) is not told."""

    def __init__(self) -> None:
        self.progress: Progress | None = None

    def open(self, director: Shown) -> None:  # noqa: D102
        self.director, self.progress, self.label = director, Progress(director), metric_label(director)

    def event(self, event: Event) -> None:  # noqa: D102
        trial, progress = event.trial, self.progress
        if trial is None or progress is None:
            return
        head = f"[{duration(progress.elapsed)}] trial {trial.number}"
        if event.kind == "start":
            again = f" (attempt {trial.attempt + 1})" if trial.attempt else ""
            print(f"{head} starts{again}: {short_params(trial.params)}")
        else:
            print(f"{head} {self._told(event, trial)}")
        sys.stdout.flush()

    def _told(self, event: Event, trial: Trial) -> str:
        row = trial.last_row
        value = row.get(self.director.spec.search.metric)
        state = (
            f"at {trial.kimg:.1f} kimg: {self.label} {number(value)}, loss g {number(row.get('loss_g'))}, "
            f"d {number(row.get('loss_d'))}"
        )
        if event.kind == "evaluation":
            eta = self.progress.eta() if self.progress else None
            return state + (f", about {duration(eta)} to go" if eta else "")
        if event.kind == "result":
            return f"result: {described(trial)}"
        if event.kind == "collapsed":
            return f"collapsed ({trial.verdict}) {state}"
        if event.kind == "rollback":
            return f"rolled back ({event.detail['kind']}) {state}"
        if event.kind in ("failed", "restart"):
            reason = event.detail.get("failure") or event.detail.get("reason")
            return f"{'is tried again' if event.kind == 'restart' else 'failed'}: {reason}"
        words = {"stopped": "stopped by ASHA", "finished": "finished", "interrupted": "interrupted"}
        return f"{words.get(event.kind, event.kind)} {state}"

    def say(self, text: str) -> None:  # noqa: D102
        print(text, flush=True)

    def beat(self) -> None:  # noqa: D102
        pass

    def close(self) -> None:  # noqa: D102
        pass


class JsonLines:
    """One JSON object a line; the last has ``event: end``."""

    def open(self, director: Shown) -> None:  # noqa: D102
        self.director = director

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
        """Sentences are for people: they go to stderr."""
        print(text, file=sys.stderr, flush=True)

    def beat(self) -> None:  # noqa: D102
        pass

    def close(self) -> None:  # noqa: D102
        pass

    def result(self, values: dict[str, Any]) -> None:
        """The last line."""
        self._line({"event": "end", **values})


def view_for(as_json: bool) -> LiveTable | PlainLines | JsonLines:
    """JSON if asked for; a table on a terminal; lines elsewhere."""
    if as_json:
        return JsonLines()
    console = Console()
    return LiveTable(console) if console.is_terminal else PlainLines()
