"""The printed page: what a thesis wants, bounded whatever the sweep."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.sweeps.reports import Page, crowded, evil_sweep, sheet_html, sheet_of, translator_sweep
from helpers.sweeps.synthetic import make_sweep, remeasured

from sweep.records.catalog import Sweep
from sweep.report.beside.pasted import markdown
from sweep.report.best import MOST
from sweep.report.page.sheet import COLUMNS, PARAMS
from sweep.report.results import Results


def words(sweeps: Sequence[Sweep]) -> str:
    return Page(sheet_html(sheet_of(Results.read(sweeps)))).words()


def test_it_says_what_a_thesis_asks(faces: Sweep) -> None:
    results = Results.read([faces])
    section = sheet_of(results)
    assert results.winner is not None
    told = Page(sheet_html(section)).words()
    for expected in (
        results.value(results.winner.entry),
        results.label,
        "one seed",
        "3,000 pictures",
        "Adventurer by Lisa Wischofsky, CC BY 4.0 (dicebear.com)",
        "120 kimg a trial",
        "4 stopped at 12 kimg",
        "sweep run spec.yaml --name NEW_NAME",
        "a1b2c3d4e5f60718",
        "torch 2.11.0",
        f"search: 0, best trial: {results.winner.entry.row['seed']}",
        "1e-05 to 0.001, log",
        "its result a star",
    ):
        assert expected in told
    assert [plate.source for plate in section.plates] == ["portrait", "0"]
    assert sheet_html(section).count("<svg") == 2, "a frame, and the curves in it"


def test_the_table_is_the_one_to_paste(faces: Sweep) -> None:
    results = Results.read([faces])
    section = sheet_of(results)
    pasted = [
        line.strip("| ").split(" | ") for line in markdown(results).splitlines() if line.startswith("|")
    ]
    rows = [list(row) for row in zip(*(column.cells for column in section.columns), strict=True)]
    assert rows == [[cell.replace("\\", "") for cell in row] for row in (pasted[0], *pasted[2:])]
    assert section.caption == markdown(results).partition("\n")[0].replace("\\", "")


def test_it_costs_one_sweep_a_few_kilobytes(faces: Sweep) -> None:
    assert len(sheet_html(sheet_of(Results.read([faces])))) < 12_000


def test_a_thousand_trials_and_twenty_parameters_are_bounded_and_counted(faces: Sweep) -> None:
    results = crowded(Results.read([faces]), params=30, copies=80)
    section = sheet_of(results)
    told = Page(sheet_html(section)).words()
    assert len(results.trials) == 960
    assert len(section.columns[0].cells) == 1 + MOST
    assert len(section.columns) == 5 + COLUMNS[0]
    assert section.columns_more == len(results.params) - COLUMNS[0]
    assert f"{section.columns_more} parameters not shown" in told
    assert len(section.params) == PARAMS
    assert f"and {section.params_more} more values" in told
    assert f"The best {MOST} of 960 trials" in told
    assert "41 of 960 trials drawn" in told
    assert len(sheet_html(section)) < 20_000


def test_without_a_winner_it_says_why(faces: Sweep, tmp_path: Path) -> None:
    assert "No result yet No trial has started." in words([make_sweep(tmp_path, trials=0, pictures=False)])
    other = remeasured(make_sweep(tmp_path, trials=2, name="other", pictures=False), n_fake=64)
    assert "No result yet the KID of these sweeps cannot be compared" in words([faces, other])


def test_the_rows_of_translators_are_named(tmp_path: Path) -> None:
    section = sheet_of(Results.read([translator_sweep(tmp_path, trials=4)]))
    assert section.plates[0].rows[1] == "drawing made of it"
    assert section.plates[1].words == "Real drawings, which all trials learn from"
    told = Page(sheet_html(section)).words()
    assert "photographs as they are score 0.25 (the baseline)" in told
    assert "Warning: " in told


def test_several_sweeps_are_drawn_one_by_one(faces: Sweep, tmp_path: Path) -> None:
    others = [make_sweep(tmp_path, trials=2, name=f"other {n}", pictures=False) for n in range(7)]
    results = Results.read([*others, faces])
    section = sheet_of(results)
    assert len(section.charts) == 6
    assert "2 more sweeps not drawn." in section.charts_about
    assert section.title.endswith("other 3 and 4 more")
    whose = results.winner.facts.sweep.name if results.winner else ""
    assert f"of the best, {whose}" in Page(sheet_html(section)).words()
    assert "sweep" in [column.cells[0] for column in section.columns]


@pytest.mark.parametrize("length", [10_000])
def test_no_name_is_longer_than_its_place(faces: Sweep, length: int) -> None:
    results = Results.read([faces])
    facts = replace(results.sweeps[0], sweep=replace(faces, name="x" * length))
    trials = [replace(trial, facts=facts, name="x" * length) for trial in results.trials]
    page = sheet_html(sheet_of(replace(results, sweeps=[facts], trials=trials)))
    assert len(Page(page).words()) < 6_000


def test_hostile_text_is_text(tmp_path: Path) -> None:
    page = Page(sheet_html(sheet_of(Results.read([evil_sweep(tmp_path)]))))
    assert not page.all("script")
    assert all(image["alt"] for image in page.all("img"))
