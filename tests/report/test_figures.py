"""Figures for papers: none of nothing, and names that are no formulas."""

import math
import warnings
from dataclasses import replace
from pathlib import Path

from helpers.sweeps.synthetic import KINDS, make_sweep

from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.beside.figures import curves, importances
from sweep.report.results import Results


def test_there_are_no_figures_of_nothing(tmp_path: Path) -> None:
    results = Results.read([make_sweep(tmp_path, trials=0, pictures=False)])
    assert curves(results) is None
    assert importances(results) is None


def test_a_figure_without_one_finite_value_is_drawn_without_a_word(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=2, pictures=False)
    store = Store(sweep.folder, KINDS)
    for name in ("metrics", "results"):
        for trial in range(2):
            rows = [row | {"kid": math.nan, "kid_se": math.nan} for row in store.part(name, trial)]
            store.replace(name, trial, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert curves(Results.read([sweep]))


def test_a_name_is_no_formula_of_a_figure(faces: Sweep) -> None:
    assert curves(Results.read([replace(faces, name="$\\frac{")]))
