"""What the report writes: pictures within a budget, files where they are asked to be."""

import base64
import csv
import io
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from helpers.synthetic import make_sweep, shared_storage
from PIL import Image

from ganlib.errors import RequestError
from sweep.records.catalog import Sweep, open_sweep
from sweep.report.build import BESIDE, write_report
from sweep.report.charts import chart_data
from sweep.report.comparison import comparison
from sweep.report.figures import curves, importances
from sweep.report.pictures import _WHOLES, BLOCK_BYTES, WHOLE_BYTES, Album, Place, _fitted
from sweep.report.results import Results
from sweep.report.table import csv_cell, csv_text
from sweep.storage.folder import Folder


@pytest.fixture(scope="module")
def faces() -> Sweep:
    return open_sweep(Folder.open(shared_storage()), "faces")


def noise(count: int, side: int) -> dict[Place, Image.Image]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (side, side, 3), dtype=np.uint8)
    return {(str(n), 0): Image.fromarray(np.roll(pixels, n, axis=0)) for n in range(count)}


def test_pictures_stay_within_the_budget_whatever_they_show() -> None:
    # pure noise, which no codec can compress; stands for many more pictures
    urls = _fitted(noise(20, 1024), _WHOLES, 1_500_000)
    assert len(urls) == 20
    assert sum(map(len, urls.values())) * 3 / 4 <= 1.05 * 1_500_000
    assert (BLOCK_BYTES + WHOLE_BYTES) * 1.05 * 4 / 3 + 5_000_000 < 24_000_000


def test_small_pictures_are_not_scaled() -> None:
    urls = _fitted(noise(2, 100), _WHOLES, WHOLE_BYTES)
    data = base64.b64decode(urls["0", 0].partition(",")[2])
    assert Image.open(BytesIO(data)).size == (100, 100)


def test_the_atlas_shows_the_training_at_a_few_moments(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=1, film=True, size=8)
    results = Results.read([sweep])
    album = Album.read(results)
    assert len(album.columns) == 12 and album.columns[0] == 6.0 and album.columns[-1] == 120.0
    for trial in results.trials:
        frames = album.frames[trial.key]
        assert [frame.kimg for frame in frames.values()] == sorted({frame.kimg for frame in frames.values()})
        last = album.last(trial)
        assert last is not None and last.kimg == trial.samples[-1].kimg
    full = Album.read(results, full=True)
    assert len(full.columns) == 20 and len(full.frames[results.trials[0].key]) == 20


def test_comparison_is_a_picture_for_papers(faces: Sweep, tmp_path: Path) -> None:
    sheet = Image.open(BytesIO(comparison(Results.read([faces])) or b""))
    assert sheet.format == "PNG" and sheet.width > 2000 and round(sheet.info["dpi"][0]) == 300
    # 12 tiles of 4 columns: the real pictures come first, and they are in colour
    assert np.asarray(sheet.convert("RGB"))[130:600, 40:500].std() > 20
    assert comparison(Results.read([make_sweep(tmp_path, trials=1, pictures=False)])) is None


def test_files_go_where_they_are_asked_to(faces: Sweep, tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    assert write_report([faces], out) == [str(out), *(str(out.parent / name) for name in BESIDE)]
    assert "<title>faces – sweep report</title>" in out.read_text(encoding="utf-8")
    for name in ("curves.png", "importance.png"):
        figure = Image.open(out.parent / name)
        assert round(figure.info["dpi"][0]) == 300 and np.asarray(figure.convert("L")).std() > 10
    with pytest.raises(RequestError, match="is the folder"):
        write_report([faces], tmp_path)
    with pytest.raises(RequestError, match="written beside it"):
        write_report([faces], tmp_path / "comparison.png")


def test_the_table_as_csv(faces: Sweep) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(Results.read([faces])))))
    trials = {str(row["trial"]): row for row in faces.store.rows("trials")}
    assert len(rows) == 12 and [row["rank"] for row in rows[:2]] == ["1", "2"]
    for row in rows:
        assert float(row["train.lr_g"]) == trials[row["trial"]]["param.train.lr_g"]
        assert row["verdict"] == (trials[row["trial"]]["verdict"] or "")
    assert float(rows[0]["kid"]) == min(float(row["kid"]) for row in rows if row["rank"])


@pytest.mark.parametrize("words", ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "-x"])
def test_no_cell_of_the_csv_is_a_formula(words: str) -> None:
    assert csv_cell(words) == f"'{words}" and csv_cell(-1.5) == -1.5 and csv_cell("bce") == "bce"


def test_charts_of_nothing(tmp_path: Path) -> None:
    results = Results.read([make_sweep(tmp_path, trials=0, pictures=False)])
    data = chart_data(results)
    assert data["panels"] == data["trials"] == data["shown"] == []
    assert curves(results) is None and importances(results) is None


def test_a_name_is_no_formula_of_a_figure(faces: Sweep) -> None:
    assert curves(Results.read([replace(faces, name="$\\frac{")]))
