"""Commands in messages find their sweep from where they are read."""

import re
from pathlib import Path

import pytest
from helpers.programs.modules import modules
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import KINDS, make_sweep

from sweep.records.datasets import Store
from sweep.storage.called import called
from sweep.storage.opening import open_folder

COMMANDS = "resume|extend|confirm|continue|best|show|check|rm|watch|stop|report|judge|film|note"


def sweep_in(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sweep.json").write_text("{}")


def test_the_words_name_the_storage_unless_it_is_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sweep_in(tmp_path / "here" / "runs" / "a b")
    sweep_in(tmp_path / "runs" / "r1")
    sweep_in(tmp_path / "runs" / "r1" / "continued")
    assert called(open_folder("runs/a b")) == "'a b'"
    assert called(open_folder("../runs/r1")) == "r1 --storage ../runs"
    assert called(open_folder("../runs/r1/continued")) == "r1/continued --storage ../runs"
    assert called(open_folder("../runs/r1/continued"), outer=True) == "r1 --storage ../runs"
    assert called(open_folder("../runs/r1/confirm")) == "r1 --storage ../runs"
    assert called(open_folder("runs/confirm")) == "confirm", "a sweep of that name"


def test_no_message_names_a_sweep_by_its_name_alone() -> None:
    """A name says nothing where the sweep lies elsewhere than in ``runs``."""
    named = re.compile(rf"'sweep ({COMMANDS}) \{{(\w+\.)*name\}}")
    found = [
        f"{path.name}: {match[0]}"
        for path in modules("sweep").values()
        for match in named.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_what_show_and_stop_say_works_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = make_sweep(tmp_path / "runs", trials=2, pictures=False)
    store = Store(sweep.folder, KINDS)
    store.put_trial({"trial": 0, "status": "interrupted"})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    words = f"'sweep resume {sweep.name} --storage ../runs' goes on"
    assert words in run("show", f"../runs/{sweep.name}").output
    assert words in run("stop", sweep.name, "--storage", "../runs").output
    assert words in run("stop", f"../runs/{sweep.name}").output


def test_a_finished_sweep_is_said_to_have_finished(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=2, pictures=False)
    told = run("stop", sweep.name, "--storage", tmp_path)
    assert told.exit_code == 0
    assert f"nobody runs '{sweep.name}': it has finished, all its" in told.output
    assert "resume" not in told.output
