"""Put what was asked for over the text of a chosen spec, whose other lines keep their reasons."""

from collections.abc import Collection, Sequence

from sweep.spec import overrides as command_line
from sweep.spec.problems import Problems
from sweep.spec.sections import TEXTS, key_of
from sweep.spec.yaml_tree import inline, read
from sweep.storage.layout import CHOSEN

ASKED = "  # as asked for"

Block = list[str]
"""The lines of a section, comments before it included."""


def put_over(text: str, overrides: Sequence[str]) -> str:
    """Put values over a spec.

    Args:
        text: A valid spec whose sections are separated by empty lines, with a line for each key.
        overrides: ``PATH=VALUE``, with which the spec is valid as well.

    Returns:
        A text that is the same spec as ``text`` with the overrides. Lines that have changed lose their reasons.
    """
    root = read(text, CHOSEN, Problems(), TEXTS)
    assert root is not None, "a valid spec has sections"
    old = root.plain()
    fixed = command_line.apply(root, overrides, Problems())
    new = root.plain()
    new["configs"] = _left(new["configs"], fixed)
    blocks = {_section(block): block for block in (part.split("\n") for part in text.rstrip().split("\n\n"))}
    for section, value in new.items():
        was = old.get(section)
        if isinstance(value, dict) and isinstance(was, dict):
            for key in (key for key in value if key not in was or value[key] != was[key]):
                _put(blocks[section], key, inline(value[key]))
        elif value != was:
            blocks[section] = _whole(section, value)
    return "\n\n".join("\n".join(block) for block in blocks.values()) + "\n"


def _section(block: Block) -> str:
    return next(line for line in block if not line.startswith("#")).partition(":")[0]


def _put(block: Block, key: str, value: str) -> None:
    """Put a value in the place of the key's line, or behind all lines."""
    places = [place for place, line in enumerate(block) if line.startswith(f"  {key}:")]
    place = places[0] if places else len(block)
    block[place : place + 1] = [f"  {key}: {value}{ASKED}"]


def _whole(section: str, value: object) -> Block:
    """Write a whole section."""
    if isinstance(value, dict):
        return [f"{section}:{ASKED}", *(f"  {key}: {inline(below)}" for key, below in value.items())]
    if isinstance(value, list):
        return [f"{section}:{ASKED}", *(f"- {inline(item)}" for item in value)]
    return [f"{section}: {inline(value)}{ASKED}"]


def _left(points: object, fixed: Collection[str]) -> object:
    """Leave out of the points what was asked for, which goes before them."""
    if not isinstance(points, list):
        return points
    return [
        {path: value for path, value in point.items() if not {path, key_of(path)} & set(fixed)}
        for point in points
    ]
