"""The sample grids of a report: read from the sweeps' folders, scaled down, embedded as WebP within a budget.

Every trial draws the same latents at every evaluation. A page shows them at a few common moments (the columns
of the atlas), each as a block of the first pictures of the grid, and the newest grid of each trial whole.
"""

import base64
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TypeVar

from PIL import Image

from ganlib.data.sheet import GAP
from ganlib.errors import WorkError
from sweep.report.facts import Facts, Row
from sweep.report.results import Results, Trial
from sweep.storage import layout

LIMIT = 64
"""Trials whose pictures are shown, best first."""
COLUMNS, FRAMES = 12, 320
"""Moments of training that are shown; fewer, where trials have more pictures than that at so many moments."""
BLOCK_BYTES, WHOLE_BYTES = 8_500_000, 4_500_000
"""Of all blocks, and of all whole grids: base64 adds a third, plotly.js 5 MB, and a page should stay below 25."""
_BLOCKS = (
    (288, 82),
    (288, 70),
    (240, 72),
    (192, 70),
    (144, 65),
    (112, 55),
    (88, 45),
)  # longest side, quality
_WHOLES = ((768, 82), (640, 80), (512, 80), (384, 78), (256, 72), (192, 60))
_MAX_SIDE = 8192  # a sheet of 64 pictures of 1,000 px; more is not one of ours
_WORKERS = 4
T = TypeVar("T")
R = TypeVar("R")
Place = tuple[str, int]
"""A trial's key and a column, or ``real`` and a sweep, or ``portrait``."""


@dataclass(frozen=True)
class Frame:
    """The pictures of a trial at one evaluation, as ``data:`` URLs.

    Attributes:
        kimg: When.
        block: The first pictures of the grid.
        whole: The whole grid; None where it is not embedded, or ``block`` is it.
    """

    kimg: float
    block: str
    whole: str | None = None


@dataclass(frozen=True)
class Album:
    """The pictures of a report.

    Attributes:
        columns: The moments that are shown, in kimg.
        frames: By key of the trial, by index of the column: its newest pictures at that moment.
        real: Real pictures by index of the sweep, as a `Frame` at 0.
        portrait: The winner's grid at its best evaluation; None if there is none.
        broken: Names of trials whose pictures are on record but cannot be read.
        omitted: How many trials have pictures beyond `LIMIT`.
    """

    columns: Sequence[float]
    frames: Mapping[str, Mapping[int, Frame]]
    real: Mapping[int, Frame]
    portrait: str | None
    broken: Sequence[str]
    omitted: int

    @classmethod
    def read(cls, results: Results, full: bool = False) -> "Album":
        """Read the pictures; one that is missing or broken is left out.

        Args:
            results: The trials.
            full: Embed all pictures of all trials in full size.
        """
        pictured = [trial for trial in results.trials if trial.samples]
        shown = pictured if full else pictured[:LIMIT]
        columns = _columns(shown, full)
        moments = {trial.key: _moments(trial, columns) for trial in shown}
        shots = {
            (trial.key, column): _Shot(trial.facts, row["path"], row)
            for trial in shown
            for column, row in moments[trial.key].items()
        }
        ends = [(key, max(found)) for key, found in moments.items()]
        reals = {
            ("real", i): _Shot(facts, layout.REAL_PICTURES, {}) for i, facts in enumerate(results.sweeps)
        }
        alone = _portrait(results)
        if full:
            blocks = wholes = _each(shots | reals | alone, _unscaled)
        else:
            large = {place: shots[place] for place in ends} | reals | alone
            blocks = _fitted(_each(shots | reals, _block), _BLOCKS, BLOCK_BYTES)
            wholes = _fitted(_each(large, _whole), _WHOLES, WHOLE_BYTES)

        def frame(place: Place, kimg: float) -> Frame:
            whole = wholes.get(place)
            return Frame(kimg, blocks[place], None if whole == blocks[place] else whole)

        frames: dict[str, dict[int, Frame]] = {}
        for (key, column), shot in shots.items():
            if (key, column) in blocks:
                frames.setdefault(key, {})[column] = frame((key, column), shot.row["kimg"])
        return cls(
            columns=columns,
            frames=frames,
            real={place[1]: frame(place, 0.0) for place in reals if place in blocks},
            portrait=wholes.get(("portrait", 0)),
            broken=[trial.name for trial in shown if trial.key not in frames],
            omitted=len(pictured) - len(shown),
        )

    def last(self, trial: Trial) -> Frame | None:
        """The newest pictures of a trial, if there are any."""
        frames = self.frames.get(trial.key)
        return frames[max(frames)] if frames else None


@dataclass(frozen=True)
class _Shot:
    """A grid to be embedded."""

    facts: Facts
    path: str
    row: Row


