"""Checks of single values and of whole sections against their pydantic models, in plain sentences."""

import re
from functools import cache
from typing import Any

from pydantic import ValidationError, create_model
from pydantic_core import ErrorDetails

from ganlib.config import Section
from sweep.problems import Problems, sentences, show, unknown_key
from sweep.sections import FIELDS, NOT_SEARCHABLE, SEARCHABLE, SECTIONS
from sweep.yamltree import Node

BAD: Any = object()
"""Stands for a value that has a problem."""


@cache
def _alone(path: str) -> type[Section]:
    """A model of one field, so that a value can be judged whatever stands in the rest of its section."""
    section, name = FIELDS[path]
    info = section.model_fields[name]
    annotation: Any = info.annotation
    model: type[Section] = create_model(name, __base__=Section, value=(annotation, info))
    return model


def check_value(field: str, node: Node, path: str, problems: Problems) -> Any:  # noqa: ANN401
    """The value of ``node`` as its field holds it.

    Args:
        field: Which field, for example ``train.lr_g``.
        node: The value; only its lines are used beside it.
        path: Where the value stands, for the problem (``train.lr_g.low``).
        problems: Gets what is wrong with it.

    Returns:
        The value, converted (an int to a float), or `BAD`.
    """
    if isinstance(node.value, list) and any(isinstance(item.value, dict) for item in node.value):
        problems.add(
            node.file, node.line, path, "a distribution cannot stand inside a list; choose among whole lists"
        )
        return BAD
    try:
        value = _alone(field).model_validate({"value": node.plain()}).model_dump()["value"]
        # Pydantic makes tuples of lists; YAML and JSON, which values come from and go to, know only lists.
        return list(value) if isinstance(value, tuple) else value
    except ValidationError as error:
        by_place: dict[tuple[int, ...], list[ErrorDetails]] = {}
        for detail in error.errors(include_url=False):
            place = tuple(step for step in detail["loc"][1:] if isinstance(step, int))
            if detail["type"] == "missing":  # an item of a list of fixed length
                problems.add(
                    node.file, node.line, path, f"has too few items, got {show(node.plain())}", node.plain()
                )
                continue
            by_place.setdefault(place, []).append(detail)
    if len(by_place) > 1:
        by_place.pop((), None)  # that a list is no text matters less than what is wrong in the list
    for place, details in by_place.items():
        below = node.at(*place)
        where = path + "".join(f"[{step}]" for step in place)
        problems.add(below.file, below.line, where, sentences(details), below.plain())
    return BAD


def check_section(
    section: str, node: Node | None, problems: Problems
) -> tuple[dict[str, Any], dict[str, Node]]:
    """Read the keys of one section.

    Returns:
        The plain values that are right, converted; and the distributions by path, unread.
    """
    values: dict[str, Any] = {}
    distributions: dict[str, Node] = {}
    if node is not None and node.value is not None and not isinstance(node.value, dict):
        problems.add(node.file, node.line, section, "must be a section with keys and values", node.plain())
        return {}, {}
    entries = node.value if node is not None and isinstance(node.value, dict) else {}
    fields = SECTIONS[section].model_fields
    for key, below in entries.items():
        path = f"{section}.{key}"
        if key not in fields:
            problems.add(below.file, below.line, path, unknown_key(key, fields), below.plain())
        elif isinstance(below.value, dict) and section in SEARCHABLE and path not in NOT_SEARCHABLE:
            distributions[path] = below
        elif isinstance(below.value, dict):
            reason = NOT_SEARCHABLE.get(
                path, "the trials of a sweep are compared on the same pictures and metric"
            )
            problems.add(below.file, below.line, path, f"must be a plain value: {reason}", below.plain())
        elif (value := check_value(path, below, path, problems)) is not BAD:
            values[key] = value
    for key, info in fields.items():
        path = f"{section}.{key}"
        if node is not None and info.is_required() and key not in entries and not problems.under(path):
            problems.add(node.file, node.line, path, "is missing; it has no default")
    return values, distributions


def check_whole(section: str, values: dict[str, Any], node: Node | None, problems: Problems) -> Any:  # noqa: ANN401
    """Build the section from plain values, with the rules that concern several keys; `BAD` when broken."""
    if problems.under(section):
        return BAD
    try:
        return SECTIONS[section].model_validate(values)
    except ValidationError as error:
        blame(section, error, node, problems)
        return BAD


def blame(section: str, error: ValidationError, node: Node | None, problems: Problems) -> None:
    """Note a broken rule between keys at the first key of the section that the rule's sentence names."""
    for detail in error.errors(include_url=False):
        message = sentences([detail])
        words = set(re.findall(r"\w+", message))
        keys = node.value if node is not None and isinstance(node.value, dict) else {}
        named = [str(step) for step in detail["loc"][:1]] or [key for key in keys if key in words]
        place = node.at(*named[:1]) if node is not None else Node(None, "<spec>", 1)
        problems.add(place.file, place.line, ".".join([section, *named[:1]]), message)
