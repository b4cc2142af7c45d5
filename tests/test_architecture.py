"""Who may import whom: ganlib knows nothing of sweeps, and what reads results needs neither ray nor torch."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HALVES = ("sweep", "ganlib")
READERS = ("check", "formatting", "records", "report", "results", "storage", "mistaken")
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
        "sweep.cli.running.run",
        "sweep.report.page",
    } <= set(names)
    assert "torch" in set(imports(names["ganlib.training.fit"], "ganlib.training.fit", False))
    assert "ganlib.steps.adversarial.AdversarialStep" in set(
        imports(names["ganlib.training.fit"], "ganlib.training.fit", False)
    )


# ---- packages ----------------------------------------------------------------------------------------------

MAY_IMPORT: dict[str, str] = {
    "sweep.cli": "check commands play report results runners spec storage terminal records formatting mistaken "
    "durations",
    "sweep.api": "commands durations records report results runners spec storage terminal",
    "sweep.commands": "driver records results runners search spec storage terminal worker formatting durations",
    "sweep.play": "local_server",
    "sweep.report": "records results spec storage formatting local_server",
    "sweep.check": "records results search spec storage formatting",
    "sweep.runners": "driver spec storage terminal worker formatting",
    "sweep.terminal": "driver records results storage formatting",
    "sweep.driver": "records search spec storage worker",
    "sweep.worker": "records storage",
    "sweep.results": "records search spec storage formatting",
    "sweep.search": "records spec storage formatting",
    "sweep.records": "spec storage formatting mistaken",
    "sweep.spec": "formatting mistaken durations shipped",
    "sweep.storage": "formatting",
    "sweep.mistaken": "shipped storage",
    "sweep.shipped": "",
    "sweep.durations": "",
    "sweep.formatting": "",
    "sweep.local_server": "formatting",
    "ganlib.export": "config data models disk errors initial names registry tf32 written",
    "ganlib.training": "config data domains metrics models steps clock digests errors names tf32 transfers",
    "ganlib.steps": "augment config data losses models perceptual errors initial names tf32 transfers",
    "ganlib.domains": "config cores data disk errors",
    "ganlib.perceptual": "metrics names",
    "ganlib.metrics": "config data disk errors initial names registry tf32 transfers",
    "ganlib.models": "config data errors names transfers",
    "ganlib.augment": "config data",
    "ganlib.losses": "config",
    "ganlib.data": "config cores disk errors names registry s3 transfers written",
    "ganlib.config": "names registry",
    "ganlib.names": "registry",
    "ganlib.registry": "errors",
    "ganlib.s3": "errors",
    "ganlib.written": "disk errors",
    "ganlib.clock": "",
    "ganlib.cores": "",
    "ganlib.digests": "",
    "ganlib.disk": "",
    "ganlib.errors": "",
    "ganlib.heap": "",
    "ganlib.initial": "",
    "ganlib.tf32": "",
    "ganlib.transfers": "",
}
"""What each package, or module beside the packages, may import of its own half; docs/architecture.md draws it."""


def home(name: str) -> str:
    """The package of a module, or the module itself where it stands beside the packages."""
    return ".".join(name.split(".")[:2])


def arrows(half: str) -> dict[str, set[str]]:
    """What each package of a half imports of the others, wherever in a module it does so."""
    known = modules(half)
    found: dict[str, set[str]] = {
        home(name): set() for name in known if name not in (half, f"{half}.__main__")
    }
    for name in known:
        for imported in imports(known[name], name, everywhere=True):
            if imported in known and home(name) in found and home(imported) in found:
                found[home(name)].add(home(imported))
    return {package: others - {package} for package, others in found.items()}


def allowed(half: str) -> dict[str, set[str]]:
    return {
        package: {f"{half}.{other}" for other in others.split()}
        for package, others in MAY_IMPORT.items()
        if package.startswith(f"{half}.")
    }


@pytest.mark.parametrize("half", HALVES)
def test_packages_import_what_the_table_says(half: str) -> None:
    assert arrows(half) == allowed(half)


def reachable(table: dict[str, set[str]], package: str) -> set[str]:
    found: set[str] = set()
    todo = [package]
    while todo:
        fresh = table[todo.pop()] - found
        found |= fresh
        todo += fresh
    return found


@pytest.mark.parametrize("half", HALVES)
def test_no_package_imports_itself_by_way_of_another(half: str) -> None:
    table = allowed(half)
    assert [package for package in table if package in reachable(table, package)] == []


@pytest.mark.parametrize("half", HALVES)
def test_the_drawing_shows_the_table(half: str) -> None:
    """Arrows that follow from others are left out of it."""
    table = allowed(half)
    direct = {
        (package, other)
        for package, others in table.items()
        for other in others
        if not any(other in reachable(table, between) for between in others)
    }
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = re.findall(rf"^ +({half}\.\w+)(?:\[[^\]]*\])? --> ({half}\.\w+)", text, re.MULTILINE)
    assert set(drawn) == direct, "\n".join(f"    {a} --> {b}" for a, b in sorted(direct))


def test_no_folder_has_more_than_sixteen_modules() -> None:
    counts: dict[Path, int] = {}
    for path in [*(ROOT / "sweep").rglob("*.py"), *(ROOT / "ganlib").rglob("*.py")]:
        counts[path.parent] = counts.get(path.parent, 0) + 1
    assert {str(path): count for path, count in counts.items() if count > 16} == {}


# ---- what is heavy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", modules("ganlib"))
def test_ganlib_stands_alone(name: str) -> None:
    tops = {
        imported.partition(".")[0] for imported in imports(modules("ganlib")[name], name, everywhere=True)
    }
    assert not tops & {"sweep", "ray", "optuna", "click"}


def test_what_ganlib_looks_up_by_name_is_in_ganlib() -> None:
    from ganlib.names import CONTENT_NETWORKS, EXTRACTORS, FAMILIES, LOSSES, OPTIMIZERS

    registries = (CONTENT_NETWORKS, EXTRACTORS, FAMILIES, LOSSES, OPTIMIZERS)
    homes = {entry.home for registry in registries for entry in registry.values()}
    homes |= {entry.step for entry in FAMILIES.values()}
    assert {home.partition(":")[0] for home in homes} <= set(modules("ganlib"))


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
        "tf32",
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
