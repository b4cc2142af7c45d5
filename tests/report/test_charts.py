"""The data of the plots: an axis for most of the values, and nothing where nothing was measured."""

from dataclasses import replace
from pathlib import Path

from helpers.sweeps.synthetic import make_sweep, remeasured

from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.charts import axis_range, chart_data
from sweep.report.page.sureness import sureness
from sweep.report.results import Results
from sweep.results.confirming.confirmation import Confirmation
from sweep.results.confirming.repeats import Repeats, Run


def test_an_axis_is_cut_only_where_few_values_would_flatten_the_rest() -> None:
    assert axis_range([float(n) for n in range(100)]) is None
    assert axis_range([1.0, 2.0, None, float("nan")]) is None
    cut = axis_range([1 + n / 100 for n in range(99)] + [1e6])
    assert cut is not None
    assert cut[0] < 1.0
    assert 1.9 < cut[1] < 3
    assert axis_range([1.0] * 99 + [2.0]) is None


def test_charts_of_nothing(tmp_path: Path) -> None:
    data = chart_data(Results.read([make_sweep(tmp_path, trials=0, pictures=False)]))
    assert data["panels"] == data["trials"] == data["shown"] == []


def test_values_that_do_not_compare_share_no_axis(faces: Sweep, tmp_path: Path) -> None:
    other = remeasured(make_sweep(tmp_path, trials=3, name="other", pictures=False), n_fake=64)
    assert sum(trial["ranked"] for trial in chart_data(Results.read([faces]))["trials"]) == 8
    assert not any(trial["ranked"] for trial in chart_data(Results.read([faces, other]))["trials"])


def test_a_metric_is_drawn_with_its_own_error_and_kid_beside_it(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=2, name="mmd", pictures=False, info={"metric": "mmd"})
    store = Store(sweep.folder)
    for number in range(2):
        for dataset in ("metrics", "results"):
            rows = [row | {"mmd": 0.3, "mmd_se": 0.01} for row in store.part(dataset, number)]
            store.replace(dataset, number, rows)
    data = chart_data(Results.read([sweep]))
    assert [panel["key"] for panel in data["panels"]][:2] == ["mmd", "kid"]
    assert data["panels"][0]["title"].startswith("MMD (")
    assert data["errors"]["mmd"] == "mmd_se"
    for trial in data["trials"]:
        assert set(trial["mmd"]) == {0.3}
        assert set(trial["mmd_se"]) == {0.01}
        assert len(trial["kid_se"]) == len(trial["kimg"])
        assert "fid" not in trial


def test_the_metric_goes_by_the_name_that_its_features_give_it(faces: Sweep) -> None:
    results = Results.read([faces])
    assert results.identity is not None
    assert chart_data(results)["called"] == "KID"
    named = replace(results, metric="fid", identity=replace(results.identity, extractor="dinov2@dgm-eval"))
    assert chart_data(named)["called"] == "FD-DINOv2"


def test_what_was_confirmed_by_another_metric_names_it(faces: Sweep) -> None:
    results = Results.read([faces])
    winner = results.ranked[0]
    runs = [Run(number, number, value, 1.0) for number, value in enumerate((0.1, 0.2))]
    again = Confirmation("kid", [Repeats(winner.entry.trial, runs, {}, 0)])
    trial = replace(winner, facts=replace(winner.facts, confirmed=again))
    for metric, words in (("kid", "Trained again: mean 0.15"), ("fid", "Trained again: KID mean 0.15")):
        assert sureness(replace(results, metric=metric, trials=[trial])).words.startswith(words)
    again = replace(again, metric="fid", extractor="dinov2@dgm-eval")
    trial = replace(winner, facts=replace(winner.facts, confirmed=again))
    told = sureness(replace(results, trials=[trial])).words
    assert told.startswith("Trained again: FD-DINOv2 mean 0.15")


def test_a_best_trial_whose_fresh_seeds_died_is_told_beside_who_wins(faces: Sweep) -> None:
    results = Results.read([faces])
    first, second = results.ranked[:2]
    runs = [Run(number, number, value, 1.0) for number, value in enumerate((0.1, 0.2, 0.15))]
    lost = Repeats(first.entry.trial, [], {"d_saturated": 3}, 0)
    again = Confirmation("kid", [Repeats(second.entry.trial, runs, {}, 0), lost])
    told = sureness(replace(results, trials=[replace(first, facts=replace(first.facts, confirmed=again))]))
    assert told.label == "3 fresh seeds lost"
    assert told.words.startswith("Trained again: no result of 3 fresh seeds, 3 d_saturated. ")
    assert told.words.endswith(
        f" The configuration of trial {second.entry.trial} wins, not that of trial {first.entry.trial} "
        "('sweep best --export' takes it)."
    )
