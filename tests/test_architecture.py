"""Who may import whom: ganlib knows nothing of sweeps, and what reads results needs neither ray nor torch."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READERS = ("check", "formatting", "records", "report", "results", "storage", "terminal")
"""Packages and modules of `sweep` that work on a laptop which has only the results."""


def modules(package: str) -> dict[str, Path]:
    """All modules of a package, by their dotted names."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, name: str, everywhere: bool) -> Iterator[str]:
    """The dotted names that a module imports; ``everywhere`` includes functions and `TYPE_CHECKING` blocks."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif everywhere or not _runs_later(node):
            nodes.extend(ast.iter_child_nodes(node))


def _runs_later(node: ast.AST) -> bool:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def test_there_is_something_to_walk() -> None:
    names = modules("ganlib") | modules("sweep")
    assert {
        "ganlib",
        "ganlib.training.fit",
        "ganlib.metrics.evaluator",
        "sweep.cli.run",
        "sweep.report.page",
    } <= set(names)
    assert "torch" in set(imports(names["ganlib.training.fit"], "ganlib.training.fit", False))
    assert "ganlib.training.steps.AdversarialStep" in set(
        imports(names["ganlib.training.fit"], "ganlib.training.fit", False)
    )


@pytest.mark.parametrize("name", modules("ganlib"))
def test_ganlib_stands_alone(name: str) -> None:
    tops = {
        imported.partition(".")[0] for imported in imports(modules("ganlib")[name], name, everywhere=True)
    }
    assert not tops & {"sweep", "ray", "optuna", "click"}


def test_what_ganlib_looks_up_by_name_is_in_ganlib() -> None:
    from ganlib.names import EXTRACTORS, FAMILIES, LOSSES

    known = modules("ganlib")
    for registry in (EXTRACTORS, FAMILIES, LOSSES):
        assert {entry.partition(":")[0] for entry in registry._entries.values()} <= set(known)


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


BELOW = ("records", "results", "search", "spec", "storage")
"""Packages of `sweep` that print nothing."""


@pytest.mark.parametrize(
    "name", [name for name in modules("sweep") if name.split(".")[1:2] in [[p] for p in BELOW]]
)
def test_what_is_shown_is_not_asked_for_from_below(name: str) -> None:
    found = imports(modules("sweep")[name], name, everywhere=True)
    assert [one for one in found if one.split(".")[:2] in (["sweep", "terminal"], ["sweep", "cli"])] == []


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
