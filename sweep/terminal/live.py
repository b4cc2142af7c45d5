"""Draw the live table of a sweep on a terminal, in the width and height that there are."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ganlib.names import METRICS
from sweep.driver.events import Event
from sweep.formatting import brief, clock
from sweep.records.progress import Progress, Shown, best_trial, metric_label, reached, short_params
from sweep.records.status import Status
from sweep.records.trial_state import Trial
from sweep.terminal.tables import STYLES

MOST_ROWS = 24
WIDE, LOSSES, CONFIGURATION = 100, 76, 60
"""Widths from which both losses have a column of their own, from which they share one, and from which the
configuration is shown."""


class LiveTable:
    """The table on a terminal, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live: Live | None = None
        self._drawn = 0.0

    def open(self, director: Shown, elapsed: Callable[[], float]) -> None:  # noqa: D102 - see View
        self.director, self.progress = director, Progress(director, elapsed)
        self.live = Live(self._render(), console=self.console, refresh_per_second=4, transient=True)
        self.live.start()

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:  # noqa: D102
        with self.console.status(Text(what)):
            yield

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

    def result(self, values: dict[str, Any], told: Callable[[], None] | None = None) -> None:  # noqa: D102
        if told:
            told()

    def _update(self) -> None:
        if self.live:
            self._drawn = time.monotonic()
            self.live.update(self._render())

    def _render(self, everything: bool = False) -> Group:
        trials = sorted(self.director.trials.values(), key=_order)
        if everything:
            return self._page(trials, len(trials))
        # As many as the terminal is high; how many lines each takes depends on its width.
        low, high = 1, min(len(trials), MOST_ROWS)
        while low < high:
            middle = (low + high + 1) // 2
            lines = self.console.render_lines(self._page(trials, middle), pad=False)
            low, high = (middle, high) if len(lines) < self.console.height else (low, middle - 1)
        return self._page(trials, low)

    def _page(self, trials: Sequence[Trial], rows: int) -> Group:
        width = self.console.width
        wide, configuration = width >= WIDE, width >= CONFIGURATION
        losses = ["loss g", "loss d"] if wide else ["loss g, d"] if width >= LOSSES else []
        metric = self.director.spec.search.metric
        called = METRICS[metric].name(self.director.info.extractor)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("trial", "status"):
            table.add_column(name, no_wrap=True)
        for name in ("kimg", *losses, called, "best", *(["result"] if wide else [])):
            table.add_column(name, justify="right", no_wrap=True)
        if configuration:
            table.add_column("configuration", overflow="fold")
        for trial in trials[:rows]:
            row, best = trial.last_row, trial.best
            loss = [row.get("loss_g"), row.get("loss_d")]
            told = [brief(value) for value in loss] if wide else [" ".join(map(_short, loss))]
            cells: list[str | Text] = [
                str(trial.number),
                Text(trial.verdict or trial.status, style=STYLES[trial.status]),
                f"{reached(trial):.1f}",
                *(told if losses else []),
                _newest(trial, metric, wide),
                brief(best.value if best else None),
                *([brief(trial.value)] if wide else []),
            ]
            table.add_row(*cells, *([Text(short_params(trial.params), style="dim")] if configuration else []))
        hidden = len(trials) - rows
        more = [Text(f"... and {hidden} more", style="dim")] if hidden > 0 else []
        return Group(table, *more, Text(self._foot()))

    def _foot(self) -> str:
        trials = self.director.trials.values()
        counts: dict[str, int] = {}
        for trial in trials:
            counts[trial.status] = counts.get(trial.status, 0) + 1
        parts = [f"{count} {status}" for status, count in counts.items()]
        best = best_trial(self.director)
        if best and best.value is not None:
            parts.append(f"best result {brief(best.value)} (trial {best.number})")
        elif best and best.best:
            parts.append(f"best so far {brief(best.best.value)} (trial {best.number})")
        eta = self.progress.eta()
        parts.append(f"{clock(self.progress.elapsed)} elapsed")
        if eta:
            parts.append(f"about {clock(eta)} to go")
        timed = self.director.spec.search.time is not None
        of = f"{len(trials)}" if timed else f"{len(trials)} of {self.director.info.trials}"
        results = any(trial.value is not None for trial in trials)
        starred = "; *: result" if results and self.console.width < WIDE else ""
        return f"{of} trials: {', '.join(parts)}. Metric: {metric_label(self.director)}{starred}"


def _newest(trial: Trial, metric: str, wide: bool) -> str:
    """Show a trial's newest value of the metric; its result where there is no room for a column of results."""
    if not wide and trial.value is not None:
        return f"{brief(trial.value)}*"
    count = trial.last_row.get("n_fake")
    return brief(trial.last_row.get(metric)) + (f" ({count})" if wide and count else "")


def _order(trial: Trial) -> tuple[int, tuple[int, float], int]:
    """Order trials for the table: running ones first, then the best."""
    standing = (4, 0.0) if trial.status.out_of_play else trial.standing
    return (trial.status is not Status.RUNNING, standing, trial.number)


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:z.2f}" if abs(value) < 100 else f"{value:.0f}"
