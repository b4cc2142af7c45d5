"""A shell completes commands, names of sweeps, tags and specs, and loads nothing heavy for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from helpers.sweeps.commands import fine
from helpers.sweeps.synthetic import make_sweep

from sweep.cli import COMMANDS, COMPLETING, cli


def completed(*words: object) -> list[str]:
    """What a shell is offered for the last of some words."""
    *before, last = map(str, words)
    found = BashComplete(cli, {}, "sweep", COMPLETING).get_completions(before, last)
    return [f"{item.type}:{item.value}" if item.type != "plain" else item.value for item in found]


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    for name in ("faces", "far", "other"):
        make_sweep(tmp_path, trials=1, name=name, pictures=False)
    (tmp_path / "fancy").mkdir()  # no sweep
    return tmp_path


def test_commands() -> None:
    assert set(completed("")) == set(COMMANDS)
    assert completed("re") == ["resume", "report"]


OTHERS = ("run", "init", "plan", "data", "generate", "play", "score", "cache")
NAMED = [name for name in COMMANDS if name not in OTHERS]


@pytest.mark.parametrize("command", NAMED)
def test_names_of_sweeps(command: str, storage: Path) -> None:
    assert completed(command, "--storage", storage, "fa") == ["faces", "far"]


def test_a_name_is_offered_once(storage: Path) -> None:
    assert completed("rm", "--storage", storage, "faces", "") == ["far", "other"]
    assert completed("report", "--storage", storage, "faces", "far", "") == ["other"]


def test_what_is_not_there_completes_nothing(tmp_path: Path) -> None:
    assert completed("show", "--storage", tmp_path / "none", "") == []
    assert completed("show", "--storage", "ftp://nowhere", "") == []
    assert completed("show", "some/where") == ["dir:some/where"]


def test_tags(storage: Path) -> None:
    fine("note", "far", "--tag", "try", "--tag", "good", "--storage", storage)
    assert completed("ls", "--storage", storage, "--tag", "") == ["good", "try"]


@pytest.mark.parametrize("command", ["run", "plan", "data"])
def test_specs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "mine.yaml",
        "spaces/one.yaml",
        "spaces/two.yml",
        "a/b/deep.yaml",
        ".hidden/x.yaml",
        "spaces/x.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    make_sweep(tmp_path, trials=0, pictures=False)
    assert completed(command, "") == ["mine.yaml", "spaces/one.yaml", "spaces/two.yml"]
    assert completed(command, "sp") == ["spaces/one.yaml", "spaces/two.yml"]
    assert completed(command, "./spaces/o") == ["./spaces/one.yaml"]
    assert completed(command, f"{tmp_path}/a/b/") == [f"{tmp_path}/a/b/deep.yaml"]
    assert completed(command, "a/x") == ["file:a/x"]  # a folder of pictures, say


def test_a_shell_really_gets_them_and_nothing_heavy_is_loaded(storage: Path) -> None:
    code = (
        "import atexit, sys\n"
        "heavy = ('torch', 'ray', 'optuna', 'pyarrow', 'pandas', 'PIL', 'numpy', 'pydantic')\n"
        "atexit.register(lambda: print('loaded:', [name for name in heavy if name in sys.modules]))\n"
        "from sweep.cli import main\n"
        "main()\n"
    )
    words = f"sweep show --storage {storage} f"
    asked = {COMPLETING: "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["plain,faces", "plain,far", "loaded: []"]
