"""Modules, attributes and files that texts name are there."""

import importlib
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = sorted(
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "sweep/**/*.py",
        "ganlib/**/*.py",
        "benchmarks/**/*.py",
        "tests/**/*.py",
    )
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # it tells of what was
)
MADE = {
    "ganlib/losses/relativistic_average.py": "CONTRIBUTING.md has the reader write it",
    "ganlib/models/perceptron.py": "CONTRIBUTING.md has the reader write it",
}
DOTTED = re.compile(r"`~?((?:sweep|ganlib)(?:\.(?!json|parquet)\w+)+)(?:\(\))?`")
FILES = re.compile(r"`([\w/]+\.(?:py|js|j2))`")


@cache
def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute or field in one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            fields = getattr(found, "__annotations__", {})
            if not hasattr(found, part) and part not in fields:
                return False
            found = getattr(found, part, None)
        return True
    return False


@cache
def is_file(name: str) -> bool:
    """Whether a path from the root, or the end of one, is a file."""
    return (ROOT / name).is_file() or any(
        path.is_file()
        for place in ("sweep", "ganlib", "tests", "benchmarks")
        for path in (ROOT / place).rglob(name)
    )


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_named_is_there(path: Path) -> None:
    text = path.read_text()
    assert [name for name in DOTTED.findall(text) if not resolves(name)] == []
    assert [name for name in FILES.findall(text) if not is_file(name) and name not in MADE] == []
