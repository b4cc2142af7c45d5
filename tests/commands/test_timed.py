"""`search.time`: a sweep that ends in time, with results of all that ran, and goes on if it gets more."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from helpers.sweeps.commands import run, small

from sweep.commands import timed
from sweep.commands.extend import extended
from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.records.retention import FURTHER, resumable
from sweep.records.sweep_info import SweepInfo
from sweep.spec.sections import MOST_TRIALS
from sweep.spec.specification import load, parse
from sweep.storage.layout import SPEC as SPEC_FILE
from sweep.storage.opening import open_folder

SPEC = small(
    train={"kimg": 0.4},
    evaluate={"every": 0.1, "unit": "kimg"},
    search={"trials": 50, "time": "1h30m"},
    keep={"finished": "all"},
)


def after(evaluations: int) -> Callable[..., None]:
    """A clock that runs out after so many evaluations."""

    def limit(director: Director, *_: object) -> None:
        director.hours.limit(
            lambda: 1000.0 * (evaluations - sum(len(one.seen) for one in director.trials.values())),
            1000.0 * evaluations,
        )

    return limit


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep whose time was over in the midst of its second trial."""
    monkeypatch.setattr(timed, "limit", after(6))
    (tmp_path / "spec.yaml").write_text(SPEC)
    done = run("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path / "runs")
    assert done.exit_code == 0, done.output
    assert "2 trials in" in done.output
    assert "1 expired" in done.output
    return tmp_path / "runs"


def trials(runs: Path) -> list[tuple[str, float]]:
    rows = Store(open_folder(runs) / "small").rows("trials")
    return [(row["status"], round(row["kimg"], 1)) for row in rows]


def test_trials_that_run_end_with_a_result_and_no_others_begin(runs: Path) -> None:
    assert trials(runs) == [("finished", 0.4), ("expired", 0.2)]
    results = Store(open_folder(runs) / "small").rows("results")
    assert [row["trial"] for row in results] == [0, 1]
    assert run("check", "small", "--storage", runs).exit_code == 0
    assert " 2/2 " in run("ls", "--storage", runs).output  # of the 50 that were asked for
    shown = run("show", "small", "--storage", runs)
    assert "expired" in shown.output
    again = run("resume", "small", "--local", "--storage", runs)
    assert again.exit_code == 0
    assert "all its 2 trials have ended" in again.output
    assert run("report", "small", "--storage", runs).exit_code == 0
    repeated = run("run", runs.parent / "spec.yaml", "--or-resume", "--local", "--storage", runs)
    assert repeated.exit_code == 0, repeated.output


@pytest.mark.parametrize("more", [("--time", "20m"), ("--trials", "+1")])
def test_with_more_time_it_goes_on(
    runs: Path, more: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed, "limit", after(9) if more[0] == "--time" else lambda *_: None)
    extended = run("extend", "small", *more, "--local", "--storage", runs)
    assert extended.exit_code == 0, extended.output
    spec = load(runs / "small" / "spec.yaml")
    if more[0] == "--time":
        assert spec.search.time
        assert spec.search.time.startswith("20m")
        assert trials(runs) == [("finished", 0.4), ("finished", 0.4), ("expired", 0.1)]
    else:
        assert spec.search.time is None
        assert trials(runs) == [("finished", 0.4), ("expired", 0.2), ("finished", 0.4)]
    assert run("check", "small", "--storage", runs).exit_code == 0


def test_what_is_said_of_a_trial_does_not_take_its_time_for_endless(runs: Path) -> None:
    """A budget that nobody came to is no measure: of what was saved, and of how long a confirmation trains."""
    folder = open_folder(runs) / "small"
    plain = yaml.safe_load(folder.read(SPEC_FILE)) | {"asha": {"grace": 0.2, "max": 90, "unit": "kimg"}}
    plain["train"]["kimg"] = None
    folder.write(SPEC_FILE, yaml.safe_dump(plain).encode())
    replace(SweepInfo.read(folder), budget=90.0).write(folder)
    shown = run("show", "small", "--storage", runs).output
    assert "90 kimg at most, until the time is over (1h30m)" in shown
    confirmed = run(
        "confirm", "small", "--top", "1", "--seeds", "2", "--local", "--storage", runs, "--evenly"
    )
    assert confirmed.exit_code == 0, confirmed.output
    assert "to 0.4 kimg, none stopped early" in confirmed.output
    assert [row["kimg"] for row in Store(folder / "confirm").rows("trials")] == [
        pytest.approx(0.4, abs=0.05)
    ] * 2


def test_the_numbers_of_a_trial_that_was_expired_and_went_on_are_those_of_one_run(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = ("trial", "kimg", "kid", "fid", "loss_g", "loss_d")

    def rows(folder: Path) -> list[tuple[float, ...]]:
        return [
            tuple(row[name] for name in numbers)
            for row in Store(open_folder(folder) / "small").rows("metrics")
        ]

    monkeypatch.setattr(timed, "limit", after(8))
    assert run("extend", "small", "--time", "20m", "--local", "--storage", runs).exit_code == 0
    gone_on = rows(runs)
    shutil.rmtree(runs)
    run("run", tmp_path / "spec.yaml", "--local", "--storage", runs)
    assert rows(runs) == gone_on


def test_a_real_clock_ends_it(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    done = run(
        *("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path / "runs"),
        *("--set", "search.time=4s", "--set", "train.kimg=100"),
    )
    assert done.exit_code == 0, done.output
    assert "it ends at " in done.output
    assert {status for status, _ in trials(tmp_path / "runs")} == {"expired"}


def test_what_is_no_length_of_time(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    refused = run("run", tmp_path / "spec.yaml", "--set", "search.time=soon", "--storage", tmp_path)
    assert refused.exit_code == 2
    assert "search.time" in refused.output
    assert "'soon' is no length of time; write 2h, 90m or 1h30m" in refused.output


def test_where_trials_wait_the_best_of_them_go_on_when_there_is_more_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From their checkpoints, of which three stay; what has none is not trained again from nothing."""
    (tmp_path / "spec.yaml").write_text(
        small(
            data={"count": 64},
            train={"lr_g": {"type": "float", "low": 1e-4, "high": 1e-3}, "batch_size": 16},
            evaluate={"every": 0.1, "unit": "kimg", "n_real": 32},
            search={"trials": 50, "time": "1h30m", "sampler": "random"},
            asha={"grace": 0.1, "reduction": 2, "max": 3.2, "unit": "kimg", "variant": "promote"},
            collapse={"enabled": False},
        )
    )
    runs = tmp_path / "runs"
    monkeypatch.setattr(timed, "limit", after(14))
    begun = run("run", tmp_path / "spec.yaml", "--local", "--storage", runs)
    assert begun.exit_code == 0, begun.output
    assert run("check", "small", "--storage", runs).exit_code == 0
    folder = open_folder(runs) / "small"
    numbers = {row["trial"] for row in Store(folder).rows("trials")}
    left = {number for number in numbers if resumable(folder, number)}
    assert len(left) == FURTHER < len(numbers)
    assert len(numbers) <= 6, f"{len(numbers)}: in the second half those that wait go on"
    began = {row["trial"]: row["attempt"] for row in Store(folder).rows("trials")}
    monkeypatch.setattr(timed, "limit", after(24))
    extended = run("extend", "small", "--time", "20m", "--local", "--storage", runs)
    assert extended.exit_code == 0, extended.output
    rows = {row["trial"]: row for row in Store(folder).rows("trials")}
    again = {number for number, attempt in began.items() if rows[number]["attempt"] > attempt}
    assert again
    assert again <= left
    for number in again:
        kimgs = [row["kimg"] for row in Store(folder).rows("metrics") if row["trial"] == number]
        assert kimgs == sorted(set(kimgs)), "none was made twice"
    assert run("check", "small", "--storage", runs).exit_code == 0


def test_trials_that_a_time_would_have_had_are_not_those_of_a_longer_budget(runs: Path) -> None:
    """They were as many as would come in the time, and nobody asked for so many."""
    folder = open_folder(runs) / "small"
    replace(SweepInfo.read(folder), trials=50).write(folder)  # as one that was interrupted
    spec, info = extended(folder, load(runs / "small" / "spec.yaml"), SweepInfo.read(folder), 3, None, None)
    assert (info.trials, spec.search.trials, spec.search.time) == (5, 5, None)


def test_time_never_gives_more_trials_than_a_spec_may_have() -> None:
    most = timed.at_most(MOST_TRIALS)
    assert most == MOST_TRIALS
    assert timed.at_most(10) == 1500
    parse(f"train: {{epochs: 1}}\nsearch: {{trials: {most}}}\n")
