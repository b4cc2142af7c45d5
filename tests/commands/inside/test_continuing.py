"""Trials that are trained on: kept apart from the ranking, with their ancestor, and taken up after an interruption."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import TINY, fine, run

from sweep.commands import run as run_py
from sweep.commands.inside import planned
from sweep.commands.inside.continuing import Trials, spec_of
from sweep.driver.director import Director
from sweep.records.catalog import open_sweep
from sweep.spec.specification import parse
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("parent")
    (place / "tiny.yaml").write_text(TINY)
    fine("run", place / "tiny.yaml", "--local", "--storage", place / "runs")
    return place


@pytest.fixture
def here(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(parent, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def trials(name: str) -> list[dict[str, Any]]:
    return open_sweep(open_folder("runs"), name).store.rows("trials")


def test_a_trial_is_trained_on_and_kept_apart(here: Path) -> None:
    before = json.loads(fine("best", "tiny", "--json"))
    told = fine("continue", "tiny", "--local", "--trial", "1", "--kimg", "+0.192")
    assert "trained on: trial 1 for 0.192 kimg more, as trial 0 of tiny/continued" in told
    after = json.loads(fine("best", "tiny", "--json"))
    assert after["ranked"] == before["ranked"]
    (one,) = after["continued"]
    assert (one["trial"], one["more"], one["status"]) == (1, 0.192, "finished")
    assert one["before"] == next(e["value"] for e in before["ranked"] if e["trial"] == 1)
    (row,) = trials("tiny/continued")
    config, own = json.loads(row["config"]), json.loads(trials("tiny")[1]["config"])
    assert row["kimg"] == 0.192
    assert config["ancestor"]["trial"] == 1
    assert config["ancestor"]["discriminator"]
    assert config["train"] | {"kimg": 0} == own["train"] | {"kimg": 0}
    assert row["seed"] != trials("tiny")[1]["seed"]
    for command in ("show", "best"):
        assert "not ranked here, because it trained for longer" in fine(command, "tiny")
    fine("report", "tiny")
    assert "not ranked here, because it trained for longer" in Path("runs/tiny/report.html").read_text()
    assert "begun: 1" in fine("show", "tiny/continued")
    assert "'tiny/continued' is whole" in fine("check", "tiny/continued")
    assert fine("check", "tiny")
    fine("best", "tiny/continued", "--export", "further")
    assert "trial 1 of the sweep tiny" in Path("further/README.md").read_text()


def test_more_trials_join_and_none_is_repeated(here: Path) -> None:
    fine("continue", "tiny", "--local", "--kimg", "0.064")
    assert "has been trained on for 0.064 kimg" in fine("continue", "tiny", "--local", "--kimg", "0.064")
    fine("continue", "tiny", "--local", "--trial", "0", "--kimg", "+0.128")
    assert [row["kimg"] for row in trials("tiny/continued")] == [0.064, 0.128]
    fine("continue", "tiny/continued", "--local", "--trial", "1", "--kimg", "+0.064")
    (row,) = trials("runs/tiny/continued/continued")
    ancestor = json.loads(row["config"])["ancestor"]
    assert (ancestor["sweep"], ancestor["trial"], ancestor["parent"]["sweep"]) == (
        "tiny/continued",
        1,
        "tiny",
    )


def test_it_goes_on_after_an_interruption(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fine("continue", "tiny", "--local", "--trial", "0", "--kimg", "+0.192")
    (whole,) = trials("tiny/continued")
    shutil.rmtree("runs/tiny/continued")
    original = Director.report

    def killed(self: Director, report: Any) -> bool:
        goes_on = original(self, report)
        if report.kimg >= 0.064:
            raise KeyboardInterrupt
        return goes_on

    monkeypatch.setattr(Director, "report", killed)
    assert run("continue", "tiny", "--local", "--trial", "0", "--kimg", "+0.192").exit_code != 0
    monkeypatch.setattr(Director, "report", original)
    refused = run("resume", "tiny/continued", "--local")
    assert refused.exit_code == 2
    assert "'sweep continue tiny' goes on" in refused.stderr
    fine("continue", "tiny", "--local")
    (row,) = trials("tiny/continued")
    assert (row["status"], row["attempt"]) == ("finished", 1)
    assert row["result"] == whole["result"]


def test_a_request_that_is_cut_off_anywhere_is_made_good_by_the_same_command(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each file that is written before the trial; what is asked for before that again is not mixed up with it."""
    tried: list[Any] = []

    def preflight(*arguments: Any) -> Any:
        tried[:] = tried or [run_py.preflight(*arguments)]
        return tried[0]

    monkeypatch.setattr(planned, "train", lambda *_: 0.0)
    monkeypatch.setattr(planned, "preflight", preflight)
    write, written = LocalFolder.write, list[str]()
    for number in range(100):
        shutil.rmtree("runs/tiny/continued", ignore_errors=True)
        fine("continue", "tiny", "--local", "--trial", "0", "--kimg", "+0.064")
        done = 0

        def cut(self: LocalFolder, path: str, data: bytes, number: int = number) -> None:
            nonlocal done
            if self.url.endswith("continued"):
                done += 1
                if done == number + 1:
                    written.append(path)
                    raise StorageError("the disk is full")
            write(self, path, data)

        with monkeypatch.context() as patch:
            patch.setattr(LocalFolder, "write", cut)
            first = run("continue", "tiny", "--local", "--trial", "1", "--kimg", "+0.128")
        fine("continue", "tiny", "--local", "--trial", "0", "--kimg", "+0.192")
        fine("continue", "tiny", "--local", "--trial", "1", "--kimg", "+0.128")
        planned_now = Trials(open_folder("runs") / "tiny" / "continued")
        trains = [(point["model.init"], point["train.kimg"]) for point in planned_now.points]
        assert set(trains) == {("tiny/0", 0.064), ("tiny/1", 0.128), ("tiny/0", 0.192)}, written[-1]
        assert [init for init, _ in trains] == [f"tiny/{one.trial}" for one in planned_now.plan], written[-1]
        if first.exit_code == 0:
            break
    assert {"spec.yaml", "sweep.json"} <= set(written)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--kimg", "+x"], "give thousands of pictures"),
        (["--kimg", "-3"], "give thousands of pictures"),
        (["--kimg", "0"], "give thousands of pictures"),
        (["--trial", "7", "--kimg", "1"], "has no trial 7"),
        ([], "say for how long with --kimg"),
    ],
)
def test_what_cannot_be_done_is_refused(here: Path, options: list[str], named: str) -> None:
    result = run("continue", "tiny", "--local", *options)
    assert result.exit_code == 2
    assert named in result.stderr
    assert not Path("runs/tiny/continued/sweep.json").exists()


def test_the_spec_lists_a_configuration_for_each(here: Path) -> None:
    """Also of a sweep with rungs, conditions and parts of schedules that are searched."""
    spec = parse(
        TINY.replace("lr_g: {", "lr_d: {from: {type: float, low: 1e-4, high: 1e-3}, to: 1e-5}, lr_g: {")
        + "asha: {grace: 1}\n"
    )
    points = [
        {
            "train.lr_g": 3e-4,
            "train.lr_d": {"from": 2e-4, "to": 1e-5, "shape": "cosine", "until": 1.0},
            "model.init": "tiny/0",
            "train.kimg": kimg,
        }
        for kimg in (1.0, 2.0)
    ]
    listed = spec_of(spec, points)
    assert listed.asha is None
    assert [dict(point) for point in listed.configs] == points
    schedule = listed.schedule(64)
    budgets = [listed.trial_config(point, schedule).train.kimg for point in listed.configs]
    assert budgets == [1.0, 2.0]
    assert parse(listed.to_yaml()) == listed