def open_picture(facts: Facts, path: str) -> Image.Image | None:
    """A picture of a sweep, or None: not there yet, deleted, damaged, or nothing that we have made."""
    try:
        with Image.open(BytesIO(facts.sweep.folder.read(path))) as picture:
            if max(picture.size) > _MAX_SIDE:
                return None
            return picture.convert("RGB")
    except (WorkError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def embed(picture: Image.Image, side: int, quality: int) -> str:
    """A picture as a ``data:`` URL (WebP), its longest side at most ``side`` pixels."""
    buffer = BytesIO()
    _at_most(picture, side).save(buffer, "WEBP", quality=quality, method=2)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _at_most(picture: Image.Image, side: int) -> Image.Image:
    if max(picture.size) <= side:
        return picture
    picture = picture.copy()
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def _columns(trials: Sequence[Trial], full: bool) -> list[float]:
    """The moments to show: all evaluations, or some of them, evenly spread, the first and the last among them."""
    moments = sorted({_nominal(trial, row["kimg"]) for trial in trials for row in trial.samples})
    if full:
        return moments
    for most in range(min(COLUMNS, len(moments)), 2, -1):
        step = (len(moments) - 1) / (most - 1)
        columns = [moments[round(index * step)] for index in range(most)]
        if sum(len(_moments(trial, columns)) for trial in trials) <= FRAMES:
            return columns
    return [moments[0], moments[-1]] if len(moments) > 2 else moments


def _nominal(trial: Trial, kimg: float) -> float:
    """The evaluation that was due: batches of different sizes reach it a little later or sooner."""
    interval = trial.facts.sweep.info.interval
    if not isinstance(interval, (int, float)) or interval <= 0:
        return kimg
    return float(round(max(1, round(kimg / interval)) * interval, 6))


def _moments(trial: Trial, columns: Sequence[float]) -> dict[int, Row]:
    """For each column, the newest pictures since the column before, if there are any."""
    found: dict[int, Row] = {}
    for row in trial.samples:
        moment = _nominal(trial, row["kimg"])
        found[min(bisect_left(columns, moment), len(columns) - 1)] = row
    return found


def _portrait(results: Results) -> dict[Place, _Shot]:
    """The winner at its best evaluation, if there is such a picture."""
    winner = results.winner
    for row in winner.samples if winner else ():
        if winner and row["kimg"] == winner.entry.kimg:
            return {("portrait", 0): _Shot(winner.facts, row["path"], row)}
    return {}


def _whole(shot: _Shot) -> Image.Image | None:
    """The whole grid, no larger than it may be shown."""
    picture = open_picture(shot.facts, shot.path)
    return None if picture is None else _at_most(picture, _WHOLES[0][0])


def _block(shot: _Shot) -> Image.Image | None:
    """The first pictures of a grid: all of small ones, the first 4 x 4 of larger ones."""
    sheet = open_picture(shot.facts, shot.path)
    if sheet is None:
        return None
    cols, rows = shot.row.get("cols") or 8, shot.row.get("rows") or 8
    width, height = (sheet.width - GAP) // cols, (sheet.height - GAP) // rows
    side = 8 if width <= 36 else 4
    block = sheet.crop((0, 0, min(cols, side) * width + GAP, min(rows, side) * height + GAP))
    return _at_most(block, _BLOCKS[0][0])


def _fitted(
    pictures: Mapping[Place, Image.Image], steps: Sequence[tuple[int, int]], budget: int
) -> dict[Place, str]:
    """The pictures, as large as the budget allows."""
    some = dict(list(pictures.items())[:: max(1, len(pictures) // 8)])
    urls: dict[Place, str] = {}
    for left, (side, quality) in zip(reversed(range(len(steps))), steps, strict=True):
        encode = partial(embed, side=side, quality=quality)
        # A guess from a few pictures saves encoding all of them in vain.
        if left and _bytes(_each(some, encode)) * len(pictures) / max(len(some), 1) > budget:
            continue
        urls = _each(pictures, encode)
        if _bytes(urls) <= 1.05 * budget:
            break
    return urls


def _unscaled(shot: _Shot) -> str | None:
    picture = open_picture(shot.facts, shot.path)
    return None if picture is None else embed(picture, _MAX_SIDE, 90)


def _each(things: Mapping[Place, T], make: Callable[[T], R | None]) -> dict[Place, R]:
    """What becomes of each thing, in several threads; nothing of those that become None."""
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        made = pool.map(make, things.values())
        return {place: one for place, one in zip(things, made, strict=True) if one is not None}


def _bytes(urls: Mapping[Place, str]) -> float:
    return sum(map(len, urls.values())) * 3 / 4
