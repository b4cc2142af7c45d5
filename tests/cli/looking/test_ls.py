"""What 'sweep ls' lists, in which order, and what it leaves out."""

import json
import shutil
from pathlib import Path

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.looking import fine, names
from helpers.sweeps.synthetic import KINDS, make_sweep

from sweep.cli.looking.ls import ORDERS, STATES
from sweep.records.datasets import Store
from sweep.results import overview
from sweep.storage.lease import Owner
from sweep.storage.local import LocalFolder


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


def test_a_damaged_sweep_hides_no_other(tmp_path: Path) -> None:
    for name in ("first", "second"):
        make_sweep(tmp_path, trials=2, name=name, pictures=False)
    part = tmp_path / "second" / "trials" / "00001.parquet"
    part.write_bytes(part.read_bytes()[:20])
    for options in ((), ("--json",), ("--sort", "size")):
        shown = run("ls", "--storage", tmp_path, *options)
        assert shown.exit_code == 0, shown.output
        assert "first" in shown.stdout
        assert "warning: second: " in shown.stderr
        assert "trials/00001.parquet" in shown.stderr
        assert "sweep check second" in shown.stderr


@pytest.mark.parametrize(
    ("facts", "columns"),
    [({"data_hash": "0" * 64}, {}), ({}, {"n_fake": 7}), ({}, {"n_real": 9}), ({}, {"resize": "other"})],
)
def test_sorted_by_the_best_values_that_do_not_compare_stand_apart(
    facts: dict[str, object], columns: dict[str, object], tmp_path: Path
) -> None:
    """Of four sweeps the best and the third best were measured alike, and the others alike."""
    for place, name in enumerate(("a", "b", "c", "d")):
        sweep = make_sweep(tmp_path, 1, name, pictures=False, info=facts if place % 2 else None)
        store = Store(sweep.folder, KINDS)
        value = 0.1 * (place + 1)
        rows = store.part("results", 0)
        changed = {"kid": value} | (columns if place % 2 else {})
        store.replace("results", 0, [row | changed for row in rows])
        store.put_trial({"trial": 0, "result": value, "status": "finished", "verdict": None})
    assert names("--sort", "best", "--storage", tmp_path) in (["a", "c", "b", "d"], ["b", "d", "a", "c"])
