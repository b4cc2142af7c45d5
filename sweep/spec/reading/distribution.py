"""The reader of one distribution: the mapping that stands in a spec where a value could stand."""

from collections.abc import Callable, Mapping
from typing import Any

from sweep.spec.distributions import Categorical, Distribution, Float, Int, steps_between
from sweep.spec.hints import hint
from sweep.spec.problems import Problems, one_of, show, unknown_key
from sweep.spec.sections import PARTS
from sweep.spec.values import BAD, check_value
from sweep.spec.yaml_tree import Node, inline

_MOST_STEPS = 1e9
_NUMERIC = ("type", "low", "high", "log", "step", "when")
_KEYS = {"float": _NUMERIC, "int": _NUMERIC, "categorical": ("type", "choices", "when")}


def read_distribution(path: str, node: Node, problems: Problems) -> Distribution | None:
    """Read one distribution, without its condition.

    Args:
        path: The path of the searched key, for example ``train.lr_g``.
        node: The mapping.
        problems: Gets every broken rule.

    Returns:
        The distribution; None where the mapping has a problem.
    """
    entries = node.value if isinstance(node.value, dict) else {}
    kind = entries["type"].plain() if "type" in entries else None
    if kind is None:
        message = f"a distribution needs a type: {', '.join(_KEYS)}; such as {_example(entries)}"
        problems.add(node.file, node.line, path, message, node.plain())
        return None
    if not isinstance(kind, str) or kind not in _KEYS:
        below = entries["type"]
        problems.add(below.file, below.line, f"{path}.type", one_of(kind, _KEYS), kind)
        return None
    for key, below in entries.items():
        if key not in _KEYS[kind]:
            of_schedule = "belongs to a schedule, which has no type; a range has low and high"
            message = of_schedule if f"{path}.{key}" in PARTS else unknown_key(key, _KEYS[kind])
            problems.add(below.file, below.line, f"{path}.{key}", message, below.plain())
    return _READERS[kind](kind, path, node, problems)


def _example(entries: Mapping[str, Node]) -> str:
    """Guess the distribution that was meant, as far as the keys tell."""
    values = [key for key, below in entries.items() if below.value is None]
    if len(values) == len(entries) > 1:  # {bce, lsgan}
        return f"{{type: categorical, choices: [{', '.join(values)}]}}"
    if "choices" in entries:
        return f"{{type: categorical, choices: {inline(entries['choices'].plain())}}}"
    return "{type: float, low: 1e-5, high: 1e-3, log: true}"


def _categorical(kind: str, path: str, node: Node, problems: Problems) -> Categorical | None:
    choices = node.at("choices")
    if not isinstance(choices.value, list) or not choices.value:
        got = f", got {show(choices.plain())}" if choices is not node else ""
        message = f"must be a list of at least one choice{got}"
        problems.add(choices.file, choices.line, f"{path}.choices", message, None)
        return None
    values: list[Any] = []
    for position, choice in enumerate(choices.value):
        value = check_value(path, choice, f"{path}.choices[{position}]", problems)
        if value is not BAD and value in values:
            where = f"{path}.choices[{position}]"
            problems.add(choice.file, choice.line, where, f"{show(value)} is given twice", value)
        values.append(value)
    return None if BAD in values else Categorical(tuple(values))


def _numeric(kind: str, path: str, node: Node, problems: Problems) -> Float | Int | None:
    before = len(problems.found)
    low = _number(kind, "low", path, node, problems, required=True)
    high = _number(kind, "high", path, node, problems, required=True)
    step = _number(kind, "step", path, node, problems, required=False)
    log = _flag("log", path, node, problems)
    if len(problems.found) > before or low is None or high is None:  # an infinite bound was told of before
        return None
    message = _broken_rule(low, high, step, log)
    if message:
        problems.add(node.file, node.line, path, message, node.plain())
        return None
    for end in ("low", "high"):
        _check_end(kind, path, node.at(end), f"{path}.{end}", problems)
    if len(problems.found) > before:
        return None
    if kind == "int":
        return Int(low, high, log=log, step=1 if step is None else step)
    return Float(float(low), float(high), log=log, step=None if step is None else float(step))


def _number(kind: str, key: str, path: str, node: Node, problems: Problems, *, required: bool) -> Any:  # noqa: ANN401
    entries = node.value if isinstance(node.value, dict) else {}
    if key not in entries:
        if required and not problems.under(f"{path}.{key}"):
            problems.add(node.file, node.line, path, f"{key} is missing", node.plain())
        return None
    below = entries[key]
    value = below.plain()
    if value is None and not required:
        return None
    allowed = int if kind == "int" else int | float
    if isinstance(value, bool) or not isinstance(value, allowed):
        rule = "must be a whole number" if kind == "int" else "must be a number"
        better = hint("whole number" if kind == "int" else "number", value)
        problems.add(below.file, below.line, f"{path}.{key}", f"{rule}, got {show(value)}{better}", value)
    return value


def _flag(key: str, path: str, node: Node, problems: Problems) -> bool:
    below = node.at(key)
    value = False if below is node else below.plain()
    if not isinstance(value, bool):
        message = f"must be true or false, got {show(value)}{hint('bool', value)}"
        problems.add(below.file, below.line, f"{path}.{key}", message, value)
    return value is True


def _broken_rule(low: Any, high: Any, step: Any, log: bool) -> str | None:  # noqa: ANN401 - int or float
    if low > high:
        return f"low {show(low)} is greater than high {show(high)}"
    if log and low <= 0:
        return f"log needs a low above 0, got {show(low)}"
    if log and step is not None:
        return f"log and step cannot be combined, got step {show(step)}"
    if step is not None and step <= 0:
        return f"step must be above 0, got {show(step)}"
    if step is not None and (high - low) / step > _MOST_STEPS:
        return f"step {show(step)} is too small for a range from {show(low)} to {show(high)}"
    if step is not None:
        last = low + steps_between(low, high, step) * step
        if abs(last - high) > 1e-9 * max(abs(low), abs(high), step):
            rule = f"high {show(high)} is not low plus a multiple of step {show(step)}"
            return f"{rule}; the last value would be {last:g}"
    return None


def _check_end(kind: str, field: str, node: Node, path: str, problems: Problems) -> None:
    """Check that an end of the range is itself a value that the field takes."""
    if check_value(field, node, path, problems) is BAD or kind == "int":
        return
    quiet = Problems()
    if check_value(field, Node(float(node.plain()), node.file, node.line), path, quiet) is BAD:
        problems.add(node.file, node.line, path, "this key takes whole numbers; use type: int", node.plain())


_READERS: dict[str, Callable[[str, str, Node, Problems], Distribution | None]] = {
    "float": _numeric,
    "int": _numeric,
    "categorical": _categorical,
}
"""What reads each of `sweep.spec.distributions.TYPES`."""
