"""What the report writes: pictures within a budget, files where they are asked to be."""

import base64
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic import make_sweep, shared_storage

from ganlib.errors import RequestError
from sweep.report import write_report
from sweep.report.charts import chart_data
from sweep.report.comparison import comparison
from sweep.report.facts import Facts
from sweep.report.pictures import BUDGET_BYTES, Album
from sweep.storage import Folder
from sweep.sweeps import Sweep, open_sweep


@pytest.fixture(scope="module")
def faces() -> Sweep:
    return open_sweep(Folder.open(shared_storage()), "faces")


def noisy_album(count: int, side: int) -> Album:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (side, side, 3), dtype=np.uint8)
    pictures = {n: Image.fromarray(np.roll(noise, n, axis=0)) for n in range(count)}
    return Album(pictures[0], None, pictures, [], 0)


def test_pictures_stay_within_the_budget_whatever_they_show() -> None:
    album = noisy_album(20, 1024)  # pure noise, which no codec can compress; stands for many more pictures
    urls = album.embedded(budget=1_500_000)
    assert set(urls) == {"real", *range(20)}
    assert sum(map(len, urls.values())) * 3 / 4 <= 1_510_000
    assert BUDGET_BYTES * 4 / 3 + 5_000_000 < 25_000_000


def test_small_pictures_are_not_scaled() -> None:
    urls = noisy_album(2, 100).embedded()
    data = base64.b64decode(urls["real"].partition(",")[2])
    assert Image.open(BytesIO(data)).size == (100, 100)


def test_comparison_is_a_picture_for_papers(faces: Sweep) -> None:
    facts = Facts.read(faces)
    album = Album.read(facts)
    sheet = Image.open(BytesIO(comparison(facts, album) or b""))
    assert sheet.format == "PNG" and sheet.width > 2000 and round(sheet.info["dpi"][0]) == 300
    # 12 tiles of 4 columns: the real pictures come first, and they are in colour
    assert np.asarray(sheet.convert("RGB"))[130:600, 40:500].std() > 20
    assert comparison(facts, replace(album, grids={})) is None


def test_files_go_where_they_are_asked_to(faces: Sweep, tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    assert write_report(faces, out) == [str(out), str(out.parent / "comparison.png")]
    assert "<title>faces – sweep report</title>" in out.read_text(encoding="utf-8")
    with pytest.raises(RequestError, match="is the folder"):
        write_report(faces, tmp_path)
    with pytest.raises(RequestError, match="written beside it"):
        write_report(faces, tmp_path / "comparison.png")


def test_charts_of_nothing(tmp_path: Path) -> None:
    data = chart_data(Facts.read(make_sweep(tmp_path, trials=0, pictures=False)))
    assert data["panels"] == data["trials"] == data["shown"] == []
