"""Embed the sample grids of a report: read from the sweeps' folders, scaled down, as WebP within a budget.

Every trial draws the same latents at every evaluation. A page shows them at a few common moments (the columns
of the atlas), each as a block of the first pictures of the grid, and the newest grid of each trial whole.
"""

import base64
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import TypeVar

from PIL import Image

from ganlib.data.sheet import GAP
from ganlib.errors import WorkError
from sweep.report.facts import Facts, Sample
from sweep.report.results import RankedTrial, Results
from sweep.storage import layout

REAL = Sample(kimg=0.0, path=layout.REAL_PICTURES, rows=8, cols=8)
SIDE = 4
"""Rows and columns of a block, where pictures are not small."""
LIMIT = 64
"""Trials whose pictures are shown, best first."""
COLUMNS, FRAMES = 12, 320
"""Moments of training that are shown; fewer, where trials have more pictures than that at so many moments."""
BLOCK_BYTES, WHOLE_BYTES = 8_500_000, 4_500_000
"""Of all blocks, and of all whole grids: base64 adds a third, plotly.js 5 MB, and a page should stay below 25."""
BLOCKS = ((288, 82), (288, 70), (240, 72), (192, 70), (144, 65), (112, 55), (88, 45))
WHOLES = ((768, 82), (640, 80), (512, 80), (384, 78), (256, 72), (192, 60))
"""Width and quality, from the largest step to the smallest, of blocks and of whole grids."""
_MAX_SIDE = 8192  # a grid of 64 pictures of 1,000 px; no larger one is made
_WORKERS = 4
T = TypeVar("T")
R = TypeVar("R")
Place = tuple[str, int]
"""A trial's key and a column, or ``real`` and a sweep, or ``portrait``."""


@dataclass(frozen=True)
class Frame:
    """The pictures of a trial at one evaluation, as ``data:`` URLs.

    Attributes:
        kimg: When; 0 for real pictures.
        block: The first pictures of the grid.
        whole: The whole grid; None where it is not embedded, or ``block`` is it.
        shown: What each row of the whole grid shows; empty where all show pictures of latents.
        rows: How many of these rows are in ``block``; 0 where ``shown`` is empty.
    """

    kimg: float
    block: str
    whole: str | None = None
    shown: Sequence[str] = ()
    rows: int = 0


@dataclass(frozen=True)
class Album:
    """The pictures of a report.

    Attributes:
        columns: The moments that are shown, in kimg.
        frames: By key of the trial, by index of the column: the trial's newest pictures at that moment.
        real: Real pictures by index of the sweep.
        portrait: The winner's pictures at its best evaluation, of latents the whole grid; None if there are none.
        broken: Names of trials whose pictures are on record but cannot be read.
        omitted: How many trials have pictures beyond `LIMIT`.
    """

    columns: Sequence[float]
    frames: Mapping[str, Mapping[int, Frame]]
    real: Mapping[int, Frame]
    portrait: Frame | None
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
            (trial.key, column): _Shot(trial.facts, sample)
            for trial in shown
            for column, sample in moments[trial.key].items()
        }
        ends = [(key, max(found)) for key, found in moments.items()]
        reals = {("real", i): _Shot(facts, REAL) for i, facts in enumerate(results.sweeps)}
        alone = _portrait(results)
        if full:
            blocks = wholes = _each(shots | reals | alone, _unscaled)
        else:
            large = {place: shots[place] for place in ends} | reals | alone
            cut = {place: shot for place, shot in alone.items() if shot.sample.shown}
            blocks = fitted(_each(shots | reals | cut, _block), BLOCKS, BLOCK_BYTES)
            wholes = fitted(_each(large, _whole), WHOLES, WHOLE_BYTES)

        def frame(place: Place, shot: _Shot) -> Frame:
            sample, whole = shot.sample, wholes.get(place)
            block = blocks.get(place) or wholes[place]
            rows = len(sample.shown) if full else _rows(sample)
            return Frame(sample.kimg, block, None if whole == block else whole, sample.shown, rows)

        frames: dict[str, dict[int, Frame]] = {}
        for (key, column), shot in shots.items():
            if (key, column) in blocks:
                frames.setdefault(key, {})[column] = frame((key, column), shot)
        return cls(
            columns=columns,
            frames=frames,
            real={place[1]: frame(place, shot) for place, shot in reals.items() if place in blocks},
            portrait=next((frame(place, shot) for place, shot in alone.items() if place in wholes), None),
            broken=[trial.name for trial in shown if trial.key not in frames],
            omitted=len(pictured) - len(shown),
        )

    def last(self, trial: RankedTrial) -> Frame | None:
        """Get the newest pictures of a trial; None if there are none."""
        frames = self.frames.get(trial.key)
        return frames[max(frames)] if frames else None


@dataclass(frozen=True)
class _Shot:
    """A grid to be embedded."""

    facts: Facts
    sample: Sample


