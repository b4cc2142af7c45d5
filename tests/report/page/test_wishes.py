"""What a report tells of wishes: who breaks one, what breaks them, and what one gives up for what."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.reports import page_of
from helpers.sweeps.synthetic import KINDS, make_sweep

from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.matters import Matters
from sweep.report.page.tradeoffs import TradeoffsSection
from sweep.report.results import Results
from sweep.report.table import columns, csv_text, rows

Row = Mapping[str, Any]
WISH = {"coverage": ">= 0.5"}


def covered(
    storage: Path, coverage: Callable[[Row], float], trials: int = 48, wishes: Mapping[str, str] = WISH
) -> Sweep:
    """A sweep whose results have a coverage that follows from their trial's row."""
    sweep = make_sweep(storage, trials=trials, pictures=False, info={"subject_to": wishes})
    store, of_trial = Store(sweep.folder, KINDS), {row["trial"]: row for row in sweep.store.rows("trials")}
    for row in sweep.store.rows("results"):
        trial = of_trial[row["trial"]]
        more = {"coverage": coverage(trial), "seconds_per_kimg": 1.0 + trial["trial"] % 5}
        store.replace("results", row["trial"], [row | more])
    return sweep


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A sweep in which high rates of the discriminator cost variety."""

    def coverage(trial: Row) -> float:
        return 0.2 if trial["param.train.lr_d"] > 3e-4 else 0.5 + trial["trial"] / 100

    return covered(tmp_path_factory.mktemp("wishes"), coverage)


def test_the_winner_fulfils_the_wishes_and_the_table_says_who_does_not(sweep: Sweep) -> None:
    results = Results.read([sweep])
    assert results.winner is not None
    assert results.winner.entry.source["coverage"] >= 0.5
    assert any(trial.entry.broken for trial in results.trials)
    place = [column.title for column in columns(results)].index("Wishes")
    for trial, cells in rows(results):
        assert len(cells) == len(columns(results))
        shown = cells[place].shown
        if trial.entry.rank is not None:
            assert shown == "fulfilled"
        elif trial.entry.broken:
            assert shown == "coverage 0.2, wanted >= 0.5"
        else:
            assert shown == "–"
    records = list(csv.DictReader(io.StringIO(csv_text(results))))
    assert {row["broken"] for row in records if row["rank"]} == {""}
    assert {row["broken"] for row in records} == {"", "coverage 0.2, wanted >= 0.5"}


def test_what_breaks_the_wishes_is_found(sweep: Sweep) -> None:
    found = Matters.of(Results.read([sweep])).unfulfilled
    assert found is not None
    assert found.importances[0].param.path == "train.lr_d"
    assert found.importances[0].clear
    (risk,) = [one for one in found.risks if one.param.path == "train.lr_d"]
    assert risk.low > 3e-4
    assert risk.inside[0] == risk.inside[1]
    assert 0 < found.broken < found.judged


def test_the_page_tells_it(sweep: Sweep) -> None:
    page = page_of(sweep)
    words = page.words()
    assert "What breaks the wishes" in words
    assert "coverage >= 0.5" in words
    assert "are not ranked, nor those whose result breaks a wish" in words
    assert "where those that collapsed or break a wish reach none" in words
    assert "What one gives up for what" in words
    assert "that no other beats in KID, coverage and seconds per kimg together" in words
    links = {str(one["href"]) for one in page.all("a")}
    assert "#tradeoffs" in links
    rows = {one.key for one in TradeoffsSection.of(Results.read([sweep])).rows}
    assert {f"#trial-{key}" for key in rows} <= links


def test_without_wishes_nothing_is_said_of_them(faces: Sweep) -> None:
    results = Results.read([faces])
    assert Matters.of(results).unfulfilled is None
    assert "Wishes" not in [column.title for column in columns(results)]
    words = page_of(faces).words()
    assert "wishes" not in words.lower()
    assert "What one gives up" not in words, "there is no cost on record"


@pytest.mark.parametrize(
    ("value", "told"), [(0.1, "Every result breaks a wish."), (0.9, "No result breaks a wish.")]
)
def test_where_all_or_none_break_one_that_is_said(value: float, told: str, tmp_path: Path) -> None:
    sweep = covered(tmp_path, lambda row: value, trials=12)
    found = Matters.of(Results.read([sweep])).unfulfilled
    assert found is not None
    assert found.why_not == told
    words = page_of(sweep).words()
    assert told in words
    assert ("No trial fulfils the wishes; the nearest is trial" in words) == (value == 0.1)
