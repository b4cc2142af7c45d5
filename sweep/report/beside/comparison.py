"""``comparison.png``: the sample grids of the best trials beside real pictures, for papers and slides."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw

from sweep.formatting import kimg, printable
from sweep.records.status import Status
from sweep.report.facts import Facts
from sweep.report.lettering import GREY, INK, clipped, font
from sweep.report.pictures import REAL, open_picture
from sweep.report.results import RankedTrial, Results

TILES = 12
REALS = 4
"""Tiles of real pictures at most, where sweeps learn from different ones."""
COLUMNS = 4
TILE = 520
GAP = 28
CAPTION = 74
HEADER, LINE = 92, 30


def comparison(results: Results) -> bytes | None:
    """Draw at most `TILES` grids, real pictures first, then the best trials, each at its best evaluation.

    Returns:
        A PNG at 300 dots per inch; None if there are no pictures of trials.
    """
    tiles = real_pictures(results)
    before = len(tiles)
    for trial in results.trials:
        if len(tiles) == TILES:
            break
        newest = trial.samples[-1] if trial.samples else None
        shown = trial.at_best or newest
        sheet = open_picture(trial.facts, shown.path) if shown else None
        if shown and sheet:
            tiles.append((sheet, *_caption(results, trial, shown.kimg)))
    if len(tiles) == before:
        return None
    about = [f"{results.label}, smaller is better. The same {results.inputs} for every trial; one seed each."]
    patterns = dict.fromkeys(facts.pattern for facts in results.sweeps if facts.pattern)
    about += [f"Rows from the top: {', '.join(pattern)}." for pattern in patterns]
    return _png(_sheet(tiles, printable(results.title), [printable(line) for line in about]))


def real_pictures(results: Results) -> list[tuple[Image.Image, str, str]]:
    """List the real pictures that sweeps learn from, each once, with two lines; those of the best trials first."""
    found: dict[str, tuple[Facts, Image.Image]] = {}
    for facts in (*(trial.facts for trial in results.trials), *results.sweeps):
        pictures = facts.sweep.info.pictures_hash or facts.sweep.name
        if pictures not in found and len(found) < REALS and (sheet := open_picture(facts, REAL.path)):
            found[pictures] = facts, sheet
    several = len({facts.sweep.info.pictures_hash for facts in results.sweeps}) > 1
    return [
        (sheet, f"Real {facts.real}", printable(facts.sweep.name) if several else "")
        for facts, sheet in found.values()
    ]


def _caption(results: Results, trial: RankedTrial, at: float) -> tuple[str, str]:
    """Write two lines under a grid: the trial with its result, and when the pictures are from."""
    entry = trial.entry
    first = printable(trial.name)
    if entry.reason is None:
        first += f"   {results.called} {results.value(entry)}"
    state = f"collapsed ({entry.row['verdict']})" if entry.status is Status.COLLAPSED else entry.status
    return first, f"at {kimg(at)} kimg; {printable(state)} at {kimg(entry.row['kimg'])} kimg"


def _sheet(tiles: Sequence[tuple[Image.Image, str, str]], title: str, about: Sequence[str]) -> Image.Image:
    """Lay out the grids under a title and at least one line about them; each comes with two lines."""
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    width = max(columns * (TILE + GAP) + GAP, 2 * (TILE + GAP) + GAP)
    header = HEADER + LINE * (len(about) - 1)
    sheet = Image.new("RGB", (width, header + rows * (TILE + CAPTION + GAP) + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, 26), clipped(title, 34, width - 2 * GAP), INK, font(34))
    for place, line in enumerate(about):
        draw.text((GAP, 70 + LINE * place), clipped(line, 22, width - 2 * GAP), GREY, font(22))
    for index, (picture, first, second) in enumerate(tiles):
        left = GAP + index % columns * (TILE + GAP)
        top = header + GAP + index // columns * (TILE + CAPTION + GAP)
        sheet.paste(_fitted(picture), (left, top))
        draw.text((left, top + TILE + 10), clipped(first, 26, TILE), INK, font(26))
        draw.text((left, top + TILE + 42), clipped(second, 20, TILE), GREY, font(20))
    return sheet


def _fitted(picture: Image.Image) -> Image.Image:
    """Scale a picture so that its longest side is `TILE` pixels."""
    scale = TILE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _png(sheet: Image.Image) -> bytes:
    """Encode a sheet as PNG."""
    buffer = BytesIO()
    sheet.save(buffer, "PNG", dpi=(300, 300))
    return buffer.getvalue()
