"""Sweeps from Python: the same as from the command line, with tables and objects; and what a notebook shows."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.sweeps.commands import SMALL, small

import sweep
from ganlib import load_generator
from ganlib.errors import RequestError, WorkError
from sweep.spec.given import assignment, document
from sweep.spec.specification import parse
from sweep.terminal import notebook, views

ENDS = "train: {epochs: 1}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> "sweep.Sweep":
    storage = tmp_path_factory.mktemp("runs")
    overrides = {"search.trials": np.int64(2), "train.epochs": 2, "resources.gpu": "auto"}
    return sweep.run(SMALL, overrides=overrides, storage=storage, local=True)


def test_a_mapping_is_a_spec(made: "sweep.Sweep") -> None:
    assert made.done
    assert made.spec["search"]["trials"] == 2
    assert made.spec["resources"]["gpu"] != "auto"  # measured
    assert list(made.trials["status"]) == ["finished", "finished"]
    assert len(made.metrics) == 4
    best = made.best()
    assert best["kid"] == made.results["kid"].min()
    assert set(best["params"]) == {"train.lr_g"}
    assert made.picture().size[0] > 100
    assert made.picture(best["trial"]).tobytes() == made.picture().tobytes()
    with pytest.raises(RequestError, match="trial 7 of 'small' has no pictures"):
        made.picture(7)
    assert "2 trials" in repr(made)


def test_it_is_exported_reported_and_extended(made: "sweep.Sweep", tmp_path: Path) -> None:
    out = made.export(tmp_path / "export")
    assert load_generator(out).sample(2, seed=0).shape == (2, 32, 32, 3)
    assert Path(made.report(tmp_path / "r.html")).stat().st_size > 10_000
    storage = Path(made.folder).parent
    assert sweep.open("small", storage).name == sweep.open(storage=storage).name == "small"
    more = made.extend(trials=1, local=True)
    assert len(more.trials) == 3
    assert more.done
    assert more.resume(local=True).done


def test_what_is_wrong_raises(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no such file"):
        sweep.run("nothing.yaml", storage=tmp_path)
    with pytest.raises(RequestError, match=r"<mapping>:\d+: train.lr_gg: unknown key"):
        sweep.run({"name": "x", "train": {"lr_gg": 1}}, storage=tmp_path)
    with pytest.raises(RequestError, match="'soon' is no length of time"):
        sweep.run(SMALL, time="soon", storage=tmp_path)
    with pytest.raises(RequestError, match="no sweep"):
        sweep.open("nothing", tmp_path)
    assert not list(tmp_path.iterdir())


def test_importing_it_costs_nothing() -> None:
    code = "import sys, sweep; assert sweep.__version__; assert not {'torch', 'ray', 'optuna'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- in a notebook -----------------------------------------------------------------------------------------


class Handle:
    """Stands for the output of a cell."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def update(self, made: str) -> None:
        self.shown.append(made)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Handle:
    """A cell of a notebook, in which every view is shown."""
    handle = Handle()

    class Display:
        HTML = staticmethod(str)

        @staticmethod
        def display(made: str, display_id: bool) -> Handle:
            return handle

    monkeypatch.setitem(sys.modules, "IPython.display", Display)  # type: ignore[arg-type]
    monkeypatch.setattr(views, "in_notebook", lambda: True)
    monkeypatch.setattr(notebook, "PAUSE_SECONDS", 0.0)
    return handle


def test_a_cell_shows_the_progress(cell: Handle, tmp_path: Path, capsys: Any) -> None:
    text = yaml.safe_load(small("a-b", train={"epochs": 3}))
    made = sweep.run(text, storage=tmp_path, local=True)
    capsys.readouterr()
    last = cell.shown[-1]
    assert "<b>a-b</b>: 2 trials" in last
    assert "<polyline" in last
    assert 'src="data:image/png;base64,' in last
    assert "results: " in last
    assert not any("\x1b" in shown for shown in cell.shown)
    told = made._repr_html_()
    assert 'alt="the best pictures"' in told
    assert "finished" in told


def test_names_are_escaped() -> None:
    assert "<script>" not in notebook._table([("1", "<script>", "", "", "")])


def test_elsewhere_nothing_is_drawn() -> None:
    assert not notebook.in_notebook()


@pytest.mark.parametrize(
    ("path", "value", "wanted"),
    [
        ("data.source", "/data/a, b", "/data/a, b"),
        ("data.source", Path("/data/x"), "/data/x"),
        ("data.source", [Path("/data/x"), "y, z"], ["/data/x", "y, z"]),
        ("data.source", "2024", "2024"),
        ("data.labels", None, None),
        ("train.lr_g", np.float32(0.5), 0.5),
        ("train.betas", (0.0, np.float64(0.9)), [0.0, 0.9]),
        ("search.subject_to.coverage", ">= 0.5", ">= 0.5"),
        ("name", "2024", "2024"),
        ("resources.accelerator", ["A100", "H100"], ["A100", "H100"]),
        ("resources.accelerator", None, None),
        ("data.style", ["lorelei", "micah"], ["lorelei", "micah"]),
    ],
)
def test_values_arrive_as_they_are_given(path: str, value: Any, wanted: Any) -> None:
    found: Any = parse(ENDS, "spec.yaml", [assignment(path, value)]).to_plain()
    for key in path.split("."):
        found = found[key]
    assert found == wanted
    section, _, key = path.partition(".")
    if "." not in key:
        given = {section: {key: value}} if key else {section: value}
        there: Any = parse(document(given), overrides=["train.epochs=1"]).to_plain()
        assert (there[section][key] if key else there[section]) == wanted


def test_what_no_spec_can_hold_is_refused() -> None:
    with pytest.raises(RequestError, match=r"data\.source: give numbers, text, lists and mappings, got set"):
        assignment("data.source", {1})
    with pytest.raises(RequestError, match="train: give numbers"):
        document({"train": {"lr_g": np.ones(3)}})


def test_a_sweep_without_a_winner_raises(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="no trial of 'small' can win"):
        sweep.run(
            SMALL,
            overrides={"search.subject_to.coverage": ">= 1", "search.trials": 1, "train.epochs": 1},
            storage=tmp_path,
            local=True,
        )
    made = sweep.open("small", tmp_path)
    assert made.done
    with pytest.raises(WorkError, match="no trial of 'small' can win"):
        made.resume(local=True)
