"""The reader of ``configs``: configurations that a sweep tries first or, where nothing is searched, the only ones.

Before a search, configurations are points of the space, which warm-start the sampler; what a point leaves out is drawn.
In place of a search, a point may name any key of ``model`` and ``train``; a key that it leaves out has its plain value.
"""

from collections.abc import Collection, Mapping
from typing import Any

from ganlib.registry import did_you_mean
from sweep.spec.distributions import Categorical
from sweep.spec.problems import Problems, show
from sweep.spec.sections import FIELDS, PARTS, SEARCHABLE, key_of
from sweep.spec.space import Space
from sweep.spec.values import BAD, check_value
from sweep.spec.yaml_tree import Node

Point = dict[str, Any]


def read_configs(
    node: Node | None, space: Space, plain: Mapping[str, Any], fixed: Collection[str], problems: Problems
) -> tuple[list[Point], Space]:
    """Read the points under ``configs``.

    Args:
        node: What stands under ``configs``; None where the file has no such key.
        space: What is searched.
        plain: The value of each key that is not searched, by path.
        fixed: Paths whose value on the command line goes before the value of a point.
        problems: Gets everything that is wrong.

    Returns:
        The points, and the space: the given one or, where that was empty, one with the values of the points.
    """
    if node is None or node.value is None:
        return [], space
    if not isinstance(node.value, list) or not node.value:
        message = "must be a list of points such as [{train.loss: bce, train.lr_g: 2e-4}]"
        problems.add(node.file, node.line, "configs", message, node.plain())
        return [], space
    points = [
        _point(item, f"configs[{number}]", space, fixed, problems) for number, item in enumerate(node.value)
    ]
    if len(space):
        for number, (point, item) in enumerate(zip(points, node.value, strict=True)):
            _check_in_space(point, space, item, f"configs[{number}]", problems)
        return points, space
    named = [path for path in FIELDS if any(path in point for point in points)]
    full = [{path: point.get(path, plain.get(path)) for path in named} for point in points]
    columns = {path: Categorical(_distinct([point[path] for point in full])) for path in named}
    return full, Space(columns)


def _point(node: Node, where: str, space: Space, fixed: Collection[str], problems: Problems) -> Point:
    if not isinstance(node.value, dict):
        message = "must be a mapping from paths to values, such as {train.loss: bce, train.lr_g: 2e-4}"
        problems.add(node.file, node.line, where, message, node.plain())
        return {}
    point: Point = {}
    searchable = [path for path in FIELDS if path.split(".")[0] in SEARCHABLE]
    known = list(space) or searchable
    for path, below in node.value.items():
        if path in fixed or key_of(path) in fixed:
            continue
        if path in FIELDS | PARTS and path not in known and problems.under(path):
            continue  # it is searched, and what is wrong with that has been said
        if path not in known:
            # Also keys that are not searched: the key of the space may be misspelt alike.
            reason = _unknown(path, {*known, *searchable}, searching=len(space) > 0)
            problems.add(below.file, below.line, f"{where}.{path}", reason, below.plain())
        elif (value := check_value(path, below, f"{where}.{path}", problems)) is not BAD:
            point[path] = value
    return point


def _unknown(path: str, near: Collection[str], searching: bool) -> str:
    if searching and any(key_of(part) == path for part in near if part in PARTS):
        return "has a schedule; a point names the parts of it that are searched, such as train.lr_g.from"
    if not searching and path in PARTS:
        return f"a point names a whole schedule: {key_of(path)}: {{from: 2e-3, to: 2e-4}}"
    if searching and path in FIELDS | PARTS:
        return "is not searched; before a search, a point names keys that have a distribution"
    if path in FIELDS:
        return "must be a key of model or train: all trials of a sweep have the same pictures and metric"
    return (
        f"unknown key{did_you_mean(path, sorted(near))}; a point names keys by their path, such as train.loss"
    )


def _check_in_space(point: Point, space: Space, node: Node, where: str, problems: Problems) -> None:
    for path, value in point.items():
        distribution, below = space[path], node.at(path)
        for other, values in distribution.when.items():
            if other not in point:
                message = f"its condition is on {other}, which this point must then name"
            elif point[other] not in values:
                message = f"its condition does not hold: {other} is {show(point[other])}"
            else:
                continue
            problems.add(below.file, below.line, f"{where}.{path}", message)
        if not distribution.contains(value):
            message = f"is not among the searched values, {show(distribution.plain())}; got {show(value)}"
            problems.add(below.file, below.line, f"{where}.{path}", message)


def _distinct(values: list[Any]) -> tuple[Any, ...]:
    """Drop repeated values and keep the order; values may be lists."""
    return tuple(value for number, value in enumerate(values) if value not in values[:number])
