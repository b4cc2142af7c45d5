"""`sweep note`: what people say of a sweep is shown wherever it is listed, and disturbs nobody."""

import json
from pathlib import Path

import pytest
from helpers.sweeps.commands import fine, run
from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import Sweep
from sweep.report.serve import fingerprint
from sweep.storage.lease import Owner
from sweep.storage.note import BROKEN, Note, read


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    made: Sweep = make_sweep(tmp_path, trials=2, pictures=False)
    return made


def test_it_is_shown_everywhere(sweep: Sweep, tmp_path: Path) -> None:
    before = fingerprint([sweep])
    told = fine(
        "note", "faces", "wide <rates>\nsecond line", "--tag", "try", "--tag", "a/1", "--storage", tmp_path
    )
    assert told.splitlines() == ["faces [a/1, try]:", "  wide <rates>", "  second line"]
    assert fine("note", "faces", "--storage", tmp_path) == told
    listed = fine("ls", "--storage", tmp_path)
    assert "a/1, try" in listed
    assert "wide <rates>..." in listed
    shown = fine("show", "faces", "--storage", tmp_path)
    assert "note      wide <rates>\n            second line" in shown
    for command in (("ls", "--json"), ("show", "faces", "--json")):
        found = json.loads(fine(*command, "--storage", tmp_path))
        found = found[0] if isinstance(found, list) else found
        assert (found["note"], found["tags"]) == ("wide <rates>\nsecond line", ["a/1", "try"])
    page = Path(fine("report", "--latest", "--storage", tmp_path).split()[0]).read_text()
    assert "wide &lt;rates&gt;" in page
    assert "a/1, try" in page
    assert fingerprint([sweep]) != before  # a served report is made anew


def test_it_is_changed_and_taken_away(sweep: Sweep, tmp_path: Path) -> None:
    where = ("--storage", tmp_path)
    fine("note", "faces", "one", "--tag", "a", "--tag", "b", *where)
    fine("note", "faces", "--untag", "a", "--tag", "c", *where)
    assert sweep.note == Note("one", ("b", "c"))
    fine("note", "faces", "--clear", *where)
    assert sweep.note == Note("", ("b", "c"))
    fine("note", "faces", "--untag", "b", "--untag", "c", *where)
    assert not (tmp_path / "faces" / "note.json").exists()
    assert "note" not in fine("ls", *where).splitlines()[0]


def test_a_running_sweep_is_not_disturbed(sweep: Sweep, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    with Owner(sweep.folder):
        kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        fine("note", "faces", "while it runs", "--storage", tmp_path)
        after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after.pop(folder / "note.json")
    assert after == kept


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tag", "two words"], "'two words' is no tag"),
        (["--tag", "a" * 41], "at most 40"),
        (["--untag", "x"], "it has no tags"),
        (["text", "--clear"], "leave out the text"),
        (["x" * 4001], "4,000 characters"),
    ],
)
def test_what_is_refused(arguments: list[str], words: str, sweep: Sweep, tmp_path: Path) -> None:
    result = run("note", "faces", *arguments, "--storage", tmp_path)
    assert result.exit_code == 2
    assert words in result.stderr
    assert sweep.note == Note()


@pytest.mark.parametrize("text", ["{", "[]", '{"text": 1, "tags": []}', '{"text": "", "tags": [1]}', "\xff"])
def test_a_broken_file_says_so_and_breaks_nothing(text: str, sweep: Sweep, tmp_path: Path) -> None:
    (tmp_path / "faces" / "note.json").write_bytes(text.encode("latin-1"))
    assert read(sweep.folder) == Note(BROKEN)
    assert BROKEN in fine("ls", "--storage", tmp_path)
    fine("note", "faces", "--tag", "new", "--storage", tmp_path)
    assert sweep.note == Note("", ("new",))


def test_the_latest_is_not_named(sweep: Sweep, tmp_path: Path) -> None:
    result = run("report", "faces", "--latest", "--storage", tmp_path)
    assert result.exit_code == 2
    assert "--latest is the newest sweep" in result.stderr
