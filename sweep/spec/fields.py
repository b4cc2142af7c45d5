"""Checks of single values and of whole sections of a spec against their pydantic models."""

import json
import re
from functools import cache
from typing import Any

from pydantic import ValidationError, create_model
from pydantic_core import ErrorDetails

from ganlib.config import Section
from sweep.spec.overrides import exists
from sweep.spec.problems import Problems, sentences, show, unknown_key
from sweep.spec.sections import (
    FIELDS,
    MEASURED,
    NOT_SEARCHABLE,
    OPTIONAL,
    PATHS,
    SEARCHABLE,
    SECTIONS,
    TEXTS,
)
from sweep.spec.yaml_tree import Node, inline

_ESCAPED = re.compile(r"([A-Za-z]:|\.{1,2})[^\x00-\x1f]*[\0\a\b\t\n\v\f\r\x1b]")
"""A Windows path in which YAML has read ``\\t`` as a tab."""

BAD: Any = object()
"""The stand-in for a value that has a problem."""


@cache
def _alone(path: str) -> type[Section]:
    """Make a model of one field, which judges a value whatever stands in the rest of the value's section."""
    section, name = FIELDS[path]
    info = section.model_fields[name]
    annotation: Any = info.annotation
    model: type[Section] = create_model(name, __base__=Section, value=(annotation, info))
    return model


