"""Every benchmark and script still finds what it needs."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORT_ALL = """
import runpy, sys, traceback
failed = []
for path in sys.argv[1:]:
    sys.path[:] = [path.rpartition("/")[0], *KNOWN]
    try:
        runpy.run_path(path, run_name="imported")
    except BaseException:
        failed.append(f"{path}: {traceback.format_exc().splitlines()[-1]}")
print("\\n".join(failed))
"""


def test_every_benchmark_can_be_begun() -> None:
    """As a script, from the root: in one process, because each imports torch."""
    scripts = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text()]
    assert len(scripts) > 15
    code = "KNOWN = __import__('sys').path[1:]\n" + IMPORT_ALL
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, scripts)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("folder", ["benchmarks", "scripts"])
def test_what_tests_share_is_found_also_where_it_is_imported_late(folder: str) -> None:
    """In a function, which beginning the script does not run."""
    wanted = [
        (str(path.relative_to(ROOT)), node.module, name.name)
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "helpers"
        for name in node.names
    ]
    assert wanted
    assert [one for one in wanted if not _found(*one[1:])] == []


def _found(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return False
