"""Reports on sweeps of translators: both domains and the ways between, the baseline, flaws, and what kills runs."""

import base64
import csv
import io
import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from helpers.sweeps.reports import COLOURS, CYCLE, EVIL_TEXT, MADE, Page, page_of, translator_sweep
from PIL import Image

from ganlib.data.sheet import grid
from ganlib.models.sheets import ONE_WAY, WAY_BACK
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.beside.comparison import comparison
from sweep.report.build import write_report
from sweep.report.charts import panels
from sweep.report.closest import closest
from sweep.report.matters import Matters
from sweep.report.page.gallery import atlas
from sweep.report.pictures import Album
from sweep.report.results import Results
from sweep.report.table import columns, csv_text, rows
from sweep.results import nearest_real
from sweep.results.nearest_real import Neighbours

SHOWN = COLOURS | MADE


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return translator_sweep(tmp_path_factory.mktemp("cycle"))


@pytest.fixture(scope="module")
def cartoon(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return translator_sweep(tmp_path_factory.mktemp("cartoon"), one_way=True)


@pytest.fixture(scope="module")
def page(cycle: Sweep) -> Page:
    return page_of(cycle)


def rows_of(url: str) -> list[str]:
    """What the rows of a sheet show, by the colour of their first pictures."""
    data = base64.b64decode(url.removeprefix("data:image/webp;base64,"))
    pixels = np.asarray(Image.open(BytesIO(data)).convert("RGB"), float)
    white = pixels[:, :12].min(2).mean(1) > 200  # between the rows
    starts = [y for y in range(1, len(pixels)) if white[y - 1] and not white[y]]
    found = [pixels[y + 4 : y + 8, 4:8].mean((0, 1)) for y in starts]
    return [min(SHOWN, key=lambda words: np.abs(np.array(SHOWN[words]) - one).sum()) for one in found]


# ---- pictures ----------------------------------------------------------------------------------------------


def test_a_block_shows_every_row_and_few_columns(cycle: Sweep, cartoon: Sweep) -> None:
    for sweep, in_block in ((cycle, WAY_BACK), (cartoon, ONE_WAY * 2)):
        results = Results.read([sweep])
        album = Album.read(results)
        frame = album.last(results.trials[0])
        assert frame is not None
        assert rows_of(frame.block) == list(frame.shown[: frame.rows]) == list(in_block)
        assert frame.whole is not None
        assert rows_of(frame.whole) == list(frame.shown)
        assert album.portrait == replace(frame, kimg=1.0)
        assert Image.open(BytesIO(base64.b64decode(frame.block.partition(",")[2]))).width == 4 * 18 + 2
        assert atlas(results, album)["portrait"] == frame.whole


def test_whole_grids_are_shown_in_a_full_report(cycle: Sweep) -> None:
    results = Results.read([cycle])
    frame = Album.read(results, full=True).portrait
    assert frame is not None
    assert frame.whole is None
    assert (len(rows_of(frame.block)), frame.rows) == (6, 6)


def test_rows_are_named_in_words(page: Page, cartoon: Sweep) -> None:
    assert " ".join(["Rows, from the top:", *WAY_BACK]) in page.words()
    assert " ".join(["Rows, from the top:", *ONE_WAY, "Filter"]) in page_of(cartoon).words()
    named = [json.loads(str(button["data-rows"])) for button in page.all("button") if "data-rows" in button]
    assert len(named) == 1 + 24
    assert all(names == list(WAY_BACK) for names in named)
    assert "Every trial is given the same photographs" in page.words()
    assert "latents" not in page.words()
    assert "Real drawings" in page.words()


def test_names_of_rows_are_text(tmp_path: Path) -> None:
    sweep = translator_sweep(tmp_path, trials=2)
    store = Store(sweep.folder, CYCLE)
    row = store.part("samples", 0)[0]
    store.replace("samples", 0, [row | {"shown": [EVIL_TEXT] * 6}])
    store.replace("samples", 1, [store.part("samples", 1)[0] | {"shown": "[1, 2"}])
    page = page_of(sweep)
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert len(page.all("img")) == 2 * (1 + 1) + 2 + 1, "the winner and the real ones once more on the sheet"
    assert "onerror=alert(2)" in page.words()


def test_the_nearest_drawings_stand_under_the_winners_own(cycle: Sweep) -> None:
    real = np.full((8, 16, 16, 3), COLOURS["drawing"], np.uint8)
    found = Neighbours(trial=0, kimg=1.0, pictures=300, distances=[30.0] * 8, usual=25.0)
    nearest_real.write(cycle.folder, found, grid(real, 8))
    close = closest(Results.read([cycle]))
    assert close is not None
    assert [rows_of(url) for url in close.pictures] == [["drawing made of it", "drawing"]]
    words = page_of(cycle).words()
    assert "Under each picture of Trial 0 stands the nearest of all 300 real drawings" in words
    nearest_real.write(cycle.folder, found, grid(np.concatenate([real] * 6), 8))
    assert closest(Results.read([cycle])) is None, "as many rows as the whole sheet has are of something else"
    cycle.folder.delete("images/neighbours.png")


def test_of_one_way_all_drawings_are_compared(cartoon: Sweep) -> None:
    real = np.full((32, 16, 16, 3), COLOURS["drawing"], np.uint8)
    found = Neighbours(trial=0, kimg=1.0, pictures=300, distances=[30.0] * 32, usual=25.0)
    nearest_real.write(cartoon.folder, found, grid(real, 8))
    close = closest(Results.read([cartoon]))
    assert close is not None
    assert [rows_of(url) for url in close.pictures] == [["drawing made of it", "drawing"] * 2] * 2


def test_the_comparison_names_the_rows(cycle: Sweep, faces: Sweep) -> None:
    plain = Image.open(BytesIO(comparison(Results.read([faces])) or b""))
    named = Image.open(BytesIO(comparison(Results.read([cycle])) or b""))
    assert named.height == plain.height + 30


# ---- numbers -----------------------------------------------------------------------------------------------


def test_the_baseline_stands_beside_the_result(page: Page, cycle: Sweep) -> None:
    assert (
        "real drawings score 0.001 against each other (the floor); photographs as they are score 0.25 (the baseline)."
        in page.words()
    )
    assert "300 drawings and 200 photographs" in page.words()
    records = list(csv.DictReader(io.StringIO(csv_text(Results.read([cycle])))))
    assert {record["baseline_kid"] for record in records} == {"0.25"}
    assert records[0]["kid_back"] == "0.3"
    assert records[0]["warnings"].startswith("tint: the mean colour is 9.2")


def test_the_table_has_what_was_measured(cycle: Sweep, cartoon: Sweep) -> None:
    results = Results.read([cycle])
    titles = [column.title for column in columns(results)]
    for trial, cells in rows(results):
        shown = dict(zip(titles, [cell.shown for cell in cells], strict=True))
        assert shown["Baseline"] == "0.25"
        assert shown["Cycle error"] == "0.09"
        assert shown["Warnings"] == ("" if trial.entry.trial else "tint, grey, chequerboard")
    assert all(column.about for column in columns(results) if column.path == "change")
    one_way = [column.title for column in columns(Results.read([cartoon]))]
    assert "Change" in one_way
    assert "Cycle error" not in one_way


def test_flaws_are_told_with_figures(page: Page) -> None:
    words = page.words()
    told = "grey: 43% of the drawings' chroma, below 70%"
    assert words.count(told) == 3, "in the summary, below the table and on paper"
    assert "1 trial with warnings Trial 0 tint: the mean colour is 9.2" in words


def test_there_are_curves_of_what_was_measured(cycle: Sweep, cartoon: Sweep, page: Page) -> None:
    keys = [panel.key for panel in panels(Results.read([cycle]))]
    assert keys[:5] == ["kid", "fid", "change", "content", "cycle_l1"]
    assert {"loss_cycle", "loss_identity", "luminance"} <= set(keys)
    one_way = [panel.key for panel in panels(Results.read([cartoon]))]
    assert "loss_content" in one_way
    assert "cycle_l1" not in one_way
    assert all(len(trial["change"]) == len(trial["kimg"]) for trial in page.data()["trials"])


# ---- what kills runs ---------------------------------------------------------------------------------------


def test_each_verdict_has_its_own_cause(cycle: Sweep, page: Page) -> None:
    identity, saturated = Matters.of(Results.read([cycle])).verdicts
    assert (identity.verdict, identity.collapsed) == ("identity_map", 6)
    assert [item.param.path for item in identity.importances if item.clear] == ["train.identity_weight"]
    assert [risk.inside for risk in identity.risks] == [(6, 6)]
    assert [item.param.path for item in saturated.importances if item.clear] == ["train.lr_d"]
    words = page.words()
    assert "12 of 24 trials collapsed: 6 identity_map, 6 d_saturated." in words
    told = (
        "identity_map is most frequent at identity_map there Elsewhere train.identity_weight 22 to 42 6 of 6"
    )
    assert told in words
    assert "identity_map at 3 kimg (step 750) , the drawings are the photographs" in words


def test_nothing_of_this_is_in_reports_on_other_families(faces: Sweep) -> None:
    results = Results.read([faces])
    page = page_of(faces)
    assert Matters.of(results).verdicts == []
    words = page.words()
    for absent in ("baseline", "Baseline", "photograph", "Warnings", "Rows, from", "What gives", "drawings"):
        assert absent not in words
    assert not any("data-rows" in button or "data-portrait" in button for button in page.all("button"))
    assert "baseline_kid" not in csv_text(results)
    assert "change" not in page.data()["trials"][0]


def test_both_kinds_in_one_report(cycle: Sweep, faces: Sweep, tmp_path: Path) -> None:
    words = page_of(faces, cycle).words()
    assert "Rows of faces2toons, from the top:" in words
    assert "the same latents or photographs" in words
    assert write_report([faces, cycle], tmp_path / "both.html")
