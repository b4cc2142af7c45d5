"""A docstring's first line is a verb and its object: what a function does, before how."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NO_VERBS = frozenset(
    """
    the a an what whether how where which why when all of one it its these those this that each every who as in on by
    for from with without if never nothing nobody everything something such also more most many few two three no not
    only same trial trials see
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""Words with which no such line begins."""
NOUNS = ("property", "cached_property", "fixture")
"""Decorators of what is no deed but a thing: their docstrings name it."""


def functions(path: Path) -> Iterator[tuple[int, str, str]]:
    """Each documented function of a file: its line, its name, and the first line of its docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
            if any(ast.unparse(one).rpartition(".")[2].startswith(NOUNS) for one in node.decorator_list):
                continue
            yield node.lineno, node.name, text.splitlines()[0]


@pytest.mark.parametrize("half", ["sweep", "ganlib"])
def test_a_docstring_begins_with_a_verb(half: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {name}: {first}"
        for path in sorted((ROOT / half).rglob("*.py"))
        for line, name, first in functions(path)
        if first.split()[0].strip(".,:;").lower() in NO_VERBS or first.startswith("`")
    ]
    assert wrong == []
