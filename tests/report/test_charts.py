"""The data of the plots: an axis for most of the values, and nothing where nothing was measured."""

from pathlib import Path

from helpers.synthetic import make_sweep, remeasured

from sweep.records.catalog import Sweep
from sweep.report.charts import axis_range, chart_data
from sweep.report.results import Results


def test_an_axis_is_cut_only_where_few_values_would_flatten_the_rest() -> None:
    assert axis_range([float(n) for n in range(100)]) is None
    assert axis_range([1.0, 2.0, None, float("nan")]) is None
    cut = axis_range([1 + n / 100 for n in range(99)] + [1e6])
    assert cut is not None and cut[0] < 1.0 and 1.9 < cut[1] < 3
    assert axis_range([1.0] * 99 + [2.0]) is None


def test_charts_of_nothing(tmp_path: Path) -> None:
    data = chart_data(Results.read([make_sweep(tmp_path, trials=0, pictures=False)]))
    assert data["panels"] == data["trials"] == data["shown"] == []


def test_values_that_do_not_compare_share_no_axis(faces: Sweep, tmp_path: Path) -> None:
    other = remeasured(make_sweep(tmp_path, trials=3, name="other", pictures=False), n_fake=64)
    assert sum(trial["ranked"] for trial in chart_data(Results.read([faces]))["trials"]) == 8
    assert not any(trial["ranked"] for trial in chart_data(Results.read([faces, other]))["trials"])
