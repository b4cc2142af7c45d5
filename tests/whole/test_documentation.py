"""What the documentation shows does run: the examples of docstrings, and the Python of README and docs."""

import doctest
import re
from importlib import import_module
from pathlib import Path
from unittest.mock import create_autospec

import numpy as np
import pytest
import torch

import sweep
from ganlib.config import ModelConfig
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.names import FAMILIES

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in ("ganlib", "sweep")
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "```python" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_give_what_they_say(name: str) -> None:
    module = import_module(name)
    found = sum(len(test.examples) for test in doctest.DocTestFinder().find(module))
    assert found > 0, f"{name} holds '>>> ' where doctest does not look for examples"
    failed, _ = doctest.testmod(module)
    assert failed == 0, f"run: python -m doctest -v {name}"


def export(folder: Path, family: str, *classes: str) -> None:
    model = ModelConfig(family=family, width=4, latent_dim=8, mapping_layers=1, blocks=1)
    folder.mkdir(parents=True, exist_ok=True)
    generator = FAMILIES[family].load().generator(model, 32, classes=len(classes))
    config = ExportConfig(model=model, size=32, classes=dict.fromkeys(classes, 100))
    save_generator(folder, config, pack_weights(generator))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_pages_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    export(Path("export/demo"), "dcgan")
    export(Path("export/pets"), "dcgan", "cat", "dog")
    export(Path("export"), "stylegan")
    export(Path("export/cyclegan"), "cyclegan")
    names = {name: torch.randn(2, 8) for name in ("latents", "sources", "destinations")}
    names["pictures"] = np.zeros((2, 20, 30, 3), np.uint8)
    faces = create_autospec(sweep.Sweep, instance=True)
    for name in ("run", "open"):  # what they do is tested elsewhere; here that they are called rightly
        monkeypatch.setattr(sweep, name, create_autospec(getattr(sweep, name), return_value=faces))
    for code in re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        exec(compile(code, f"Python of {page.name}", "exec"), dict(names))


def test_there_are_examples() -> None:
    assert {"ganlib.metrics.pictures", "ganlib.models.styles.generator", "sweep.spec.hints"} <= set(MODULES)
    assert ROOT / "README.md" in PAGES
