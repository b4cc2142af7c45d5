"""The pictures that the winner made, each above its nearest real neighbour."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from ganlib.data.sheet import GAP
from sweep.report.facts import Sample
from sweep.report.pictures import embed, open_picture
from sweep.report.results import RankedTrial, Results
from sweep.results import nearest_real
from sweep.results.nearest_real import Neighbours
from sweep.storage.folder import Folder

_SIDE, _QUALITY = 1100, 80
_BETWEEN = 10  # pixels between pairs of rows


@dataclass(frozen=True)
class Closest:
    """Pairs of rows: generated pictures, and under each the nearest real one.

    Attributes:
        pictures: ``data:`` URLs of the upper and the lower half of the rows; of one row, of that.
        neighbours: How near the real pictures are.
    """

    pictures: Sequence[str]
    neighbours: Neighbours


def closest(results: Results) -> Closest | None:
    """Pair the winner's pictures at its best with their nearest real ones.

    The real ones are read from the sweep's folder; where they are not there, or another trial's, they are looked for
    among the packed pictures. Nothing is written.

    Returns:
        The pictures; None without a winner or its pictures, or where their neighbours are neither kept nor found here.
    """
    winner = results.winner
    sample = winner.at_best if winner else None
    sheet = open_picture(winner.facts, sample.path) if winner and sample else None
    if winner is None or sample is None or sheet is None:
        return None
    sweep = winner.facts.sweep
    found = _kept(winner) or _looked_for(
        sweep.folder, sweep.info.pictures_hash, winner.entry.trial, sample.kimg
    )
    if found is None:
        return None
    neighbours, real = found
    made = _made(sheet, sample)
    if real.size != made.size:
        return None
    rows = made.height // ((sheet.height - GAP) // sample.rows)
    half = (rows + 1) // 2
    halves = [chosen for chosen in (range(half), range(half, rows)) if chosen]
    pictures = [embed(_pairs(made, real, rows, chosen), _SIDE, _QUALITY) for chosen in halves]
    return Closest(pictures, neighbours)


def _made(sheet: Image.Image, sample: Sample) -> Image.Image:
    """Keep the rows of a sheet that neighbours are looked for of."""
    rows = nearest_real.compared(sample.shown, sample.rows)
    if len(rows) == sample.rows:
        return sheet
    down = (sheet.height - GAP) // sample.rows
    made = Image.new("RGB", (sheet.width, len(rows) * down + GAP), "white")
    for place, row in enumerate(rows):
        made.paste(sheet.crop((0, row * down, sheet.width, (row + 1) * down + GAP)), (0, place * down))
    return made


def _kept(winner: RankedTrial) -> tuple[Neighbours, Image.Image] | None:
    """Read the neighbours from the sweep's folder; None if there are none of this trial at its best."""
    found = nearest_real.read(winner.facts.sweep.folder)
    if found and (found[0].trial, found[0].kimg) == (winner.entry.trial, winner.entry.kimg):
        return found
    return None


@lru_cache(maxsize=8)
def _looked_for(
    folder: Folder, data_hash: str, trial: int, kimg: float
) -> tuple[Neighbours, Image.Image] | None:
    """Look for the neighbours once: a report that is served is made again and again while the winner stays."""
    return nearest_real.of_samples(folder, data_hash, trial, kimg)


def _pairs(sheet: Image.Image, real: Image.Image, rows: int, chosen: Sequence[int]) -> Image.Image:
    """Alternate the chosen rows of two sheets, with room between the pairs."""
    down = (sheet.height - GAP) // rows
    pairs = Image.new("RGB", (sheet.width, len(chosen) * (2 * down + _BETWEEN) - _BETWEEN + GAP), "white")
    for place, row in enumerate(chosen):
        top = place * (2 * down + _BETWEEN)
        for index, source in enumerate((sheet, real)):
            strip = source.crop((0, row * down, sheet.width, (row + 1) * down + GAP))
            pairs.paste(strip, (0, top + index * down))
    return pairs
