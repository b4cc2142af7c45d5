"""What 'sweep best' ranks, exports and refuses."""

import json
import sys
from pathlib import Path

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.looking import fine, refused
from helpers.sweeps.synthetic import KINDS, make_sweep
from helpers.sweeps.synthetic_trials import LUCK

from sweep.records.datasets import Store
from sweep.results.choice import of_trial


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


def test_a_place_below_a_file_is_a_wrong_request(storage: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    for command, option, out in (("best", "--export", "file/sub"), ("report", "--out", "file/r.html")):
        told = refused(command, "faces", option, tmp_path / out, "--storage", storage)
        assert f"{option}: '{tmp_path / 'file'}' is a file, and no folder" in told


def test_of_a_sweep_without_trials_none_can_be_named(tmp_path: Path) -> None:
    make_sweep(tmp_path, trials=0, name="new", pictures=False)
    told = refused("best", "new", "--export", tmp_path / "out", "--trial", 3, "--storage", tmp_path)
    assert "'new' has no trial 3; none has begun" in told


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
    assert told["confirmation"]["label"].startswith("KID")
    of_kid = {one["trial"]: one["in_the_sweep"] for one in told["confirmation"]["configurations"]}
    # Beside another metric what is KID is called so.
    other = json.loads(fine("best", "--metric", "fid", "--json", "--storage", tmp_path))
    assert other["label"].startswith("FID")
    assert other["confirmation"]["label"].startswith("KID")
    assert {one["trial"]: one["in_the_sweep"] for one in other["confirmation"]["configurations"]} == of_kid
    sure = {row["trial"]: row["confidence"] for row in other["ranked"]}
    assert sure[0].startswith("KID mean 0.12 of 3 fresh seeds")
    assert "confirmed: trial 0: KID mean 0.12" in fine("best", "--metric", "fid", "--storage", tmp_path)


def test_best_names_the_configuration_that_wins_where_the_seeds_of_the_first_trial_died(
    tmp_path: Path,
) -> None:
    sweep = make_sweep(tmp_path, trials=3, pictures=False)
    first, second = (
        e["trial"] for e in json.loads(fine("best", "--json", "--storage", tmp_path))["ranked"][:2]
    )
    plan = [{"trial": trial, "seed": seed} for seed in range(3) for trial in (first, second)]
    sweep.folder.write("confirm/sweep.json", json.dumps({"plan": plan, "metric": "kid"}).encode())
    for number in range(6):
        row = {"trial": number, "status": "collapsed", "verdict": "d_saturated"}
        if number % 2:
            row = {"trial": number, "status": "finished", "result": 0.5 + number / 100, "result_kimg": 1.0}
        assert Store(sweep.folder / "confirm").put_trial(row)
    lines = fine("best", "--storage", tmp_path).splitlines()
    assert f"confirmed: trial {first}: no result of 3 fresh seeds, 3 d_saturated" in lines
    wins = f"the configuration of trial {second} wins, not that of trial {first} ('sweep best --export' takes it)"
    assert f"confirmed: {wins}" in lines
    told = json.loads(fine("best", "--json", "--storage", tmp_path))
    assert told["confirmation"]["winner"] == second
    assert told["ranked"][0]["confidence"] == "no result of 3 fresh seeds, 3 d_saturated"


def test_wrong_requests_to_best(storage: Path) -> None:
    assert "unknown metric 'fids', did you mean 'fid'?" in refused(
        "best", "--metric", "fids", "--storage", storage
    )
    assert "--force belongs to --export" in refused("best", "--force", "--storage", storage)
    assert "--trial belongs to --export" in refused("best", "--trial", 0, "--storage", storage)
    assert "'--top'" in refused("best", "--top", 0, "--storage", storage)
    assert "'--by'" in refused("best", "--by", "size", "--storage", storage)


@pytest.mark.parametrize(("keep", "always", "code"), [("none", 10, 1), ("best", 0, 1), ("none", 0, 2)])
def test_a_generator_that_is_gone_is_a_matter_of_keep_only_where_the_sweep_deleted_it(
    keep: str, always: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``keep: none`` the best ten stay all the same."""
    monkeypatch.setattr("sweep.results.choice.ALWAYS", always)
    sweep = make_sweep(tmp_path, trials=4, pictures=False)
    sweep.folder.write(
        "spec.yaml", f"train: {{epochs: 4}}\nkeep: {{finished: {keep}, stopped: {keep}}}\n".encode()
    )
    sweep.folder.delete("checkpoints")
    told = run("best", "faces", "--storage", tmp_path, "--export", tmp_path / "export")
    assert told.exit_code == code, told.output
    assert ("'sweep check faces --storage" in told.output) == (code == 1)
    assert ("'keep' in the spec says what stays" in told.output) == (code == 2)
