"""The notebooks of `examples/` run from top to bottom, and are committed without output."""

import json
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest

from ganlib import load_generator

FOLDER = Path(__file__).parents[2] / "examples"
SMALL = {"kimg": 0.2, "count": 40, "n_fake": 16}
"""In the place of the values of the cell that is tagged `parameters`."""


def cells(name: str) -> list[dict[str, Any]]:
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_training_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    matplotlib.use("Agg")
    names: dict[str, Any] = {}
    for cell in cells("train.ipynb"):
        exec(compile("".join(cell["source"]), f"examples/train.ipynb, {cell['id']}", "exec"), names)
        if "parameters" in cell["metadata"].get("tags", ()):
            assert SMALL.keys() <= names.keys()
            names |= SMALL
    plt.close("all")
    assert [round(each.kimg, 3) for each in names["evaluations"]][-1] == pytest.approx(0.2, abs=0.032)
    assert names["evaluations"][-1].last
    assert load_generator(tmp_path / "export" / "example").sample(2).shape == (2, 32, 32, 3)
    assert "generated: Kid(" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_no_output_is_committed(path: Path) -> None:
    for cell in cells(path.name):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
