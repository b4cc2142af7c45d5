"""``sweep run SPEC --or-resume``: a command that can be repeated until all is done."""

from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import TINY, draw, fine, run

from sweep.commands.or_resume import EXTENDED, differences
from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder


@pytest.fixture
def command(tmp_path: Path) -> list[object]:
    (tmp_path / "spec.yaml").write_text(TINY)
    return ["run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path, "--or-resume"]


def trials(folder: Path) -> list[dict[str, Any]]:
    return Store(open_folder(folder) / "tiny").rows("trials")


def test_it_starts_goes_on_and_says_that_all_is_done(
    command: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        report, said = Director.report, []

        def cut(self: Director, one: Any) -> bool:
            said.append(one)
            if len(said) == 2:
                raise KeyboardInterrupt
            return report(self, one)

        patch.setattr(Director, "report", cut)
        assert run(*command).exit_code == 1
    assert "1 trial on record" in fine(*command)
    done = trials(tmp_path)
    assert {row["status"] for row in done} == {"finished"}
    assert "has finished" in fine(*command)
    assert trials(tmp_path) == done
    fine("check", "tiny", "--storage", tmp_path)


def test_another_spec_is_refused(command: list[object], tmp_path: Path) -> None:
    fine(*command)
    others = [
        "train.lr_d=0.5",
        "search.trials=3",
        "data.count=65",
        "train.lr_g={type: float, low: 1e-4, high: 2e-3}",
    ]
    for other in others:
        refused = run(*command, "--set", other)
        assert refused.exit_code == 2
        assert f"was begun with another spec ({other.partition('=')[0]} is " in refused.output
        assert "choose another name (--name)" in refused.output
    many = [
        word
        for key in ("lr_d", "weight_decay", "gp_weight", "clip", "gamma", "r1_gamma")
        for word in ("--set", f"train.{key}=0.25")
    ]
    assert "; and 1 more)" in run(*command, *many).output


def test_the_command_of_a_sweep_that_was_extended_still_means_it(
    command: list[object], tmp_path: Path
) -> None:
    fine(*command)
    fine("extend", "tiny", "--trials", "+1", "--local", "--storage", tmp_path)
    assert len(trials(tmp_path)) == 3
    assert "all its 3 trials have ended" in fine(*command)
    assert run(*command, "--set", "train.lr_d=0.5").exit_code == 2


def test_where_the_pictures_lie_is_the_same_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "pictures", 64)
    (tmp_path / "spec.yaml").write_text(
        TINY.replace("source: avatars", "source: pictures").replace("count: 64", "dedupe: false")
    )
    monkeypatch.chdir(tmp_path)
    command = ["run", "spec.yaml", "--local", "--storage", tmp_path / "runs", "--or-resume"]
    fine(*command)
    assert "has finished" in fine(*command)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = run("run", "../spec.yaml", "--local", "--storage", tmp_path / "runs", "--or-resume")
    assert again.exit_code == 2
    assert "data.source is" in again.output


def test_differences_name_sections_keys_and_distributions() -> None:
    here = {"name": "a", "train": {"lr_g": {"type": "float", "low": 1, "high": 2}, "gamma": 1.0}}
    there = {"name": "a", "train": {"lr_g": 0.5, "gamma": 1.0}, "asha": {"grace": 1}}
    assert list(differences(here, there)) == [
        "train.lr_g is {type: float, low: 1, high: 2} here and 0.5 there",
        "asha.grace is null here and 1 there",
    ]
    assert list(differences(here, here)) == []


@pytest.mark.parametrize("key", EXTENDED)
def test_more_than_was_asked_for_is_no_other_spec(key: str) -> None:
    section, _, name = key.partition(".")
    few, many = ({section: {name: count}} for count in (2, 3))
    assert list(differences(few, many)) == []
    assert list(differences(many, few)) == [f"{key} is 3 here and 2 there"]
    assert list(differences({section: {name: None}}, few)) == [f"{key} is null here and 2 there"]
