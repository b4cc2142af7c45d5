"""Single values of a spec, plain ones and schedules: checked against the fields of their sections, and put together."""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import ValidationError, create_model
from pydantic_core import ErrorDetails

from ganlib.config import ModelConfig, Section, TrainConfig, TrialConfig
from ganlib.config.schedules import Schedule
from ganlib.registry import did_you_mean
from sweep.spec.hints import meant
from sweep.spec.problems import Problems, sentences, show, unknown_key
from sweep.spec.sections import (
    FIELDS,
    MEASURED,
    NOT_SEARCHABLE,
    PARTS,
    SCHEDULES,
    SEARCHABLE,
    default_of,
    key_of,
    steps_of,
)
from sweep.spec.yaml_tree import Node, inline

BAD: Any = object()
"""The stand-in for a value that has a problem."""


@cache
def _alone(path: str) -> type[Section]:
    """Make a model of one field, which judges a value whatever stands in the rest of the value's section."""
    section, name = (FIELDS | PARTS)[path]
    info = section.model_fields[name]
    annotation: Any = info.annotation
    model: type[Section] = create_model(name, __base__=Section, value=(annotation, info))
    return model


def check_value(field: str, node: Node, path: str, problems: Problems) -> Any:  # noqa: ANN401
    """Convert a value of the file to what its field holds.

    Args:
        field: The path of the field, for example ``train.lr_g``, or of a part of a schedule, ``train.lr_g.from``.
        node: The value, with its lines for the problems.
        path: Where the value stands, for the problems (``train.lr_g.low``).
        problems: Gets what is wrong with the value.

    Returns:
        The converted value (an int becomes a float, a tuple a list), or `BAD`.
    """
    if is_schedule(field, node):
        return read_schedules(field, node, path, problems)
    items = node.value if isinstance(node.value, list) else []
    if any(isinstance(item.value, dict) and not _meant(item) for item in items):
        problems.add(
            node.file, node.line, path, "a distribution cannot stand inside a list; choose among whole lists"
        )
        return BAD
    try:
        model = _alone(field)
        given = {model.model_fields["value"].alias or "value": node.plain()}
        value = model.model_validate(given).model_dump()["value"]
        # Pydantic makes tuples of lists; YAML and JSON, which values come from and go to, know only lists.
        return list(value) if isinstance(value, tuple) else value
    except ValidationError as error:
        by_item: dict[tuple[int, ...], list[ErrorDetails]] = {}
        for detail in error.errors(include_url=False):
            item = tuple(step for step in detail["loc"][1:] if isinstance(step, int))
            if any(str(step).startswith(Schedule.__name__) for step in detail["loc"]):
                continue  # that a value is no schedule matters less than what it is meant to be
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
    if reason := not_searched(field):
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


def not_searched(field: str) -> str | None:
    """Explain why a key cannot be searched; None if the key can."""
    section = field.split(".")[0]
    if field in NOT_SEARCHABLE or section in SEARCHABLE:
        return NOT_SEARCHABLE.get(field)
    if section in MEASURED:
        return "the trials of a sweep are compared on the same pictures and metric"
    return "it is the same for a whole sweep"


_NAMES = tuple(dict.fromkeys(part.rpartition(".")[2] for part in PARTS))
_OF_DISTRIBUTIONS = ("type", "low", "high", "log", "step", "choices")


def is_schedule(field: str, node: Node) -> bool:
    """Tell whether a value is meant to be a schedule, or a list with one in it, however it is written.

    Args:
        field: The path of the field.
        node: The value.
    """
    if isinstance(node.value, list):
        return any(place.startswith(f"{field}[") for place in SCHEDULES) and any(map(_meant, node.value))
    return _meant(node) and field in FIELDS


def _meant(node: Node) -> bool:
    keys = node.value if isinstance(node.value, dict) else {}
    if "type" in keys:
        return False
    return any(key in _NAMES or meant(key) in _NAMES or did_you_mean(key, _NAMES) for key in keys)


