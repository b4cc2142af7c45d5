"""Sweeps as small multiples: the same axes where they were measured alike, and words where they were not."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.sweeps.reports import Page, evil_sweep, page_of
from helpers.sweeps.synthetic import make_sweep, remeasured, shared_storage

from sweep.records.catalog import Sweep, open_sweep
from sweep.report.page.compare import CompareSection
from sweep.report.page.document import templates
from sweep.report.results import Results
from sweep.storage.opening import open_folder

AXES = re.compile(r'<path class="levels".*?</text>(?=<svg)')


def axes(section: CompareSection) -> list[str]:
    """How each chart is ruled and lettered."""
    return [match[0] for chart in section.charts if (match := AXES.search(chart.svg))]


@pytest.fixture(scope="module")
def live() -> Sweep:
    return open_sweep(open_folder(shared_storage()), "live")


def test_one_sweep_is_compared_with_none(faces: Sweep) -> None:
    assert not CompareSection.of(Results.read([faces])).charts
    assert "sweeps" not in [attributes.get("id") for attributes in page_of(faces).all("section")]


def test_all_have_the_same_axes_and_the_best_comes_first(faces: Sweep, live: Sweep) -> None:
    results = Results.read([live, faces])
    section = CompareSection.of(results)
    assert results.winner is not None
    assert section.alike
    assert section.charts[0].name == results.winner.facts.sweep.name
    assert len(axes(section)) == 2
    assert len(set(axes(section))) == 1
    named = {chart.name: chart for chart in section.charts}
    assert named["faces"].target == "sweep-1", "in the order in which the summary tells of them"
    assert "12 trials, 3 collapsed" in named["faces"].words
    assert "still running" in named["live"].words
    best = results.sweeps[1].winner
    assert best is not None
    assert named["faces"].best == results.value(best)
    assert f"the best, trial {best.trial}, has {results.value(best)}" in named["faces"].svg
    assert named["faces"].svg.count('class="star"') == 1


@pytest.mark.parametrize(
    ("kid", "words"), [(0.05, "a dashed line"), (1e-5, "below the axis"), (9.0, "above the axis")]
)
def test_what_real_pictures_score_is_drawn_or_said(tmp_path: Path, kid: float, words: str) -> None:
    floor = {"n_fake": 512, "fid": 10.0, "kid": kid, "kid_se": 0.001}
    sweeps = [
        make_sweep(tmp_path, 8, name, pictures=False, info={"floor": [floor]}) for name in ("one", "two")
    ]
    section = CompareSection.of(Results.read(sweeps))
    told = [note for note in section.notes if note.startswith("What real pictures score")]
    assert told == [f"What real pictures score is {words}."]
    assert all(('class="floor"' in chart.svg) == (kid == 0.05) for chart in section.charts)


def test_every_link_leads_somewhere(faces: Sweep, live: Sweep) -> None:
    page = page_of(faces, live)
    targets = {attributes.get("id") for _, attributes in page.elements}
    assert {str(link["href"])[1:] for link in page.all("a")} <= targets


def test_what_was_not_measured_alike_shares_no_axis(faces: Sweep, tmp_path: Path) -> None:
    other = remeasured(make_sweep(tmp_path, trials=3, name="other", pictures=False), n_fake=64)
    section = CompareSection.of(Results.read([faces, other]))
    assert not section.alike
    assert len(set(axes(section))) == 2
    assert [chart.name for chart in section.charts] == ["faces", "other"]
    assert "heights in two charts do not compare" in section.notes[0]


def test_a_sweep_before_its_first_evaluation_has_a_place(faces: Sweep, tmp_path: Path) -> None:
    empty = make_sweep(tmp_path, trials=0, name="empty", pictures=False)
    section = CompareSection.of(Results.read([empty, faces]))
    assert [chart.name for chart in section.charts] == ["faces", "empty"]
    assert section.charts[1].svg == ""
    assert section.charts[1].best == "no trial yet"
    assert "No evaluation yet." in page_of(empty, faces).words()


def test_thirty_sweeps_of_many_trials_stay_small(faces: Sweep) -> None:
    results = Results.read([faces])
    facts = results.sweeps[0]
    copies = [replace(facts, sweep=replace(facts.sweep, name=f"faces {n}")) for n in range(30)]
    trials = [replace(trial, facts=copy) for copy in copies for trial in results.trials for _ in range(10)]
    section = CompareSection.of(replace(results, sweeps=copies, trials=trials))
    assert len(section.charts) == 30
    assert sum(len(chart.svg) for chart in section.charts) < 300_000
    assert any("some are drawn" in words for words in section.notes)


def test_hostile_names_are_text(tmp_path: Path, faces: Sweep) -> None:
    section = CompareSection.of(Results.read([evil_sweep(tmp_path), faces]))
    page = Page(templates().get_template("sections/compare.html.j2").render(section=section))
    assert not page.all("script")
    assert not page.all("img")
