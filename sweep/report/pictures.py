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

from PIL import Image

from ganlib.data.sheet import GAP
from ganlib.errors import WorkError
from sweep.report.facts import Facts, Row
from sweep.report.results import Results, Trial

REAL = "images/real.png"
LIMIT = 64
"""Trials whose pictures are shown, best first."""
COLUMNS = 12
"""Moments of training that are shown."""
BLOCK_BYTES, WHOLE_BYTES = 8_500_000, 4_500_000
"""Of all blocks, and of all whole grids: base64 adds a third, plotly.js 5 MB, and a page should stay below 25."""
_BLOCKS = ((288, 82), (288, 70), (240, 72), (192, 70), (144, 65), (112, 55), (88, 45))  # longest side, quality
_WHOLES = ((768, 82), (640, 80), (512, 80), (384, 78), (256, 72), (192, 60))
_UNSCALED = (100_000, 90)
_MAX_SIDE = 8192  # a sheet of 64 pictures of 1,000 px; more is not one of ours
_WORKERS = 4
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
        columns = _columns(shown, None if full else COLUMNS)
        moments = {trial.key: _moments(trial, columns) for trial in shown}
        shots = {
            (trial.key, column): _Shot(trial.facts, row["path"], row)
            for trial in shown
            for column, row in moments[trial.key].items()
        }
        ends = {place: shot for place, shot in shots.items() if place[1] == max(moments[place[0]])}
        reals = {("real", i): _Shot(facts, REAL, {}) for i, facts in enumerate(results.sweeps)}
        portrait = {("portrait", 0): shot for shot in _portrait(results)}
        if full:
            blocks = _embedded(shots | reals | portrait, lambda shot: _url(shot, *_UNSCALED))
            wholes = blocks
        else:
            blocks = _fitted(shots | reals, _BLOCKS, BLOCK_BYTES, block=True)
            wholes = _fitted(ends | reals | portrait, _WHOLES, WHOLE_BYTES)

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
    if max(picture.size) > side:
        picture = picture.copy()
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=2)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _columns(trials: Sequence[Trial], most: int | None) -> list[float]:
    """The moments to show: all evaluations, or as many of them evenly spread, the first and the last among them."""
    moments = sorted({_nominal(trial, row["kimg"]) for trial in trials for row in trial.samples})
    if most is None or len(moments) <= most:
        return moments
    step = (len(moments) - 1) / (most - 1)
    return [moments[round(index * step)] for index in range(most)]


def _nominal(trial: Trial, kimg: float) -> float:
    """The evaluation that was due: batches of different sizes reach it a little later or sooner."""
    interval = trial.facts.sweep.info.get("interval")
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


def _portrait(results: Results) -> list[_Shot]:
    winner = results.winner
    if winner is None:
        return []
    at_best = [row for row in winner.samples if row["kimg"] == winner.entry.kimg]
    return [_Shot(winner.facts, row["path"], row) for row in at_best[-1:]]


def _url(shot: _Shot, side: int, quality: int, block: bool = False) -> str | None:
    picture = open_picture(shot.facts, shot.path)
    if picture is None:
        return None
    if block:
        picture = _block(picture, shot.row)
    small = max(picture.size) < 200 and quality > 65  # it will be looked at enlarged
    return embed(picture, side, max(quality, 88) if small else quality)


def _block(sheet: Image.Image, row: Row) -> Image.Image:
    """The first pictures of a grid: all of small ones, the first 4 x 4 of larger ones."""
    cols, rows = row.get("cols") or 8, row.get("rows") or 8
    width, height = (sheet.width - GAP) // cols, (sheet.height - GAP) // rows
    side = 8 if width <= 36 else 4
    return sheet.crop((0, 0, min(cols, side) * width + GAP, min(rows, side) * height + GAP))


def _fitted(
    shots: Mapping[Place, _Shot], steps: Sequence[tuple[int, int]], budget: int, block: bool = False
) -> dict[Place, str]:
    """The pictures as large as the budget allows; those that cannot be read are left out."""
    some = dict(list(shots.items())[:: max(1, len(shots) // 8)])
    urls: dict[Place, str] = {}
    for left, (side, quality) in zip(reversed(range(len(steps))), steps, strict=True):
        encode = partial(_url, side=side, quality=quality, block=block)
        # A guess from a few pictures saves encoding all of them in vain.
        if left and _bytes(_embedded(some, encode)) * len(shots) / max(len(some), 1) > budget:
            continue
        urls = _embedded(shots, encode)
        if _bytes(urls) <= 1.05 * budget:
            break
    return urls


def _embedded(
    shots: Mapping[Place, _Shot], encode: Callable[[_Shot], str | None]
) -> dict[Place, str]:
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        urls = pool.map(encode, shots.values())
        return {place: url for place, url in zip(shots, urls, strict=True) if url}


def _bytes(urls: Mapping[Place, str]) -> float:
    return sum(map(len, urls.values())) * 3 / 4
