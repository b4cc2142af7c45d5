"""Write the tables of all keys of a spec into docs/systems.md, from the fields of the sections and their texts.

python scripts/keys.py            write the tables
python scripts/keys.py --check    say whether they are up to date (exit code 1 if not)
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from ganlib.config import Section
from ganlib.config.schedules import Schedule
from ganlib.config.section import choices_of
from sweep.spec.sections import SECTIONS

PAGE = Path(__file__).parents[1] / "docs" / "systems.md"
BEGIN, END = "<!-- keys.py writes from here -->", "<!-- keys.py to here -->"
BOUNDS = {"ge": ">= {}", "gt": "> {}", "le": "<= {}", "lt": "< {}", "multiple_of": "a multiple of {}"}
KINDS = {str: "text", bool: "`true` or `false`", int: "whole", float: ""}


def tables() -> str:
    """Make one table a section, each under a heading."""
    return "\n\n".join("\n".join(_table(name, section)) for name, section in SECTIONS.items())


def _table(name: str, section: type[Section]) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{_line(section.__doc__ or '')}\n"
    yield "| key | default | values | what it does |"
    yield "|---|---|---|---|"
    said = _texts(section)
    for key, field in section.model_fields.items():
        if key not in said:
            raise ValueError(f"{section.__name__}.{key} has no text under it: say what it does and its unit")
        cells = [f"`{name}.{key}`", _default(field), values(field), _line(said[key])]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _texts(section: type[Section]) -> dict[str, str]:
    """Find the text under each field, also of the sections that this one is built on."""
    found: dict[str, str] = {}
    for built_on in reversed([one for one in section.__mro__ if issubclass(one, Section)]):
        (tree,) = ast.parse(dedent(inspect.getsource(built_on))).body
        assert isinstance(tree, ast.ClassDef)
        for field, text in pairwise(tree.body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                found[ast.unparse(field.target)] = ast.literal_eval(text.value)
    return found


def _line(text: str) -> str:
    """Join the lines of a text, and mark code as Markdown does."""
    return " ".join(text.replace("``", "`").split())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    return f"`{_plain(field.get_default(call_default_factory=True))}`"


def _plain(value: object) -> str:
    """Write a value as a spec has it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def values(field: FieldInfo) -> str:
    """Say which values a field takes: names, or a kind of number with its bounds."""
    names = [f"`{name}`" for name in dict.fromkeys(choices_of(field.metadata))]
    words = names or list(_words(field.annotation))
    return ", ".join([*dict.fromkeys(words), *_bounds(field.metadata)])


def _words(annotation: Any) -> Iterator[str]:  # noqa: ANN401 - any annotation
    """Say in words what an annotation takes."""
    if annotation is type(None) or annotation is Ellipsis:
        return
    if isinstance(annotation, type) and issubclass(annotation, Schedule):
        yield "or a [schedule](#schedules)"
        return
    if get_origin(annotation) is Literal:
        yield from (f"`{_plain(value)}`" for value in get_args(annotation))
    elif metadata := getattr(annotation, "__metadata__", ()):
        inner = annotation.__origin__
        yield from [f"`{name}`" for name in choices_of(metadata)] or _words(inner)
        yield from _bounds(metadata)
    elif get_origin(annotation) in (list, tuple):
        items = dict.fromkeys(", ".join(filter(None, _words(item))) for item in get_args(annotation))
        yield f"a list of: {'; '.join(filter(None, items))}"
    elif get_origin(annotation) is dict:
        yield "text by name"
    elif annotation in KINDS:
        yield from filter(None, [KINDS[annotation]])
    else:
        for item in get_args(annotation):
            yield from _words(item)


def _bounds(metadata: Any) -> Iterator[str]:  # noqa: ANN401 - pydantic's and those of annotated-types
    """Write the bounds among a field's metadata."""
    for item in metadata:
        for inner in getattr(item, "metadata", None) or [item]:
            for name, words in BOUNDS.items():
                if (bound := getattr(inner, name, None)) is not None:
                    yield words.format(_plain(bound))


def page(text: str) -> str:
    """Put the tables in the place of those in a page."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables()}\n\n{END}{tail}"


def main(arguments: list[str]) -> int:
    """Write the page, or check it."""
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if "--check" in arguments:
        return int(after != before)
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
