"""A sitting: which pictures are shown, what counts of earlier ones, and what is told of it elsewhere."""

import json
from pathlib import Path

import pytest
from helpers.sweeps.reports import evil_sweep, page_of, translator_sweep
from helpers.sweeps.synthetic import KINDS, make_sweep

from ganlib.errors import RequestError
from sweep.check.file_rules import judged
from sweep.check.folder import Found
from sweep.local_server import Asked
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.judging.server import JudgeServer, page
from sweep.report.judging.sitting import NOT_NOW, Sitting, progress
from sweep.report.page.document import templates
from sweep.report.serve import fingerprint
from sweep.results.judging import judgements
from sweep.results.judging.bradley_terry import Choice, fit
from sweep.results.ranking import leaderboard
from sweep.storage import layout


def test_earlier_judgements_count_and_those_of_others_do_not(sweep: Sweep) -> None:
    ann, bo = Sitting(sweep, "ann", 4), Sitting(sweep, "bo", 4)
    for sitting, times in ((ann, 3), (bo, 2)):
        for _ in range(times):
            assert sitting.answer(sitting.question()["number"], Choice.FIRST)
    again = Sitting(sweep, "ann", 4)
    assert again.question()["progress"].startswith("3 judgements;")
    assert again.question()["judged"] == 0  # what is undone is of this sitting
    assert len(again.eye().matches) == 3


def test_a_sweep_that_goes_on_shows_its_newer_best(tmp_path: Path) -> None:
    live = make_sweep(tmp_path, trials=6, size=12, running=True)
    sitting = Sitting(live, "ann", 2)
    assert sitting.running
    sitting.answer(sitting.question()["number"], Choice.FIRST)
    assert "still runs" in page(sitting)
    best = leaderboard(live.store).ranked[0]
    row = live.store.part("results", best.trial)[0]
    Store(live.folder, KINDS).replace("results", best.trial, [row | {"kid": 9.0}])
    sitting.look()
    assert best.trial not in {player.shown.trial for player in sitting.players}
    assert sitting.undo()  # its pair is none any more
    assert sitting.question()["judged"] == 0


def test_those_that_took_part_stay_while_too_few_can_be_compared(tmp_path: Path) -> None:
    live = make_sweep(tmp_path, trials=6, size=12, running=True)
    with JudgeServer(Sitting(live, "ann", 3)) as server:
        sitting, before = server.sitting, server.sitting.players
        asked = sitting.question()
        for sample in live.store.rows("samples"):
            live.folder.write(sample["path"], b"no picture")
        for _ in range(2):
            answer = server.answer(Asked(""))
            assert answer.status == 200
            assert answer.data.decode().count(NOT_NOW) == 1
        assert sitting.players is before
        assert sitting.question() == asked
        assert sitting.answer(asked["number"], Choice.FIRST)
        assert sitting.running


def test_what_there_is_to_know_of_the_pictures_is_told(sweep: Sweep, tmp_path: Path) -> None:
    assert Sitting(sweep, "ann", 4).notes == []
    best, second = leaderboard(sweep.store).ranked[:2]
    grid = layout.grid(best.trial, best.kimg or 0.0)
    other = make_sweep(tmp_path / "other", trials=best.trial + 1, size=16)
    larger = other.folder.names(f"{layout.IMAGES}/{layout.name_of(best.trial)}")[0]
    sweep.folder.write(grid, other.folder.read(f"{layout.IMAGES}/{layout.name_of(best.trial)}/{larger}"))
    sweep.folder.write(layout.grid(second.trial, second.kimg or 0.0), b"no picture")
    sitting = Sitting(sweep, "ann", 4)
    assert sitting.notes == [
        f"the pictures of trial {second.trial} cannot be read; they do not take part",
        "grids differ in size: 114 x 114 px, 146 x 146 px",
    ]
    assert "Note: grids differ in size" in page(sitting)


def test_rows_of_a_translators_grids_are_named(tmp_path: Path) -> None:
    sitting = Sitting(translator_sweep(tmp_path, trials=6), "ann", 3)
    assert sitting.question()["rows"][1] == "drawing made of it"
    assert "the better drawings" in " ".join(page(sitting).split())


def test_names_are_inert(tmp_path: Path) -> None:
    evil = evil_sweep(tmp_path)
    with pytest.raises(RequestError, match="takes two"):
        Sitting(evil, "ann", 4)
    shown = templates().get_template("judge/judge.html.j2")
    page_of = {"title": evil.name, "who": evil.name, "trials": 2, "notes": [evil.name], "running": False}
    text = shown.render(page=page_of | {"translates": False, "policy": "", "css": "", "script": ""})
    assert "<script>alert" not in text


def test_progress_names_the_next_mark() -> None:
    def after(count: int, wins: int) -> str:
        played = [(0, 1, Choice.FIRST)] * wins + [(0, 1, Choice.SECOND)] * (count - wins)
        return progress(fit(2, played), played)

    assert after(0, 0) == "0 judgements; 2 more until each of 2 was shown 2 times"
    assert after(4, 3).startswith("4 judgements; about ")
    assert "look much alike" in after(20, 10)
    assert (
        after(30, 30)
        == "30 judgements; the best is told from the next: more make the order of the others surer"
    )


def test_the_report_shows_what_was_judged(sweep: Sweep) -> None:
    assert "By eye" not in page_of(sweep).words()
    sitting = Sitting(sweep, "ann", 4)
    for _ in range(10):
        sitting.answer(sitting.question()["number"], Choice.FIRST)
    before = fingerprint([sweep])
    shown = page_of(sweep)
    assert "10 judgements by ann: trial" in shown.words()
    ids = {one.get("id") for _, one in shown.elements}
    links = {one["href"] for one in shown.all("a")}
    those = {f"#trial-{one.trial}" for one in sitting.eye().standings}
    assert those <= links
    assert {link[1:] for link in those} <= ids
    sitting.undo()
    assert fingerprint([sweep]) != before  # a served report shows it


def test_check_finds_what_is_no_judgement(sweep: Sweep) -> None:
    Sitting(sweep, "ann", 4).answer(1, Choice.TIE)
    bo, cy = (f"judgements/{who}/20260102T030405Z-0a1b2c.jsonl" for who in ("bo", "cy"))
    sweep.folder.write(bo, b"{}\n")
    line = judgements.Judgement(judgements.Shown(0, 1.0), judgements.Shown(99, 1.0), Choice.TIE).line()
    sweep.folder.write(cy, json.dumps(line).encode())
    sweep.folder.write("judgements/cy/mine.jsonl", json.dumps(line).encode())
    found = list(judged(Found.load(sweep.folder)))
    assert [finding.path for finding in found] == ["judgements/cy/mine.jsonl", bo, cy]
    assert found[0].what.startswith("does not count")
    assert found[1].what.startswith("has no judgement in line 1")
    assert "trial 99" in found[2].what