def check_value(field: str, node: Node, path: str, problems: Problems) -> Any:  # noqa: ANN401
    """Convert a value of the file to what its field holds.

    Args:
        field: The path of the field, for example ``train.lr_g``.
        node: The value, with its lines for the problems.
        path: Where the value stands, for the problems (``train.lr_g.low``).
        problems: Gets what is wrong with the value.

    Returns:
        The converted value (an int becomes a float, a tuple a list), or `BAD`.
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
        by_item: dict[tuple[int, ...], list[ErrorDetails]] = {}
        for detail in error.errors(include_url=False):
            item = tuple(step for step in detail["loc"][1:] if isinstance(step, int))
            if detail["type"] == "missing":  # an item of a list of fixed length
                problems.add(
                    node.file, node.line, path, f"has too few items, got {show(node.plain())}", node.plain()
                )
                continue
            by_item.setdefault(item, []).append(detail)
    if len(by_item) > 1:
        by_item.pop((), None)  # that a list is no text matters less than what is wrong in the list
    choices = _choices(field, node) if path == field else ""
    if choices:
        problems.add(
            node.file, node.line, path, f"is one value, got {show(node.plain())}; {choices}", node.plain()
        )
        return BAD
    for item, details in by_item.items():
        below = node.at(*item)
        where = path + "".join(f"[{step}]" for step in item)
        problems.add(below.file, below.line, where, sentences(details), below.plain())
    return BAD


def _choices(field: str, node: Node) -> str:
    """Explain how to search the values that were given where one value stands; empty if there are none."""
    words = re.split(r"[,;\s]+", node.value) if isinstance(node.value, str) else []
    items = (
        node.value if isinstance(node.value, list) else [Node(word, node.file, node.line) for word in words]
    )
    quiet = Problems()
    if len(items) < 2 or all(check_value(field, item, "", quiet) is BAD for item in items):
        return ""
    if reason := _not_searched(field):
        return reason
    values = [item.plain() for item in items]
    written = [f"{{type: categorical, choices: {inline(values)}}}"]
    if len(values) == 2 and all(isinstance(value, int | float) for value in values) and values[0] < values[1]:
        kind = "int" if all(isinstance(value, int) for value in values) else "float"
        log = ", log: true" if 0 < 10 * values[0] <= values[1] else ""
        written.append(f"{{type: {kind}, low: {values[0]}, high: {values[1]}{log}}}")
    if node.file.startswith("<--"):
        written = [f"--set '{field}={text}'" for text in written]
    return f"to search it, write {' or '.join(written)}"


def _not_searched(field: str) -> str | None:
    """Explain why a key cannot be searched; None if the key can."""
    section = field.split(".")[0]
    if field in NOT_SEARCHABLE or section in SEARCHABLE:
        return NOT_SEARCHABLE.get(field)
    if section in MEASURED:
        return "the trials of a sweep are compared on the same pictures and metric"
    return "it is the same for a whole sweep"


def check_section(
    section: str, node: Node | None, problems: Problems
) -> tuple[dict[str, Any], dict[str, Node]]:
    """Read the keys of one section.

    Args:
        section: The name of the section, one of `SECTIONS`.
        node: What stands under that name; None where the file has no such section.
        problems: Gets everything that is wrong with the keys and their plain values.

    Returns:
        The plain values without a problem, converted, by key; and the distributions by path, not checked.
    """
    values: dict[str, Any] = {}
    distributions: dict[str, Node] = {}
    if node is not None and node.value is not None and not isinstance(node.value, dict):
        message = f"must be a section with keys and values{_as_section(section, node.plain())}"
        problems.add(node.file, node.line, section, message, node.plain())
        return {}, {}
    entries = node.value if node is not None and isinstance(node.value, dict) else {}
    fields = SECTIONS[section].model_fields
    for key, below in entries.items():
        path = f"{section}.{key}"
        if key not in fields:
            problems.add(below.file, below.line, path, unknown_key(key, fields, FIELDS), below.plain())
        elif isinstance(below.value, dict) and (reason := _not_searched(path)):
            problems.add(below.file, below.line, path, f"must be a plain value: {reason}", below.plain())
        elif isinstance(below.value, dict):
            distributions[path] = below
        elif path in TEXTS and (_is_cut_off(path, below, problems) or _is_escaped(path, below, problems)):
            continue
        elif (value := check_value(path, below, path, problems)) is not BAD:
            values[key] = value
    for key, info in fields.items():
        path = f"{section}.{key}"
        if node is not None and info.is_required() and key not in entries and not problems.under(path):
            problems.add(node.file, node.line, path, "is missing; it has no default")
    return values, distributions


def _as_section(section: str, value: object) -> str:
    """Guess what was meant by the value that stands where a section is needed."""
    fields = SECTIONS[section].model_fields
    if isinstance(value, str):
        key, _, rest = re.sub(r"[\s:=]+", "\0", value.strip(), count=1).partition("\0")
        if key in fields and rest:
            return f": write '{key}: {rest}', with a colon and a blank; got {show(value)}"
        if section in OPTIONAL and value.lower() in ("none", "no", "off", "false"):
            return f"; write {section}: null for none, got {show(value)}"
    return f", such as {section}.{next(iter(fields))}; got {show(value)}"


def _is_cut_off(path: str, node: Node, problems: Problems) -> bool:
    """Note and tell whether YAML took a part of a text for a comment: all of a colour, or the end of a path."""
    if not node.comment:
        return False
    whole = (node.value or "") + node.comment if isinstance(node.value, str | None) else ""
    if node.value is None and re.fullmatch(r"\s*#\S+", whole):
        message = (
            f"is empty, because YAML takes '#' for the begin of a comment; write {json.dumps(whole.strip())}"
        )
    elif path in PATHS and node.value and exists(whole):
        message = (
            f"is {show(node.value)}, because YAML takes '#' for the begin of a comment, but there is {show(whole)}; "
            f"write {json.dumps(whole, ensure_ascii=False)}"
        )
    else:
        return False
    problems.add(node.file, node.line, path, message, node.value)
    return True


def _is_escaped(path: str, node: Node, problems: Problems) -> bool:
    """Note and tell whether YAML made control characters of the backslashes in a path."""
    value = node.value
    if path not in PATHS or not isinstance(value, str) or not _ESCAPED.match(value) or exists(value):
        return False
    message = (
        f"holds {show(value)}: in double quotes a backslash begins an escape; put a Windows path in single quotes, "
        "'C:\\pics', or write it with /"
    )
    problems.add(node.file, node.line, path, message, value)
    return True


def check_whole(section: str, values: dict[str, Any], node: Node | None, problems: Problems) -> Any:  # noqa: ANN401
    """Build a section from its plain values and check the rules that concern several keys.

    Args:
        section: The name of the section, one of `SECTIONS`.
        values: The converted values by key.
        node: What stands under that name, with its lines for the problems.
        problems: Gets every broken rule.

    Returns:
        The section's object, or `BAD` where a rule is broken or a problem was noted before.
    """
    if problems.under(section):
        return BAD
    try:
        return SECTIONS[section].model_validate(values)
    except ValidationError as error:
        blame(section, error, node, problems)
        return BAD


def blame(section: str, error: ValidationError, node: Node | None, problems: Problems) -> None:
    """Note each broken rule between keys at the first key of the section that the rule's sentence names.

    Args:
        section: The name of the section, one of `SECTIONS`.
        error: What pydantic found.
        node: The section, with its lines; None where the file has no such section.
        problems: Gets the broken rules.
    """
    for detail in error.errors(include_url=False):
        message = sentences([detail])
        words = set(re.findall(r"\w+", message))
        keys = node.value if node is not None and isinstance(node.value, dict) else {}
        named = [str(step) for step in detail["loc"][:1]] or [key for key in keys if key in words]
        below = node.at(*named[:1]) if node is not None else Node(None, "<spec>", 1)
        problems.add(below.file, below.line, ".".join([section, *named[:1]]), message)
