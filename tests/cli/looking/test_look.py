"""show and report on the command line, and what commands that look on have in common."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.looking import fine, refused
from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import find_sweeps, open_sweep
from sweep.records.datasets import Store
from sweep.records.sweep_info import parse_time
from sweep.results.ranking import board_of
from sweep.storage.opening import open_folder
from sweep.terminal import tables


def test_show_tells_the_story(storage: Path) -> None:
    text = fine("show", "faces", "--storage", storage)
    for words in (
        "Adventurer by Lisa Wischofsky, CC BY 4.0",
        "KID (efficientnet_lite0@64, n=512)",
        "train.smoothing 0.8 to 1 when train.loss = bce",
        "12 of 12: 1 finished, 7 stopped, 3 collapsed, 1 failed",
        "12 kimg: 12 trials compared, 4 stopped, 8 went on",
        "low_diversity: 1 trial",
        "faces/broken 1.png",
        "at rung 1",
        "collapse: 3",
    ):
        assert words in text
    assert len([line for line in text.splitlines() if line.strip()[:2].strip().isdigit()]) >= 12


def test_show_lists_the_best_of_many(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trials(*options: str) -> list[int]:
        lines = fine("show", "faces", *options, "--storage", storage).splitlines()
        start = next(place for place, line in enumerate(lines) if line.startswith("trial "))
        return [int(line.split()[0]) for line in lines[start + 1 : start + 13] if line.split()[0].isdigit()]

    assert trials() == list(range(12))
    monkeypatch.setattr("sweep.cli.looking.show.TRIALS", 5)
    ranked = json.loads(fine("best", "faces", "--top", 12, "--json", "--storage", storage))["ranked"]
    assert trials() == [entry["trial"] for entry in ranked][:5]
    assert trials("--all") == list(range(12))
    assert "and 7 more, the best first (--all)" in fine("show", "faces", "--storage", storage)


@pytest.mark.parametrize("name", ["faces", "live"])
def test_a_table_of_the_best_needs_no_evaluations_of_measured_trials(storage: Path, name: str) -> None:
    sweep = open_sweep(open_folder(str(storage)), name)
    quick, whole = board_of(sweep, seen=False), board_of(sweep)
    for entry in [*quick.entries, *whole.entries]:
        if entry.measured:
            vars(entry).update(seen=None, last=None)
    assert quick == whole


def test_show_as_json(storage: Path) -> None:
    told = json.loads(fine("show", "faces", "--json", "--storage", storage))
    assert told["summary"]["statuses"] == {"finished": 1, "stopped": 7, "collapsed": 3, "failed": 1}
    assert told["spec"]["search"]["sampler"] == "tpe"
    assert len(told["trials"]) == 12
    collapse = next(event for event in told["events"] if event["kind"] == "collapse")
    assert collapse["detail"]["numbers"]["loss_g"] is None


def test_show_works_where_best_refuses(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=2, pictures=False)
    store = Store(sweep.folder, {})
    store.replace("results", 1, [store.part("results", 1)[0] | {"n_fake": 8}])
    assert "cannot be ranked together" in refused("best", "--storage", tmp_path)
    text = fine("show", "--storage", tmp_path)
    assert "cannot be ranked together" in text
    assert "n_fake=8: trial 1" in text


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    make_sweep(tmp_path, trials=1, name="red \x1b[31m", pictures=False, info={"attribution": "a\x1b]0;b\x07"})
    for command in ("ls", "show", "best"):
        assert "\x1b" not in fine(command, "--storage", tmp_path)
        assert "\x07" not in fine(command, "--storage", tmp_path)


def test_report_prints_where_it_is(storage: Path, tmp_path: Path) -> None:
    shutil.copytree(storage / "faces", tmp_path / "faces")
    printed = fine("report", "--storage", tmp_path).splitlines()
    names = [
        "report.html",
        "comparison.png",
        "curves.png",
        "importance.png",
        "trials.csv",
        "table.tex",
        "table.md",
    ]
    assert printed == [str(tmp_path / "faces" / name) for name in names]
    assert all(Path(line).stat().st_size > 300 for line in printed)
    out = tmp_path / "talk" / "index.html"
    assert fine("report", "faces", "--out", out, "--storage", tmp_path).splitlines()[0] == str(out)
    assert "give a file" in refused("report", "--out", tmp_path, "--storage", tmp_path)


@pytest.mark.parametrize("command", ["show", "best", "report"])
def test_no_sweeps_yet(command: str, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none"):
        text = refused(command, "--storage", place)
        assert text == (
            f"error: no sweeps in '{place}' yet; start one with 'sweep run SPEC', or say where they are "
            "with --storage\n"
        )


@pytest.mark.parametrize("command", ["show", "best", "report"])
def test_unknown_names_get_a_hint(command: str, storage: Path) -> None:
    text = refused(command, "face", "--storage", storage)
    assert "no sweep 'face'" in text
    assert "did you mean 'faces'? (there are: faces, live)" in text
    assert "no sweep '../faces'" in refused(command, "../faces", "--storage", storage)


def test_a_broken_part_is_named_and_is_no_fault_of_the_request(storage: Path, tmp_path: Path) -> None:
    shutil.copytree(storage / "live", tmp_path / "live")
    (tmp_path / "live" / "metrics" / "00000.parquet").write_bytes(b"PAR1")
    result = run("best", "--storage", tmp_path)
    assert result.exit_code == 1
    assert "metrics/00000.parquet' is not a readable Parquet file" in result.stderr


@pytest.mark.parametrize("command", ["ls", "best", "report", "film"])
def test_nothing_heavy_is_imported(command: str, storage: Path, tmp_path: Path) -> None:
    file = {"report": "r.html", "film": "f.gif"}.get(command)
    out = ["--out", str(tmp_path / file)] if file else []
    script = (
        "import sys; from sweep.cli import cli; cli(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'torch', 'torchvision', 'ray', 'optuna', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", script, command, "--storage", str(storage), *out]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_newest_is_the_default(storage: Path) -> None:
    assert open_sweep(open_folder(storage)).name == "faces"
    sweeps, problems = find_sweeps(open_folder(storage))
    assert [sweep.name for sweep in sweeps] == ["faces", "live"]
    assert not problems


def test_times_are_read_in_both_forms() -> None:
    assert (
        parse_time("2025-03-01T09:00:00+00:00") == parse_time("2025-03-01T09:00:00") == parse_time(1740819600)
    )
    assert parse_time("yesterday") is None
    assert parse_time(None) is None
    assert parse_time(1e30) is None


def test_a_spec_that_is_no_yaml_is_empty(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=0, pictures=False)
    for text in (b"a: [", b"- 1", b"\xff\xfe", b"[" * 1500, b"!!python/object:os.system {}"):
        sweep.folder.write("spec.yaml", text)
        assert sweep.spec() == {}
    sweep.folder.delete("spec.yaml")
    assert sweep.spec() == {}
    assert sweep.spec_text() == ""


COLUMNS = [
    tables.Column("name"),
    tables.Column("value", right=True),
    tables.Column("long note", droppable=True),
]


ROWS = [["a", "1.5", "[red]not markup[/red]"], ["bcd", "10", "x" * 30]]


def test_plain_tables_are_aligned_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(COLUMNS, ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "name  value  long note",
        "a       1.5  [red]not markup[/red]",
        "bcd      10  " + "x" * 30,
    ]


@pytest.mark.parametrize(("width", "whole"), [(80, True), (24, False)])
def test_a_terminal_too_narrow_loses_columns_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int, whole: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    tables.show(COLUMNS, ROWS)
    text = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert ("[red]not markup[/red]" in text) is whole
    assert ("too narrow for: long note" in " ".join(text.split())) is not whole
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
