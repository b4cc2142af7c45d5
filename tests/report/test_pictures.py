"""Pictures of a report: within a budget, at a few moments of the training."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from helpers.sweeps.reports import page_of
from helpers.sweeps.synthetic import KINDS, make_sweep
from PIL import Image

from ganlib.data.sheet import grid, png
from sweep.records.datasets import Store
from sweep.report.closest import closest
from sweep.report.pictures import BLOCK_BYTES, WHOLE_BYTES, WHOLES, Album, Place, fitted
from sweep.report.results import Results
from sweep.results import nearest_real
from sweep.results.nearest_real import Neighbours
from sweep.storage import layout


def noise(count: int, side: int) -> dict[Place, Image.Image]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (side, side, 3), dtype=np.uint8)
    return {(str(n), 0): Image.fromarray(np.roll(pixels, n, axis=0)) for n in range(count)}


def test_pictures_stay_within_the_budget_whatever_they_show() -> None:
    # pure noise, which no codec can compress; stands for many more pictures
    urls = fitted(noise(20, 1024), WHOLES, 1_500_000)
    assert len(urls) == 20
    assert sum(map(len, urls.values())) * 3 / 4 <= 1.05 * 1_500_000
    assert (BLOCK_BYTES + WHOLE_BYTES) * 1.05 * 4 / 3 + 5_000_000 < 24_000_000


def test_small_pictures_are_not_scaled() -> None:
    urls = fitted(noise(2, 100), WHOLES, WHOLE_BYTES)
    data = base64.b64decode(urls["0", 0].partition(",")[2])
    assert Image.open(BytesIO(data)).size == (100, 100)


@pytest.mark.parametrize(("count", "cols", "shown"), [(20, 8, (3, 8)), (80, 10, (8, 8)), (24, 3, (8, 3))])
def test_no_real_picture_is_cut(tmp_path: Path, count: int, cols: int, shown: tuple[int, int]) -> None:
    """Of few pictures there are fewer rows, and of classes a row of each."""
    sweep = make_sweep(tmp_path, trials=1, size=32)
    sweep.folder.write(layout.REAL_PICTURES, png(grid(np.full((count, 32, 32, 3), 90, np.uint8), cols)))
    frame = Album.read(Results.read([sweep])).real[0]
    block = Image.open(BytesIO(base64.b64decode(frame.block.partition(",")[2])))
    down, across = shown
    assert block.size == (across * 34 + 2, down * 34 + 2)


def test_the_atlas_shows_the_training_at_a_few_moments(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=1, film=True, size=8)
    results = Results.read([sweep])
    album = Album.read(results)
    assert len(album.columns) == 12
    assert album.columns[0] == 6.0
    assert album.columns[-1] == 120.0
    for trial in results.trials:
        frames = album.frames[trial.key]
        assert [frame.kimg for frame in frames.values()] == sorted({frame.kimg for frame in frames.values()})
        last = album.last(trial)
        assert last is not None
        assert last.kimg == trial.samples[-1].kimg
    full = Album.read(results, full=True)
    assert len(full.columns) == 20
    assert len(full.frames[results.trials[0].key]) == 20


def test_the_nearest_real_pictures_of_a_sweep_with_classes_stand_under_all_rows(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=1, size=16)
    store = Store(sweep.folder, KINDS)
    shown = ["bird", "cat"] * 4
    store.replace("samples", 0, [row | {"shown": shown} for row in store.part("samples", 0)])
    winner = Results.read([sweep]).winner
    assert winner is not None
    sheet = Image.open(BytesIO(sweep.folder.read(winner.samples[-1].path)))
    found = Neighbours(0, winner.entry.kimg or 0.0, 300, [30.0] * 64, 25.0)
    assert "none on record, and none could be looked for here" in page_of(sweep).words()
    nearest_real.write(sweep.folder, found, sheet)
    close = closest(Results.read([sweep]))
    assert close is not None
    assert len(close.pictures) == 2
    assert "Does the winner copy?" in page_of(sweep).words()
