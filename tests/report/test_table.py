"""The table of all trials, on the page and as CSV."""

import csv
import io
from pathlib import Path

import pytest
from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import Sweep
from sweep.report.results import Results
from sweep.report.table import columns, csv_cell, csv_text, rows


def test_the_table_as_csv(faces: Sweep) -> None:
    records = list(csv.DictReader(io.StringIO(csv_text(Results.read([faces])))))
    trials = {str(row["trial"]): row for row in faces.store.rows("trials")}
    assert len(records) == 12
    assert [row["rank"] for row in records[:2]] == ["1", "2"]
    for row in records:
        assert float(row["train.lr_g"]) == trials[row["trial"]]["param.train.lr_g"]
        assert row["verdict"] == (trials[row["trial"]]["verdict"] or "")
    assert float(records[0]["kid"]) == min(float(row["kid"]) for row in records if row["rank"])


@pytest.mark.parametrize("words", ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "-x"])
def test_no_cell_of_the_csv_is_a_formula(words: str) -> None:
    assert csv_cell(words) == f"'{words}"
    assert csv_cell(-1.5) == -1.5
    assert csv_cell("bce") == "bce"
    assert csv_cell({"from": 1 / 3, "to": 0.0}) == '{"from": 0.3333333333333333, "to": 0.0}'


def test_every_column_has_a_cell_and_the_status_has_a_badge(faces: Sweep) -> None:
    results = Results.read([faces])
    for trial, cells in rows(results):
        assert len(cells) == len(columns(results))
        assert [cell.badge for cell in cells if cell.badge] == [trial.entry.status]


def test_what_is_only_the_best_so_far_tells_its_number_of_pictures(tmp_path: Path) -> None:
    """FID falls with the number of pictures: without that number it compares with nothing."""
    results = Results.read([make_sweep(tmp_path, trials=4, running=True, pictures=False)])
    titles = [column.title.partition(" ")[0] for column in columns(results)]
    shown = {trial.key: dict(zip(titles, cells, strict=True)) for trial, cells in rows(results)}
    assert shown["2"]["KID"].shown.endswith(" so far (n=512)")
    assert shown["2"]["FID"].shown.endswith(" so far (n=512)")
    assert "n=" not in shown["0"]["FID"].shown, "all results are on the number that the heading tells"
