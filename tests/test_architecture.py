"""Who may import whom: packages as the drawing shows them, and ganlib knows nothing of sweeps."""

import re
from pathlib import Path

import pytest
from helpers.programs.modules import ROOT, imports, modules

HALVES = ("sweep", "ganlib")


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


MAY_IMPORT: dict[str, str] = {
    "sweep.cli": "check commands play report results runners spec storage terminal records formatting mistaken shipped "
    "durations",
    "sweep.api": "commands durations records report results runners spec storage terminal",
    "sweep.commands": "driver records results runners search shipped spec storage terminal worker formatting mistaken "
    "durations",
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
    "ganlib.export": "config data models disk errors initial names registry flags written",
    "ganlib.training": "config data domains metrics models steps clock digests errors names flags transfers",
    "ganlib.steps": "augment config data losses models perceptual slopes errors initial names flags transfers",
    "ganlib.domains": "config cores data disk errors",
    "ganlib.perceptual": "metrics names",
    "ganlib.metrics": "config data disk errors heap initial names registry flags transfers",
    "ganlib.models": "config cores data disk errors heap names slopes transfers",
    "ganlib.augment": "config data",
    "ganlib.losses": "config slopes",
    "ganlib.data": "address config cores disk errors names registry s3 transfers written",
    "ganlib.config": "address names registry",
    "ganlib.names": "registry",
    "ganlib.registry": "errors",
    "ganlib.s3": "address errors",
    "ganlib.written": "disk errors",
    "ganlib.address": "",
    "ganlib.clock": "",
    "ganlib.cores": "",
    "ganlib.digests": "",
    "ganlib.disk": "",
    "ganlib.errors": "",
    "ganlib.heap": "",
    "ganlib.initial": "",
    "ganlib.flags": "",
    "ganlib.slopes": "",
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
