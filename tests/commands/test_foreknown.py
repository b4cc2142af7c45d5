"""Wishes that follow from a configuration alone: who is refused before training, and how a search ends for them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import fine, run, small

from ganlib.errors import RequestError
from sweep.commands import foreknown
from sweep.commands.before import planned
from sweep.commands.foreknown import check, refusal
from sweep.commands.planning.dry_run import describe
from sweep.commands.planning.findings import first_configurations
from sweep.records.datasets import Store
from sweep.spec.specification import Spec, parse
from sweep.storage.opening import open_folder

WIDTHS = {"type": "int", "low": 4, "high": 64, "step": 4}
SMALL = 20_000


def spec(*overrides: str, **sections: Mapping[str, Any]) -> Spec:
    wishes = {"search": {"subject_to": {"params": f"<= {SMALL}", "kid": "< 1"}}}
    return parse(
        small(model={"width": WIDTHS}, train={"kimg": 1}, **{**wishes, **sections}), "w.yaml", overrides
    )


def test_only_what_is_known_beforehand_is_judged() -> None:
    refuse = refusal(spec())
    assert refuse is not None
    assert refuse({"model.width": 4, "train.lr_g": 1e-3}) == ""
    assert refuse({"model.width": 64, "train.lr_g": 1e-3}).endswith(f", wanted <= {SMALL}")
    assert refusal(spec(search={"subject_to": {"coverage": ">= 0.5"}})) is None
    assert refusal(parse(small(train={"kimg": 1}))) is None


def test_what_can_be_is_not_refused_and_the_first_trials_are_shown_as_they_are_drawn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    check(spec())
    first = first_configurations(spec("search.trials=4"))
    assert len(first) == 4
    assert {one["model.width"] for one in first} <= {4, 8}
    describe(spec())
    shown = capsys.readouterr().out
    assert f"# Subject to params <= {SMALL}, kid < 1" in shown
    assert f"subject_to: {{params: <= {SMALL}, kid: < 1}}" in shown


def test_a_configuration_that_is_given_and_breaks_a_wish_is_refused() -> None:
    text = small(model={"width": WIDTHS}, train={"kimg": 1}, search={"subject_to": {"params": f"<= {SMALL}"}})
    fits, wide = "{model.width: 4}", "{model.width: 64}"
    check(parse(f"{text}configs: [{fits}]\n"))
    line = len(text.splitlines())
    with pytest.raises(
        RequestError, match=rf"w.yaml:{line}: search.subject_to: configs\[1\]: of 1,005 .*params"
    ):
        check(parse(f"{text}configs: [{fits}, {wide}]\n", "w.yaml"))


def test_combinations_of_a_grid_that_break_a_wish_do_not_count() -> None:
    grid = ("search.sampler=grid", "train.lr_g=1e-3", "search.trials=99")
    assert planned(spec(*grid)) == 2
    assert planned(spec(*grid, "search.subject_to.params=")) == 16
    assert planned(spec(*grid, "search.trials=1")) == 1
    check(spec(*grid))
    with pytest.raises(RequestError, match=r"every combination of the grid is known to break a wish"):
        check(spec(*grid, "search.subject_to.params=<= 1"))


def test_where_nothing_is_left_the_search_ends_says_why_and_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Mapping[str, Any]] = []

    def refuse(params: Mapping[str, Any]) -> str:
        if params not in taken and len(taken) == 2:
            return "params 9, wanted <= 8"
        taken.append(params)
        return ""

    monkeypatch.setattr(foreknown, "refusal", lambda spec, classes: refuse)
    monkeypatch.setattr(foreknown, "check", lambda spec, classes: None)
    (tmp_path / "w.yaml").write_text(small(train={"epochs": 1}, search={"trials": 5}))
    ended = fine("run", tmp_path / "w.yaml", "--local", "--storage", tmp_path / "runs")
    told = "of 1,005 configurations that were drawn for trial 2, all are known to break a wish"
    assert f"the search has ended early: {told}" in ended
    store = Store(open_folder(tmp_path / "runs") / "small")
    assert [row["status"] for row in store.rows("trials")] == ["finished"] * 2
    notes = [json.loads(row["detail"])["reason"] for row in store.rows("events") if row["kind"] == "note"]
    assert [note for note in notes if note.startswith(told)]
    assert "done" in fine("ls", "--storage", tmp_path / "runs")
    assert "has finished" in fine("resume", "small", "--local", "--storage", tmp_path / "runs")
    assert fine("check", "small", "--storage", tmp_path / "runs")
    assert run("best", "--storage", tmp_path / "runs").exit_code == 0
