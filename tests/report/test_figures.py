"""Figures for papers: none of nothing, and names that are no formulas."""

from dataclasses import replace
from pathlib import Path

from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import Sweep
from sweep.report.beside.figures import curves, importances
from sweep.report.results import Results


def test_there_are_no_figures_of_nothing(tmp_path: Path) -> None:
    results = Results.read([make_sweep(tmp_path, trials=0, pictures=False)])
    assert curves(results) is None
    assert importances(results) is None


def test_a_name_is_no_formula_of_a_figure(faces: Sweep) -> None:
    assert curves(Results.read([replace(faces, name="$\\frac{")]))
