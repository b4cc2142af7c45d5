"""The notebooks of `examples/` run from top to bottom, and are committed without output."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest
from helpers.sweeps.commands import SMALL

from ganlib import load_generator

FOLDER = Path(__file__).parents[2] / "examples"


def cells(name: str) -> list[dict[str, Any]]:
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs a notebook in an empty folder, with other values in place of those of the cell tagged `parameters`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    matplotlib.use("Agg")

    def execute(name: str, **values: object) -> dict[str, Any]:
        names: dict[str, Any] = {}
        for cell in cells(name):
            exec(compile("".join(cell["source"]), f"examples/{name}, {cell['id']}", "exec"), names)
            if "parameters" in cell["metadata"].get("tags", ()):
                assert values.keys() <= names.keys()
                names |= values
        plt.close("all")
        return names

    return execute


def test_the_training_runs(
    executed: Callable[..., dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = executed("train.ipynb", kimg=0.2, count=40, n_fake=16)
    assert [round(each.kimg, 3) for each in names["evaluations"]][-1] == pytest.approx(0.2, abs=0.032)
    assert names["evaluations"][-1].last
    assert load_generator(tmp_path / "export" / "example").sample(2).shape == (2, 32, 32, 3)
    assert "generated: Kid(" in capsys.readouterr().out


def test_the_sweep_runs(executed: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    names = executed("sweep.ipynb", what=SMALL, time=None, overrides={"train.epochs": 2}, local=True)
    assert names["faces"].name == "notebook"
    assert list(names["faces"].trials["status"]) == ["finished", "finished"]
    assert names["pictures"].shape == (8, 32, 32, 3)
    assert (tmp_path / "runs" / "notebook" / "report.html").exists()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_no_output_is_committed(path: Path) -> None:
    for cell in cells(path.name):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
