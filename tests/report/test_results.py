"""A report on several sweeps: one list of trials, ranked together where that is allowed."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

from helpers.sweeps.commands import run, small
from helpers.sweeps.reports import page_of
from helpers.sweeps.synthetic import KINDS, make_sweep, remeasured, shared_storage

from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.report.charts import chart_data
from sweep.report.choices import choices_of
from sweep.report.matters import Matters
from sweep.report.results import NULL, SWEEP, Results
from sweep.report.table import csv_text
from sweep.results.ranking import board_of
from sweep.results.state import State
from sweep.storage.opening import open_folder

LOSSES = {"bce", "lsgan", "wgan-gp"}


def with_config(sweep: Sweep, batch_size: float) -> Sweep:
    store = Store(sweep.folder, KINDS)
    for row in store.rows("trials"):
        config = json.loads(row["config"])
        config["train"]["batch_size"] = batch_size
        store.put_trial({"trial": row["trial"], "status": row["status"], "config": config})
    return sweep


def test_they_are_ranked_together(faces: Sweep) -> None:
    live = open_sweep(open_folder(shared_storage()), "live")
    results = Results.read([faces, live])
    values = [trial.entry.value for trial in results.trials if trial.entry.rank is not None]
    assert values == sorted(values)
    assert len({trial.key for trial in results.trials}) == 16
    assert [trial.entry.rank for trial in results.trials[:3]] == [1, 2, 3]
    assert results.winner is not None
    assert results.problem is None
    assert results.state is State.RUNNING
    assert results.params[0].path == SWEEP
    words = page_of(faces, live).words()
    assert "faces, live" in words
    assert f"by {results.winner.name} : its generator at" in words
    rows = csv_text(results).splitlines()
    assert len(rows) == 17
    assert rows[1].startswith("faces,")


def test_what_differs_between_them_is_a_column(tmp_path: Path) -> None:
    first = with_config(make_sweep(tmp_path, trials=3, name="one", pictures=False), 64)
    second = with_config(make_sweep(tmp_path, trials=3, name="two", pictures=False), 128)
    results = Results.read([first, second])
    paths = [param.path for param in results.params]
    assert paths[0] == SWEEP
    assert "train.batch_size" in paths
    found = {(trial.values[SWEEP], trial.values["train.batch_size"]) for trial in results.trials}
    assert found == {("one", 64), ("two", 128)}


def test_unlike_measures_are_not_ranked_together(faces: Sweep, tmp_path: Path) -> None:
    other = remeasured(make_sweep(tmp_path, trials=3, name="other", pictures=False), n_fake=64)
    results = Results.read([faces, other])
    assert results.winner is None
    assert results.identity is None
    words = page_of(faces, other).words()
    assert "cannot be compared" in words
    assert "other: n_fake=64" in words
    assert "No result yet" in words
    assert "Best:" in words, "each sweep by itself still has one"
    assert "so far" not in words
    assert "result 0.0186 on 512 pictures, these" in words
    for number in (512, 64):
        assert f"(n={number})" in words, "without a number that is told for all, each result tells its own"


def test_of_sweeps_that_were_not_measured_alike_the_best_of_each_come_first(tmp_path: Path) -> None:
    """What shows only the first trials, such as pictures and colours, shows some of every sweep."""
    one, two = [make_sweep(tmp_path, trials=12, name=name, size=8) for name in ("one", "two")]
    results = Results.read([one, remeasured(two, n_fake=64)])
    assert [trial.key[0] for trial in results.trials[:4]] == ["0", "1", "0", "1"]
    assert [trial.entry.rank for trial in results.trials[:4]] == [1, 1, 2, 2]
    data = chart_data(results)
    assert {key[0] for key in data["shown"]} == {"0", "1"}
    assert data["panels"][0]["title"] == "KID (not measured alike)"
    for words in (data["unranked"], Matters.of(results).why_no_best):
        assert words == "Not all trials were measured alike: they cannot be ranked together."


def test_sweeps_of_one_name_are_told_apart(tmp_path: Path) -> None:
    places = [tmp_path / "a" / "runs", tmp_path / "b" / "runs", tmp_path / "old"]
    sweeps = [make_sweep(place, trials=1, pictures=False) for place in places]
    results = Results.read([sweeps[0], sweeps[2]])
    assert results.title == "runs/faces, old/faces"
    assert {trial.values[SWEEP] for trial in results.trials} == {"runs/faces", "old/faces"}
    names = [facts.sweep.name for facts in Results.read(sweeps).sweeps]
    assert names == [str(places[0] / "faces"), str(places[1] / "faces"), "old/faces"]
    command = f"sweep report {places[0] / 'faces'} {places[2] / 'faces'}"
    assert command in page_of(sweeps[0], sweeps[2]).words()


WHOLE = {"from": 2.0, "to": 0.2, "shape": "cosine", "until": 1.0}


def test_schedules_of_columns_are_read_and_other_text_is_left(faces: Sweep) -> None:
    entry = Results.read([faces]).trials[0].entry
    row = {"param.train.r1_gamma": json.dumps(WHOLE), "param.train.betas": f"[0.5, {json.dumps(WHOLE)}]"}
    other = {"train.lr_g.from": 1e-3, "train.loss": "bce", "train.augment": '["flip"]'}
    row |= {f"param.{path}": value for path, value in other.items()}
    assert replace(entry, row=row).params == {"train.r1_gamma": WHOLE, "train.betas": [0.5, WHOLE], **other}


def with_null(sweep: Sweep) -> Sweep:
    """Let every other trial begin with the weights of an export, the others with fresh ones, which are null."""
    store = Store(sweep.folder, {**KINDS, "model.init": "str"})
    for row in store.rows("trials"):
        init = "faces/3" if row["trial"] % 2 else None
        params = {**json.loads(row["params"]), "model.init": init}
        config = {**json.loads(row["config"]), "model": {"init": init}}
        told = {"params": json.dumps(params), "config": config, "param.model.init": init}
        store.put_trial({"trial": row["trial"], "status": row["status"], **told})
    return sweep


def test_null_is_a_choice_and_what_does_not_apply_is_none(tmp_path: Path) -> None:
    sweep = with_null(make_sweep(tmp_path, trials=24, pictures=False))
    results = Results.read([sweep])
    for trial in results.trials:
        assert trial.values["model.init"] == ("faces/3" if trial.entry.trial % 2 else NULL)
        assert (trial.values["train.smoothing"] is None) == (trial.values["train.loss"] != "bce")
    assert {"null", "faces/3"} == {
        choice.value for choice in choices_of(results.params, results.ranked)
    } - LOSSES
    place = [param.path for param in results.params].index("model.init")
    assert {trial["values"][place] for trial in chart_data(results)["trials"]} == {"null", "faces/3"}
    judged = {item.param.path: item for item in Matters.of(results).deaths}
    assert judged["model.init"].trials == judged["train.lr_g"].trials
    rows = list(csv.DictReader(io.StringIO(csv_text(results))))
    assert {row["model.init"] for row in rows} == {"null", "faces/3"}
    assert {row["train.smoothing"] for row in rows if row["train.loss"] != "bce"} == {""}


def test_null_is_a_choice_beside_a_sweep_that_has_it_as_a_default(tmp_path: Path) -> None:
    searched = with_null(make_sweep(tmp_path, trials=4, name="one", pictures=False))
    fixed = make_sweep(tmp_path, trials=3, name="two", pictures=False)
    store = Store(fixed.folder, KINDS)
    for row in store.rows("trials"):
        config = {**json.loads(row["config"]), "model": {"init": None}}
        store.put_trial({"trial": row["trial"], "status": row["status"], "config": config})
    results = Results.read([searched, fixed])
    found = {(trial.values[SWEEP], trial.values["model.init"]) for trial in results.trials}
    assert found == {("one", NULL), ("one", "faces/3"), ("two", NULL)}
    # Of another loss: not what the first trial of its sweep has.
    assert all(
        (trial.values["train.smoothing"] is None) == (trial.values["train.loss"] != "bce")
        for trial in results.trials
    )


def test_numbers_that_differ_little_differ(tmp_path: Path) -> None:
    sweeps = [
        with_config(make_sweep(tmp_path, trials=3, name=name, pictures=False), beta)
        for name, beta in (("one", 0.99991), ("two", 0.99992))
    ]
    assert "train.batch_size" in [param.path for param in Results.read(sweeps).params]


def test_a_schedule_beside_a_number_is_told_by_its_parts(tmp_path: Path) -> None:
    sweeps = []
    for name, train in (
        ("one", {"ema_kimg": 5.0, "betas": [0.5, 0.9]}),
        ("two", {"ema_kimg": WHOLE, "betas": [0.5, WHOLE]}),
    ):
        sweep = make_sweep(tmp_path, trials=3, name=name, pictures=False)
        store = Store(sweep.folder, KINDS)
        for row in store.rows("trials"):
            config = {"train": json.loads(row["config"])["train"] | train}
            store.put_trial({"trial": row["trial"], "status": row["status"], "config": config})
        sweeps.append(sweep)
    results = Results.read(sweeps)
    found = {
        (t.values["train.ema_kimg"], t.values["train.ema_kimg.to"], t.values["train.betas[1].to"])
        for t in results.trials
    }
    assert found == {(5.0, None, None), (None, 0.2, 0.2)}
    assert page_of(*sweeps)


def test_a_default_that_is_not_on_the_axis_of_another_sweeps_search_makes_it_a_plain_one(
    tmp_path: Path,
) -> None:
    """Such as a penalty that one sweep searches on a logarithmic axis, and another does without."""
    searched = {"r1_gamma": {"type": "float", "low": 0.1, "high": 10.0, "log": True}}
    for name, train in (("searched", searched), ("without", {})):
        spec = small(name=name, train={"epochs": 1, **train}, search={"trials": 2, "seed": 1})
        (tmp_path / "spec.yaml").write_text(spec)
        done = run("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path / "runs")
        assert done.exit_code == 0, done.output
    one, other = (open_sweep(open_folder(tmp_path / "runs"), name) for name in ("searched", "without"))
    for sweeps in ((one, other), (other, one)):
        results = Results.read(sweeps)
        (gamma,) = (param for param in results.params if param.path == "train.r1_gamma")
        assert (gamma.number, gamma.log) == (True, False)
        assert "without" in page_of(*sweeps).words()
    (gamma,) = (param for param in Results.read([one]).params if param.path == "train.r1_gamma")
    assert gamma.log


def test_the_best_so_far_is_the_same_for_a_report_and_for_best(tmp_path: Path) -> None:
    """A FID on fewer pictures is no winner beside one on more, however low."""
    sweep = make_sweep(tmp_path, trials=4, pictures=False, info={"metric": "fid"})
    store = Store(sweep.folder, KINDS)
    for number in range(4):
        store.replace("results", number, [])
    store.replace("metrics", 0, [row | {"n_fake": 128, "fid": 1.0} for row in store.part("metrics", 0)])
    ranked = [entry.trial for entry in board_of(sweep).ranked]
    assert [trial.entry.trial for trial in Results.read([sweep]).ranked] == ranked
    assert len(ranked) > 1
    assert ranked[-1] == 0
