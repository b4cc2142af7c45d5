"""ls, show, best and report on the command line: right, pleasant, and errors in sentences."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import run
from helpers.synthetic import KINDS, LUCK, make_sweep, shared_storage

from sweep.cli.looking.ls import ORDERS, STATES
from sweep.records.catalog import find_sweeps, open_sweep
from sweep.records.datasets import Store
from sweep.records.sweep_info import parse_time
from sweep.results import overview
from sweep.results.choice import of_trial
from sweep.results.ranking import board_of
from sweep.storage.lease import Owner
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder
from sweep.terminal import tables


@pytest.fixture
def storage() -> Path:
    return shared_storage()


def fine(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.output
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return result.stderr


# ---- ls ----------------------------------------------------------------------------------------------------


def test_ls_lists_the_newest_first(storage: Path) -> None:
    lines = fine("ls", "--storage", storage).splitlines()
    assert [line.split()[0] for line in lines] == ["name", "faces", "live"]
    assert "12/12" in lines[1]
    assert "KID (efficientnet_lite0@64)" in lines[1]
    assert "3 collapsed" in lines[1]
    assert "2 running" in lines[2]


def test_ls_as_json(storage: Path) -> None:
    facts = json.loads(fine("ls", "--json", "--storage", storage))
    assert [fact["name"] for fact in facts] == ["faces", "live"]
    assert facts[0]["planned"] == facts[0]["started"] == 12
    assert (
        facts[0]["best"]
        == json.loads(fine("best", "faces", "--json", "--storage", storage))["ranked"][0]["value"]
    )
    assert facts[0]["bytes"] > 100_000


def test_ls_looks_at_all_files_only_where_their_bytes_are_asked_for(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sized = fine("ls", "--sizes", "--storage", storage).splitlines()
    assert sized[0].split()[-3:] == ["size", "checkpoints", "status"]
    assert fine("ls", "--sort", "size", "--storage", storage).splitlines()[0] == sized[0]
    assert "MB" in sized[1] or "kB" in sized[1]
    monkeypatch.delattr(LocalFolder, "sizes")
    assert "size" not in fine("ls", "--storage", storage).splitlines()[0].split()


def names(*arguments: object) -> list[str]:
    return [fact["name"] for fact in json.loads(fine("ls", "--json", *arguments))]


def test_ls_is_sorted(storage: Path) -> None:
    for order in ORDERS:
        found = names("--sort", order, "--storage", storage)
        assert sorted(found) == ["faces", "live"]
        assert names("--sort", order, "--reverse", "--storage", storage) == found[::-1]
    assert names("--sort", "name", "--storage", storage) == ["faces", "live"]
    assert names("--sort", "best", "--storage", storage) == ["faces", "live"]
    assert names("--sort", "status", "--storage", storage) == ["live", "faces"]
    assert ORDERS == overview.ORDERS
    assert set(STATES) == set(overview.State)


def test_ls_is_filtered(storage: Path) -> None:
    assert names("l*", "--storage", storage) == ["live"]
    assert names("l*", "f?ces", "--storage", storage) == ["faces", "live"]
    assert names("Live", "--storage", storage) == []
    assert names("--status", "done", "--storage", storage) == ["faces"]
    assert names("--status", "running", "--storage", storage) == ["live"]
    assert names("--status", "interrupted", "--storage", storage) == []
    assert names("--tag", "none", "--storage", storage) == []
    assert "none of the 2 sweeps" in fine("ls", "--tag", "none", "--storage", storage)


@pytest.mark.parametrize("inside", ["", "confirm"])
def test_a_sweep_runs_while_somebody_holds_its_lease(inside: str, tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=2, pictures=False)
    with Owner(sweep.folder / inside if inside else sweep.folder):
        assert names("--status", "running", "--storage", tmp_path) == ["faces"]
    assert names("--status", "done", "--storage", tmp_path) == ["faces"]


def test_ls_of_nothing(tmp_path: Path) -> None:
    assert "no sweeps in" in fine("ls", "--storage", tmp_path / "none")
    assert json.loads(fine("ls", "--json", "--storage", tmp_path)) == []


def test_ls_goes_on_past_a_broken_sweep(storage: Path, tmp_path: Path) -> None:
    shutil.copytree(storage / "live", tmp_path / "live")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sweep.json").write_text('{"name": ')
    (tmp_path / "other").mkdir()
    (tmp_path / "file.txt").write_text("not a sweep")
    result = run("ls", "--storage", tmp_path)
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        "name",
        "live",
    ]
    (warning,) = result.stderr.splitlines()
    assert "broken/sweep.json' is broken" in warning


# ---- best --------------------------------------------------------------------------------------------------


def test_best_ranks_the_newest_sweep(storage: Path) -> None:
    lines = fine("best", "--storage", storage).splitlines()
    assert lines[0] == (
        "faces: KID (efficientnet_lite0@64, n=512), smaller is better; each trial's best generator, measured once "
        "more when the trial had ended; one seed each"
    )
    assert lines[1].split()[:5] == ["rank", "trial", "status", "KID", "(efficientnet_lite0@64)"]
    assert lines[2].split()[0] == "1"
    assert "±" in lines[2]
    died = "left out: collapsed: low_diversity; its best was KID "
    assert any(line.startswith(died) and line.endswith(" kimg (trial 5)") for line in lines)
    died = "left out: failed: WorkError: out of memory at batch 128; its best was KID "
    assert any(line.startswith(died) and line.endswith(" kimg (trial 4)") for line in lines)


def test_best_as_json_is_ordered_and_complete(storage: Path) -> None:
    told = json.loads(fine("best", "faces", "--json", "--top", 3, "--storage", storage))
    assert told["label"] == "KID (efficientnet_lite0@64, n=512)"
    assert told["seeds"] == 1
    assert told["provisional"] is False
    assert all(row["measured"] for row in told["ranked"])
    assert all(row["value"] == pytest.approx(row["seen"] + LUCK) for row in told["ranked"])
    assert [row["rank"] for row in told["ranked"]] == [1, 2, 3]
    values = [row["value"] for row in told["ranked"]]
    assert values == sorted(values)
    assert set(told["ranked"][0]["params"]) == {"train.loss", "train.lr_g", "train.lr_d", "train.smoothing"}
    assert {row["trial"] for row in told["left_out"]} == {1, 4, 5, 9}


def test_best_by_another_metric(storage: Path) -> None:
    told = json.loads(fine("best", "faces", "--metric", "fid", "--json", "--storage", storage))
    assert told["label"].startswith("FID (efficientnet_lite0@64")
    assert [row["fid"] for row in told["ranked"]] == sorted(row["fid"] for row in told["ranked"])


def test_best_says_how_many_more(storage: Path) -> None:
    assert "and 6 more (--top 8)" in fine("best", "faces", "--top", 2, "--storage", storage)


def test_best_while_nothing_is_measured(tmp_path: Path) -> None:
    make_sweep(tmp_path, trials=0, name="new", pictures=False)
    assert "no trial can be ranked yet" in fine("best", "--storage", tmp_path)
    assert "nothing to export" in run("best", "--export", tmp_path / "out", "--storage", tmp_path).stderr
    assert not (tmp_path / "out").exists()


def test_best_exports_the_winner(storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    seen = []
    fake, chosen = types.ModuleType("exporting.export"), types.ModuleType("exporting.choosing")
    fake.export = lambda sweep, chosen, out, force: (
        seen.append((sweep.folder.url, chosen.number, out, force)) or ["no"]
    )
    chosen.generator_of = lambda sweep, board, number: (
        of_trial(sweep, next(one for one in board.entries if number in (None, one.trial))),
        ["why"] if number is None else [],
    )
    monkeypatch.setitem(sys.modules, "sweep.commands.exporting.export", fake)
    monkeypatch.setitem(sys.modules, "sweep.commands.exporting.choosing", chosen)
    best = json.loads(fine("best", "faces", "--json", "--storage", storage))["ranked"][0]
    text = fine("best", "faces", "--export", tmp_path / "out", "--force", "--storage", storage)
    assert seen == [(str(storage / "faces"), best["trial"], tmp_path / "out", True)]
    said = f"exported trial {best['trial']}: KID {best['value']:.4g}, of the generator at {best['kimg']:g} kimg, to "
    assert said in text
    errors = run("best", "faces", "--export", tmp_path / "out", "--storage", storage).stderr
    assert "note: why" in errors
    assert "note: no" in errors
    assert "exported trial 5: " in fine(
        "best", "faces", "--trial", 5, "--export", tmp_path / "out", "--storage", storage
    )
    other = run("best", "faces", "--metric", "fid", "--export", tmp_path / "out", "--storage", storage)
    assert other.exit_code == 2
    assert "kept generators at their best kid" in other.stderr
    result = run("best", "faces", "--json", "--export", tmp_path / "out", "--storage", storage)
    assert json.loads(result.stdout)["ranked"]
    assert "exported" in result.stderr


@pytest.mark.parametrize(("by", "groups"), [("loss", {"bce", "lsgan", "wgan-gp"}), ("family", {"dcgan"})])
def test_best_within_groups(storage: Path, by: str, groups: set[str]) -> None:
    whole = json.loads(fine("best", "faces", "--json", "--storage", storage))["ranked"]
    told = json.loads(fine("best", "faces", "--by", by, "--json", "--storage", storage))
    assert told["by"] == by
    assert set(told["groups"]) == groups
    assert "ranked" not in told
    for group, entries in told["groups"].items():
        of_group = [e for e in whole if by == "family" or e["params"]["train.loss"] == group]
        assert entries == of_group[:1]
    lines = fine("best", "faces", "--by", by, "--top", 2, "--storage", storage).splitlines()
    assert lines[1].split()[:2] == [by, "rank"]
    assert sum(line.split()[0] in groups for line in lines[2:]) == 2 * len(groups)


def test_best_names_a_group_without_a_winner(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=3, pictures=False)
    assert Store(sweep.folder, KINDS).put_trial({"trial": 1, "status": "collapsed", "verdict": "flat_image"})
    text = fine("best", "--by", "loss", "--storage", tmp_path)
    assert "loss lsgan: no trial can be ranked" in text
    assert "collapsed: flat_image; its best was KID " in text
    assert "loss lsgan: no trial can be ranked" in text
    assert " kimg (trial 1)" in text
    told = json.loads(fine("best", "--by", "loss", "--json", "--storage", tmp_path))
    assert told["groups"]["lsgan"] == []
    assert list(told["groups"])[-1] == "lsgan"


def test_best_names_what_a_group_has_that_has_no_result(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=3, pictures=False)
    store = Store(sweep.folder, KINDS)
    entries = json.loads(fine("best", "--json", "--storage", tmp_path))["ranked"]
    first = entries[0]
    other = next(e for e in entries if e["params"]["train.loss"] != first["params"]["train.loss"])
    store.replace("results", other["trial"], [])
    store.put_trial({"trial": other["trial"], "status": "running"})
    text = fine("best", "--by", "loss", "--storage", tmp_path)
    group, trial = other["params"]["train.loss"], other["trial"]
    line = next(line for line in text.splitlines() if line.startswith(f"loss {group}: "))
    assert line.startswith(f"loss {group}: no trial can be ranked; the best has KID {other['seen']:.4f} ± ")
    assert line.endswith(f" on 512 pictures, at {other['kimg']:g} kimg (trial {trial})")


def test_best_before_there_is_a_result(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=3, pictures=False)
    for number in range(3):
        Store(sweep.folder, KINDS).replace("results", number, [])
    lines = fine("best", "--storage", tmp_path).splitlines()
    assert lines[0] == (
        "faces: KID (efficientnet_lite0@64) so far, smaller is better; no trial has a result yet, so by the best so "
        "far of each; one seed each"
    )
    assert "pictures" in lines[1]
    assert "512" in lines[2].split()
    told = json.loads(fine("best", "--json", "--storage", tmp_path))
    assert told["provisional"] is True
    assert not any(row["measured"] for row in told["ranked"])


def test_best_names_few_of_many_left_out(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=1, pictures=False)
    for number in range(2, 62, 2):
        row = {"trial": number, "status": "collapsed", "verdict": "flat_image"}
        assert Store(sweep.folder, KINDS).put_trial(row)
    text = fine("best", "--storage", tmp_path)
    assert "(trials 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24 and 18 more)" in text


def test_best_shows_what_fresh_seeds_found(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=3, pictures=False)
    assert json.loads(fine("best", "--json", "--storage", tmp_path))["ranked"][0]["confidence"] == "one seed"
    plan = [{"trial": trial, "seed": seed} for seed in range(3) for trial in (0, 2)]
    sweep.folder.write("confirm/sweep.json", json.dumps({"plan": plan, "metric": "kid"}).encode())
    for number in range(5):
        row = {"trial": number, "status": "finished", "result": [0.1, 0.5][number % 2] + number / 100}
        assert Store(sweep.folder / "confirm").put_trial(row | {"result_kimg": 1.0, "best_value": 0.001})
    text = fine("best", "--storage", tmp_path)
    assert "confirmed: trial 0: mean 0.12 of 3 fresh seeds, 95 % interval 0.07" in text
    assert "confirmed: trial 2: mean 0.52 of 2 fresh seeds" in text
    assert "(1 run to come)" in text
    assert "confirmed: two configurations with 3 seeds each are needed" in text
    last = {"trial": 5, "status": "finished", "result": 0.55, "result_kimg": 1.0}
    assert Store(sweep.folder / "confirm").put_trial(last)
    assert "confirmed: trial 0 is better than trial 2 (moderated t-test, p = " in fine(
        "best", "--storage", tmp_path
    )
    told = json.loads(fine("best", "--json", "--storage", tmp_path))
    assert told["confirmation"]["comparison"]["distinct"] is True
    sure = {row["trial"]: row["confidence"] for row in told["ranked"]}
    assert sure[1] == "one seed"
    assert sure[0].startswith("mean 0.12 of 3 fresh seeds")


def test_wrong_requests_to_best(storage: Path) -> None:
    assert "unknown metric 'fids', did you mean 'fid'?" in refused(
        "best", "--metric", "fids", "--storage", storage
    )
    assert "--force belongs to --export" in refused("best", "--force", "--storage", storage)
    assert "--trial belongs to --export" in refused("best", "--trial", 0, "--storage", storage)
    assert "'--top'" in refused("best", "--top", 0, "--storage", storage)
    assert "'--by'" in refused("best", "--by", "size", "--storage", storage)


# ---- show --------------------------------------------------------------------------------------------------


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


# ---- report ------------------------------------------------------------------------------------------------


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


# ---- all of them -------------------------------------------------------------------------------------------


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


# ---- finding sweeps ----------------------------------------------------------------------------------------


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


# ---- tables ------------------------------------------------------------------------------------------------

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
