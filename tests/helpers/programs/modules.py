"""The modules of this project, and what they import by their sources."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]


def modules(package: str) -> dict[str, Path]:
    """All modules of a package, by their dotted names."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(path: Path, name: str, everywhere: bool) -> tuple[str, ...]:
    """The dotted names that a module imports; ``everywhere`` includes functions and `TYPE_CHECKING` blocks."""
    return tuple(_imports(path, name, everywhere))


def _imports(path: Path, name: str, everywhere: bool) -> Iterator[str]:
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