def open_picture(facts: Facts, path: str) -> Image.Image | None:
    """Open a picture of a sweep; None if it is not there yet, deleted, damaged, or larger than any that is made."""
    try:
        with Image.open(BytesIO(facts.sweep.folder.read(path))) as picture:
            if max(picture.size) > _MAX_SIDE:
                return None
            return picture.convert("RGB")
    except (WorkError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def embed(picture: Image.Image, width: int, quality: int) -> str:
    """Encode a picture as a ``data:`` URL (WebP), at most ``width`` pixels wide."""
    buffer = BytesIO()
    _at_most(picture, width).save(buffer, "WEBP", quality=quality, method=2)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _at_most(picture: Image.Image, width: int) -> Image.Image:
    """Scale a picture down so that it is at most ``width`` pixels wide."""
    if picture.width <= width:
        return picture
    picture = picture.copy()
    picture.thumbnail((width, picture.height), Image.Resampling.LANCZOS)
    return picture


def _columns(trials: Sequence[RankedTrial], full: bool) -> list[float]:
    """Choose the moments to show, in kimg: all, or some, evenly spread, the first and the last among them."""
    moments = sorted({nominal(trial, sample.kimg) for trial in trials for sample in trial.samples})
    if full:
        return moments
    for most in range(min(COLUMNS, len(moments)), 2, -1):
        step = (len(moments) - 1) / (most - 1)
        columns = [moments[round(index * step)] for index in range(most)]
        if sum(len(_moments(trial, columns)) for trial in trials) <= FRAMES:
            return columns
    return [moments[0], moments[-1]] if len(moments) > 2 else moments


def nominal(trial: RankedTrial, kimg: float) -> float:
    """Find the evaluation that was due at a time: batches of different sizes reach it a little later or sooner."""
    interval = trial.facts.sweep.info.interval
    if not isinstance(interval, (int, float)) or interval <= 0:
        return kimg
    return float(round(max(1, round(kimg / interval)) * interval, 6))


def _moments(trial: RankedTrial, columns: Sequence[float]) -> dict[int, Sample]:
    """Find for each column the newest pictures since the column before, if there are any."""
    found: dict[int, Sample] = {}
    for sample in trial.samples:
        moment = nominal(trial, sample.kimg)
        found[min(bisect_left(columns, moment), len(columns) - 1)] = sample
    return found


def _portrait(results: Results) -> dict[Place, _Shot]:
    """Find the winner's pictures at its best evaluation, if there are any."""
    winner = results.winner
    sample = winner.at_best if winner else None
    return {("portrait", 0): _Shot(winner.facts, sample)} if winner and sample else {}


def _whole(shot: _Shot) -> Image.Image | None:
    """Open the whole grid, no larger than it may be shown."""
    picture = open_picture(shot.facts, shot.sample.path)
    return None if picture is None else _at_most(picture, WHOLES[0][0])


def _block(shot: _Shot) -> Image.Image | None:
    """Cut the first pictures out of a grid: all of small ones, the first 4 x 4 of larger ones.

    Of a translator's grid, the first of all rows that belong together: what becomes of a picture is seen in its column.
    """
    sheet = open_picture(shot.facts, shot.sample.path)
    if sheet is None:
        return None
    sample = _laid_out(shot, sheet)
    small = sheet.width // sample.cols <= 36
    side = 8 if small and not sample.shown else SIDE
    return _at_most(cut(sheet, sample, _rows(sample) or side, side), BLOCKS[0][0])


def _laid_out(shot: _Shot, sheet: Image.Image) -> Sample:
    """Find how many rows and columns a grid has: real ones have fewer of few pictures, and a row for each class."""
    data = shot.facts.spec.get("data")
    size = data.get("size") if isinstance(data, Mapping) else None
    if shot.sample is not REAL or not isinstance(size, int):
        return shot.sample
    cols, rows = (max((side - GAP) // (size + GAP), 1) for side in sheet.size)
    return replace(REAL, rows=rows, cols=cols)


def cut(sheet: Image.Image, sample: Sample, rows: int, cols: int) -> Image.Image:
    """Cut so many rows and columns of pictures, as far as there are, out of a grid."""
    width, height = (sheet.width - GAP) // sample.cols, (sheet.height - GAP) // sample.rows
    return sheet.crop((0, 0, min(sample.cols, cols) * width + GAP, min(sample.rows, rows) * height + GAP))


def _rows(sample: Sample) -> int:
    """Count the rows of a translator's grid that a block shows: all that belong together, at least as many as usual."""
    patterns = -(-SIDE // sample.pattern)
    return min(patterns * sample.pattern, len(sample.shown))


def fitted(
    pictures: Mapping[Place, Image.Image], steps: Sequence[tuple[int, int]], budget: int
) -> dict[Place, str]:
    """Embed pictures as large as a budget of bytes allows, by steps of width and quality."""
    some = dict(list(pictures.items())[:: max(1, len(pictures) // 8)])
    urls: dict[Place, str] = {}
    for left, (width, quality) in zip(reversed(range(len(steps))), steps, strict=True):
        encode = partial(embed, width=width, quality=quality)
        # A guess from a few pictures saves encoding all of them in vain.
        if left and _bytes(_each(some, encode)) * len(pictures) / max(len(some), 1) > budget:
            continue
        urls = _each(pictures, encode)
        if _bytes(urls) <= 1.05 * budget:
            break
    return urls


def _unscaled(shot: _Shot) -> str | None:
    """Embed the whole grid in full size."""
    picture = open_picture(shot.facts, shot.sample.path)
    return None if picture is None else embed(picture, _MAX_SIDE, 90)


def _each(things: Mapping[Place, T], make: Callable[[T], R | None]) -> dict[Place, R]:
    """Make something of each thing, in several threads; those that become None are left out."""
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        made = pool.map(make, things.values())
        return {place: one for place, one in zip(things, made, strict=True) if one is not None}


def _bytes(urls: Mapping[Place, str]) -> float:
    """Add up how many bytes the pictures have, which base64 makes a third longer."""
    return sum(map(len, urls.values())) * 3 / 4
