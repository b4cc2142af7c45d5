"""Show a sweep in a notebook: one output that is drawn anew, with curves, trials and the pictures of the best."""

import html
import io
import math
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PIL import Image

from ganlib.data.sheet import png
from ganlib.errors import WorkError
from sweep.driver.events import Event
from sweep.formatting import brief, clock, count
from sweep.records.catalog import Sweep
from sweep.records.progress import Progress, Shown, best_trial, metric_label, short_params
from sweep.records.trial_state import Trial, ranked
from sweep.results.leaderboard import Entry, Leaderboard
from sweep.storage import layout
from sweep.storage.folder import Folder

PAUSE_SECONDS = 2.0
"""Between two drawings."""
ROWS = 8
"""Trials in the table."""
SIDE = 320
"""Pixels of the pictures' longer side."""
WIDTH, HEIGHT, MARGIN = 420, 200, 34
"""Of the curves, in pixels."""
LINES = 6
"""Sentences that stay to be seen."""


def in_notebook() -> bool:
    """Tell whether this runs in a kernel of Jupyter, whose cells show HTML."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "ipykernel" in sys.modules


class NotebookView:
    """One output of a cell, drawn anew every `PAUSE_SECONDS`; see `sweep.terminal.views.View`."""

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html: Callable[[str], Any] = HTML
        self._said: list[str] = []
        self._shown: Shown | None = None
        self._progress: Progress | None = None
        self._drawn = 0.0
        self._handle = display(HTML(""), display_id=True)

    def open(self, director: Shown, elapsed: Callable[[], float]) -> None:  # noqa: D102 - see View
        self._shown, self._progress = director, Progress(director, elapsed)
        self._draw()

    def event(self, event: Event) -> None:  # noqa: D102
        self.beat()

    def say(self, text: str) -> None:  # noqa: D102
        self._said = [*self._said, *text.strip().splitlines()][-LINES:]
        self._draw()

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:  # noqa: D102
        self.say(f"{what} ...")
        yield

    def beat(self) -> None:  # noqa: D102
        if time.monotonic() - self._drawn > PAUSE_SECONDS:
            self._draw()

    def close(self) -> None:  # noqa: D102
        self._draw()

    def result(self, values: dict[str, Any], told: Callable[[], None] | None = None) -> None:  # noqa: D102
        if told:
            told()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        said = "".join(f"<div>{html.escape(line)}</div>" for line in self._said)
        shown = progress(self._shown, self._progress) if self._shown and self._progress else ""
        self._handle.update(self._html(f'{shown}<div style="color:gray;font-size:90%">{said}</div>'))


def progress(shown: Shown, told: Progress) -> str:
    """Write how a sweep stands as HTML: the curves, the best trials, the best pictures."""
    trials, best, eta = list(shown.trials.values()), best_trial(shown), told.eta()
    left = f", about {clock(eta)} to go" if eta else ""
    head = f"<b>{html.escape(shown.spec.name)}</b>: {count(len(trials), 'trial')}, {clock(told.elapsed)} elapsed{left}"
    folder = getattr(shown, "folder", None)
    picture = _of_trial(folder, best) if best and folder is not None else None
    return _page(head, curves(trials, metric_label(shown)), _table(_rows(trials)), picture)


def summary(sweep: Sweep, board: Leaderboard) -> str:
    """Write what came of a sweep as HTML: its best trials, and the pictures of the first."""
    rows = [
        (
            str(one.trial),
            "; ".join(one.broken) or one.status,
            brief(one.value),
            brief(one.kimg),
            short_params(one.params),
        )
        for one in board.entries[:ROWS]
    ]
    picture = next((found for one in board.ranked[:1] if (found := sheet(sweep.folder, one))), None)
    head = f"<b>{html.escape(sweep.name)}</b>: {count(len(board.entries), 'trial')}, by {html.escape(board.label)}"
    head += f"; {html.escape(board.nearest)}" if board.nearest else ""
    return _page(head, "", _table(rows), picture)


def sheet(folder: Folder, entry: Entry) -> Image.Image | None:
    """Read the pictures of a trial's best evaluation; None where there are none."""
    return _read(folder, entry.trial, entry.kimg)


def _of_trial(folder: Folder, trial: Trial) -> Image.Image | None:
    return _read(folder, trial.number, trial.best.kimg if trial.best else None)


def _read(folder: Folder, trial: int, kimg: float | None) -> Image.Image | None:
    if kimg is None:
        return None
    try:
        return Image.open(io.BytesIO(folder.read(layout.grid(trial, kimg)))).convert("RGB")
    except (WorkError, OSError):
        return None


def curves(trials: Sequence[Trial], label: str) -> str:
    """Draw the metric of all trials over kimg as SVG, on a logarithmic scale where all values are above 0."""
    lines = [(trial.number, [(one.kimg, one.value) for one in trial.seen]) for trial in trials if trial.seen]
    points = [point for _, line in lines for point in line]
    if len(points) < 2:
        return ""
    scale = math.log if min(value for _, value in points) > 0 else float
    low, high = (scale(bound(value for _, value in points)) for bound in (min, max))
    longest = max(kimg for kimg, _ in points)
    best = min(lines, key=lambda line: min(value for _, value in line[1]))[0]

    def place(kimg: float, value: float) -> str:
        x = MARGIN + (WIDTH - 2 * MARGIN) * kimg / longest
        y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (scale(value) - low) / ((high - low) or 1.0)
        return f"{x:.1f},{y:.1f}"

    drawn = "".join(
        f'<polyline fill="none" stroke="{"#c33" if number == best else "#89a"}" '
        f'stroke-width="{2 if number == best else 1}" points="{" ".join(place(*point) for point in line)}"/>'
        for number, line in lines
    )
    first, last = (brief(bound(value for _, value in points)) for bound in (max, min))
    text = f'font-size="11" fill="gray" x="2" y="{MARGIN}"'
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{html.escape(label)} over kimg">{drawn}'
        f"<text {text}>{first}</text>"
        f'<text font-size="11" fill="gray" x="2" y="{HEIGHT - MARGIN}">{last}</text>'
        f'<text font-size="11" fill="gray" x="{MARGIN}" y="{HEIGHT - 8}">'
        f"{html.escape(label)} over kimg, up to {longest:.0f}</text></svg>"
    )


def _rows(trials: Sequence[Trial]) -> list[tuple[str, ...]]:
    ahead = ranked(trials)
    rest = sorted((one for one in trials if one not in ahead), key=lambda one: -one.number)
    return [
        (
            str(one.number),
            one.verdict or "; ".join(one.broken) or str(one.status),
            brief(one.value if one.value is not None else one.best.value if one.best else None),
            f"{max(one.kimg, one.now_kimg):.1f}",
            short_params(one.params),
        )
        for one in [*ahead, *rest][:ROWS]
    ]


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("trial", "status", "best", "kimg", "values"))
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>" if rows else ""


def _page(head: str, drawn: str, table: str, picture: Image.Image | None) -> str:
    shown = ""
    if picture is not None:
        factor = SIDE / max(picture.size)
        size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        data = b64encode(png(picture)).decode()
        shown = f'<img alt="the best pictures" width="{size[0]}" height="{size[1]}" src="data:image/png;base64,{data}">'
    flex = '<div style="display:flex;gap:16px;flex-wrap:wrap;align-items:flex-start">'
    return f"<div>{head}</div>{flex}<div>{drawn}{table}</div>{shown}</div>"
