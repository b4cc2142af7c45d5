"""The sample grids of a sweep: read from its folder, scaled down, and embedded as WebP within a budget."""

import base64
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from ganlib.errors import WorkError
from sweep.report.facts import Facts

REAL = "images/real.png"
LIMIT = 64
"""Trials whose pictures are shown, best first."""
BUDGET_BYTES = 13_000_000
"""Of all pictures of a page; base64 adds a third, plotly.js 5 MB, and a page should stay below 25 MB."""
_STEPS = ((768, 82), (640, 80), (512, 80), (384, 78), (256, 72), (192, 60))  # longest side, WebP quality
_MAX_SIDE = 8192  # a sheet of 64 pictures of 1,000 px; more is not one of ours


@dataclass(frozen=True)
class Album:
    """The newest sample grid of each of the best trials, and a grid of real pictures.

    Attributes:
        real: None if there is none.
        portrait: The winner at its best evaluation; None if there is none.
        grids: Trial to picture, only those that could be read.
        broken: Trials whose picture is on record but cannot be read.
        omitted: How many trials have pictures beyond `LIMIT`.
    """

    real: Image.Image | None
    portrait: Image.Image | None
    grids: Mapping[int, Image.Image]
    broken: Sequence[int]
    omitted: int

    @classmethod
    def read(cls, facts: Facts) -> "Album":
        """Read the pictures of a sweep; one that is missing or broken is left out."""
        with_picture = [entry.trial for entry in facts.board.entries if entry.trial in facts.samples]
        chosen = with_picture[:LIMIT]
        portrait = facts.portrait["path"] if facts.portrait else None
        paths = [REAL, portrait, *(facts.samples[trial]["path"] for trial in chosen)]
        with ThreadPoolExecutor(max_workers=4) as pool:
            real, winner, *grids = pool.map(lambda path: _open(facts, path) if path else None, paths)
        found = {trial: grid for trial, grid in zip(chosen, grids, strict=True) if grid is not None}
        broken = [trial for trial in chosen if trial not in found]
        return cls(real, winner, found, broken, len(with_picture) - len(chosen))

    def embedded(self, budget: int = BUDGET_BYTES) -> dict[int | str, str]:
        """The pictures as ``data:`` URLs, by trial, "real" and "portrait"; as large as ``budget`` bytes allow."""
        pictures: dict[int | str, Image.Image] = dict(self.grids.items())
        others = {"real": self.real, "portrait": self.portrait}
        pictures.update({name: picture for name, picture in others.items() if picture is not None})
        if not pictures:
            return {}
        first = next(iter(pictures.values()))
        for last, (side, quality) in enumerate(_STEPS, start=1 - len(_STEPS)):
            if last and len(_encode(first, side, quality)) * len(pictures) > budget:
                continue  # a guess from one picture saves encoding all of them in vain
            with ThreadPoolExecutor(max_workers=4) as pool:
                encoded = list(pool.map(lambda p: _encode(p, side, quality), pictures.values()))  # noqa: B023
            if last == 0 or sum(map(len, encoded)) <= budget:
                break
        urls = (f"data:image/webp;base64,{base64.b64encode(data).decode()}" for data in encoded)
        return dict(zip(pictures, urls, strict=True))


def _open(facts: Facts, path: str) -> Image.Image | None:
    try:
        with Image.open(BytesIO(facts.sweep.folder.read(path))) as picture:
            if max(picture.size) > _MAX_SIDE:
                return None
            return picture.convert("RGB")
    except (WorkError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # not there yet, deleted, or damaged: the page says so


def _encode(picture: Image.Image, side: int, quality: int) -> bytes:
    if max(picture.size) > side:
        picture = picture.copy()
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    elif max(picture.size) < 400:
        quality = max(quality, 90)  # small pictures are looked at enlarged
    buffer = BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=2)
    return buffer.getvalue()
