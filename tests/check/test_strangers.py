"""Files that systems, cloud folders and people leave in a sweep's folders change nothing of what is read there."""

import json
import re
from pathlib import Path

import pytest
from helpers.sweeps.checking import check, everything
from helpers.sweeps.commands import fine

from sweep.records.datasets import Store
from sweep.records.parts import compaction
from sweep.storage import layout
from sweep.storage.opening import open_folder

pytestmark = pytest.mark.slow

STRANGERS = (".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt")


def strange(path: Path) -> list[str]:
    """Names that begin or end as that of a file does: a Mac's second file, copies of cloud folders, other digits."""
    stem, end = path.stem, path.suffix
    return [f"._{path.name}", f"{stem} (1){end}", f"{stem} copy{end}", f"²{end}", f"7{end}", f"0{stem}{end}"]


@pytest.fixture
def copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished sweep with copies of its parts."""
    monkeypatch.setattr(compaction, "MANY", 1)
    monkeypatch.setattr(compaction, "SETTLED_SECONDS", -10.0)
    Store(open_folder(folder)).compact()
    (folder / layout.JUDGEMENTS).mkdir()
    return folder


def litter(folder: Path) -> None:
    """Leave such files in all folders of a sweep."""
    for place in [folder.parent, folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        files = sorted(path for path in place.iterdir() if path.is_file())
        for name in STRANGERS:
            (place / name).write_bytes(b"strange")
        for path in files:
            for name in strange(path):
                (place / name).write_bytes(path.read_bytes())


def said(folder: Path, *words: str) -> str:
    """What a command says, without how long ago anything was."""
    return re.sub(
        r"\d+ (seconds?|minutes?) ago|\d+(\.\d+)? [kM]?B", "", fine(*words, "--storage", folder.parent)
    )


def test_they_change_nothing_of_what_commands_say(copied: Path) -> None:
    commands = (("best", "small", "--json"), ("show", "small"), ("ls",))
    rows, before = everything(copied), [said(copied, *words) for words in commands]
    litter(copied)
    assert everything(copied) == rows
    assert [said(copied, *words) for words in commands] == before
    fine("report", "small", "--storage", copied.parent)
    Store(open_folder(copied)).compact()
    assert everything(copied) == rows


def test_check_names_them_among_the_records_and_takes_them_away(finished: Path, copied: Path) -> None:
    litter(copied)
    told = check(copied)
    assert told.exit_code == 1
    for dataset in ("metrics", "trials"):
        for name in (*STRANGERS, *strange(Path("00001.parquet"))):
            assert f"{dataset}/{name}" in told.output
    assert check(copied, "--repair").exit_code == 0
    assert json.loads(check(copied, "--json").output)["findings"] == []
    assert everything(copied) == everything(finished)
    assert {path.name for path in (copied / "metrics").iterdir()} == {
        path.name for path in (finished / "metrics").iterdir()
    }
