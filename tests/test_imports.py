"""What is loaded: what reads results needs neither ray nor torch, and an export no trainer."""

import ast
import json
import subprocess
import sys

import pytest
from helpers.programs.modules import imports, modules

READERS = ("check", "formatting", "records", "report", "results", "storage", "mistaken")
"""Packages and modules of `sweep` that work on a laptop which has only the results."""


def test_loading_an_export_loads_no_trainer() -> None:
    """An exported generator is for programs that never train: config, the networks, latents, alpha, nothing more."""
    code = """
import pathlib, sys, tempfile
from ganlib import load_generator
from ganlib.config import ModelConfig
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.names import FAMILIES
for family in FAMILIES:
    model = ModelConfig(family=family, latent_dim=4, width=4)
    with tempfile.TemporaryDirectory() as folder:
        weights = pack_weights(FAMILIES[family].load().generator(model, 32, 3))
        save_generator(pathlib.Path(folder), ExportConfig(model=model, size=32), weights)
        load_generator(folder)
"""
    code += "import json; print(json.dumps([name for name in sys.modules if name.startswith('ganlib.')]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.split(".")[1] for name in json.loads(done.stdout)}
    assert packages == {
        "config",
        "data",
        "disk",
        "errors",
        "export",
        "initial",
        "models",
        "names",
        "registry",
        "slopes",
        "flags",
        "transfers",
        "written",
    }


def readers() -> list[str]:
    assert set(READERS) <= {name.split(".")[1] for name in modules("sweep") if "." in name}
    return [name for name in modules("sweep") if name.split(".")[1:2] and name.split(".")[1] in READERS]


def reached(name: str) -> dict[str, list[str]]:
    """All that importing a module imports, by our own sources; each with the way to it."""
    known = modules("sweep") | modules("ganlib")
    ways: dict[str, list[str]] = {}
    todo = [(name, [name])]
    while todo:
        here, way = todo.pop()
        if here in ways:
            continue
        ways[here] = way
        if here in known:
            parent = here.rpartition(".")[0]
            nexts = [*imports(known[here], here, everywhere=False), *([parent] if parent else [])]
            todo += [(imported, [*way, imported]) for imported in nexts]
    return ways


@pytest.mark.parametrize("name", readers())
def test_what_reads_results_imports_neither_ray_nor_torch(name: str) -> None:
    heavy = {"ray", "torch", "torchvision"}
    assert [way for imported, way in reached(name).items() if imported.partition(".")[0] in heavy] == []


def loaded_by(code: str, *watched: str) -> list[str]:
    """Which of some top-level modules a fresh interpreter has after running ``code``."""
    tail = f"\nimport json, sys\nprint(json.dumps([name for name in {watched!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_they_really_do_not_load_them() -> None:
    """The sources' imports are not all: a lazy attribute, a third-party package may load them too."""
    code = "\n".join(f"import {name}" for name in readers())
    assert loaded_by(code, "ray", "torch", "torchvision", "optuna") == []


def test_the_last_words_of_a_run_load_nothing_that_takes_seconds() -> None:
    assert loaded_by("import sweep.cli.suggest", "torch", "skimage", "plotly") == []


def test_the_command_line_starts_without_them() -> None:
    code = "from click.testing import CliRunner\nfrom sweep.cli import cli\n"
    code += "assert CliRunner().invoke(cli, ['--help']).exit_code == 0"
    assert loaded_by(code, "ray", "torch", "torchvision", "optuna", "pyarrow", "plotly", "skimage") == []


def test_import_ganlib_is_cheap() -> None:
    packages = "import ganlib, ganlib.config, ganlib.errors, ganlib.registry, ganlib.data, ganlib.metrics"
    assert loaded_by(packages, "torch", "numpy", "PIL", "skimage", "scipy", "torchvision") == []


def test_training_does_not_load_torchvision() -> None:
    assert (
        loaded_by(
            "import ganlib.training.fit, ganlib.metrics.evaluator, ganlib.export.generator",
            "torchvision",
            "ray",
        )
        == []
    )


def test_all_of_ganlib_works_where_sweep_cannot_be_imported() -> None:
    code = """
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("sweep", "ray", "optuna", "click"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""
    code += "\n".join(f"importlib.import_module({name!r})" for name in modules("ganlib"))
    assert loaded_by(code, "sweep", "ray", "optuna", "click") == []


def test_no_class_subscribes_one_of_another_package() -> None:
    """Type parameters come with a version: ``click.ParamType[float]`` is an error at run time before click 8.5."""
    own = {*sys.stdlib_module_names, "sweep", "ganlib"}
    found = []
    for name, path in {**modules("sweep"), **modules("ganlib")}.items():
        foreign = {
            part
            for one in imports(path, name, False)
            if one.partition(".")[0] not in own
            for part in one.split(".")
        }
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = [base.value for base in node.bases if isinstance(base, ast.Subscript)]
                found += [
                    f"{name}.{node.name}" for base in bases if foreign & set(ast.unparse(base).split("."))
                ]
    assert found == []