def read_schedules(
    field: str, node: Node, path: str, problems: Problems, searched: dict[str, Node] | None = None
) -> Any:  # noqa: ANN401
    """Convert a schedule, or a list with one in it, to plain values with all its parts.

    Args:
        field: The path of the field.
        node: A value for which `is_schedule` holds.
        path: Where the value stands, for the problems.
        problems: Gets what is wrong.
        searched: Gets the distributions that stand in the schedule, not checked, by the paths of their parts; None
            where no distribution may stand.

    Returns:
        The plain values, with None in the place of a part that is searched; or `BAD`.
    """
    if not isinstance(node.value, list):
        return _schedule(field, node, path, problems, searched)
    found = {
        number: _schedule(f"{field}[{number}]", item, f"{path}[{number}]", problems, searched)
        for number, item in enumerate(node.value)
        if isinstance(item.value, dict) and "type" not in item.value
    }
    # The rest of the list is checked with the default in the place of a schedule.
    rest = [
        replace(item, value=default_of(field)[number])
        if number in found and found[number] is not BAD
        else item
        for number, item in enumerate(node.value)
    ]
    if (
        BAD in found.values()
        or (plain := check_value(field, replace(node, value=rest), path, problems)) is BAD
    ):
        return BAD
    return [found.get(number, item) for number, item in enumerate(plain)]


def _schedule(field: str, node: Node, path: str, problems: Problems, searched: dict[str, Node] | None) -> Any:  # noqa: ANN401
    if field not in SCHEDULES:
        message = f"has no schedule; those that can have one: {', '.join(SCHEDULES)}"
        problems.add(node.file, node.line, path, message, node.plain())
        return BAD
    entries = node.value if isinstance(node.value, dict) else {}
    fields = SCHEDULES[field].model_fields
    value = {
        info.alias or name: None if info.is_required() else info.default for name, info in fields.items()
    }
    before = len(problems.found)
    for key, below in entries.items():
        part, where = f"{field}.{key}", f"{path}.{key}"
        if message := _no_part(key, below, searched is not None):
            problems.add(below.file, below.line, where, message, below.plain())
        elif isinstance(below.value, dict):
            assert searched is not None
            searched[part], value[key] = below, None
        else:
            value[key] = check_value(part, below, where, problems)
    missing = [key for key, item in value.items() if item is None and key not in entries]
    if missing and len(problems.found) == before:
        message = f"a schedule needs from and to, such as {{from: 2e-3, to: 2e-4}}; {missing[0]} is missing"
        problems.add(node.file, node.line, path, message, node.plain())
    return value if len(problems.found) == before else BAD


def _no_part(key: str, node: Node, searching: bool) -> str:
    """Say why a key cannot stand in a schedule with this value; empty if it can."""
    if key in _OF_DISTRIBUTIONS or key == "when":
        return (
            f"{key} belongs to a distribution, and this is a schedule; to search where it begins, write "
            "{from: {type: float, low: 1e-4, high: 1e-2, log: true}, to: 1e-5}"
        )
    if key not in _NAMES:
        return unknown_key(key, _NAMES)
    if not isinstance(node.value, dict):
        return ""
    if not searching:
        return "must be a plain value: a choice is one whole schedule"
    if "when" in node.value:
        return (
            "takes no when, because a schedule has all its parts in every trial; choose a whole one instead: "
            "{type: categorical, choices: [{from: 2e-3, to: 2e-4}], when: ...}"
        )
    return ""


def with_parts(path: str, value: Any, parts: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever the field holds
    """Fill the searched parts of a key's value.

    Args:
        path: The key.
        value: Its value, with None where a part is searched.
        parts: Values by path, of which those of other keys are left out.
    """
    filled: Any = deepcopy(value) if isinstance(value, list | dict | tuple) else value
    for part, item in parts.items():
        if part in PARTS and key_of(part) == path:
            *above, last = steps_of(part)[2:]
            node = filled
            for step in above:
                node = node[step]
            node[last] = item
    return filled


def _lacks_a_part(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_lacks_a_part, value))
    return isinstance(value, dict) and None in value.values()


def build_trial(measured: Mapping[str, Any], values: Mapping[str, Any]) -> TrialConfig:
    """Make the configuration of one trial.

    Args:
        measured: The objects of the sections in `MEASURED`, by name.
        values: The values of keys of ``model`` and ``train``, and of parts that their schedules lack, by path; a key
            that is left out, or whose schedule still lacks a part, has its default.

    Raises:
        pydantic.ValidationError: If the values do not go together.
    """
    sections: dict[str, dict[str, Any]] = {section: {} for section in SEARCHABLE}
    searched = {path: value for path, value in values.items() if path in PARTS}
    for path, value in values.items():
        if path not in searched:
            section, name = path.split(".")
            if not _lacks_a_part(whole := with_parts(path, value, searched)):
                sections[section][name] = whole
    model = ModelConfig.model_validate(sections["model"])
    train = TrainConfig.model_validate(sections["train"])
    return TrialConfig(model=model, train=train, **{section: measured[section] for section in MEASURED})
