"""Checks of whole sections of a spec against their pydantic models."""

import json
import re
from typing import Any

from pydantic import ValidationError

from sweep.spec.overrides import exists
from sweep.spec.problems import Problems, sentences, show, unknown_key
from sweep.spec.sections import FIELDS, OPTIONAL, PATHS, SECTIONS, TEXTS
from sweep.spec.values import BAD, check_value, is_schedule, not_searched, read_schedules
from sweep.spec.wishes.reading import SUBJECT_TO, read_wishes
from sweep.spec.yaml_tree import Node

_ESCAPED = re.compile(r"([A-Za-z]:|\.{1,2})[^\x00-\x1f]*[\0\a\b\t\n\v\f\r\x1b]")
"""A Windows path in which YAML has read ``\\t`` as a tab."""


def check_section(
    section: str, node: Node | None, problems: Problems
) -> tuple[dict[str, Any], dict[str, Node]]:
    """Read the keys of one section.

    Args:
        section: The name of the section, one of `SECTIONS`.
        node: What stands under that name; None where the file has no such section.
        problems: Gets everything that is wrong with the keys and their plain values.

    Returns:
        The plain values without a problem, converted, by key, schedules without what is searched in them; and the
        distributions by path, not checked.
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
        elif path == SUBJECT_TO:
            values[key] = read_wishes(below, problems)
        elif is_schedule(path, below):
            if (value := read_schedules(path, below, path, problems, distributions)) is not BAD:
                values[key] = value
        elif isinstance(below.value, dict) and (reason := not_searched(path)):
            problems.add(below.file, below.line, path, f"must be a plain value: {reason}", below.plain())
        elif isinstance(below.value, dict):
            distributions[path] = below
        elif path in TEXTS and _is_misread(path, below, problems):
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


def _is_misread(path: str, node: Node, problems: Problems) -> bool:
    """Note and tell whether YAML made something else of a text, or of one in a list, than what stands there."""
    texts = node.value if isinstance(node.value, list) else [node]
    return any(_is_cut_off(path, one, problems) or _is_escaped(path, one, problems) for one in texts)


def _is_cut_off(path: str, node: Node, problems: Problems) -> bool:
    """Note and tell whether YAML took a part of a text for a comment: all of a colour, or the end of a path."""
    if not node.comment or not isinstance(node.value, str | None):
        return False
    whole = (node.value or "") + node.comment
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
