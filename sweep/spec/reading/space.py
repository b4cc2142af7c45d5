"""The reader of a search space: the distributions of a spec with their conditions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganlib.registry import did_you_mean
from sweep.spec.distributions import Conditions, Distribution, Float
from sweep.spec.problems import Problems, show
from sweep.spec.reading.distribution import read_distribution
from sweep.spec.sections import FIELDS, PLACES
from sweep.spec.space import Space
from sweep.spec.values import BAD, check_value
from sweep.spec.yaml_tree import Node


def read_space(
    nodes: Mapping[str, Node], plain: Mapping[str, Any], fixed: Collection[str], problems: Problems
) -> Space:
    """Read all distributions of a spec and their conditions.

    Args:
        nodes: The mapping that stands at each searched path.
        plain: The value of each key that is not searched, by path.
        fixed: Paths that were given a value on the command line.
        problems: Gets everything that is wrong.

    Returns:
        The space in the order of the fields, each key after those that its condition names. With problems, the
        space has only what could be read.
    """
    searched = {path: read_distribution(path, nodes[path], problems) for path in PLACES if path in nodes}
    reader = _Conditions(searched, plain, fixed, problems)
    found: dict[str, Distribution] = {}
    for path, distribution in searched.items():
        when = reader.read(path, nodes[path])
        if distribution is not None and when is not None:
            found[path] = replace(distribution, when=when)
    return Space(_ordered(_reachable(found, searched), nodes, problems))


@dataclass(frozen=True)
class _Conditions:
    """The reader of ``when``, for all keys of one spec.

    Attributes:
        searched: The distribution of each searched key, by path; None where it has a problem.
        plain: The value of each key that is not searched, by path.
        fixed: Paths that were given a value on the command line.
        problems: Gets everything that is wrong.
    """

    searched: Mapping[str, Distribution | None]
    plain: Mapping[str, Any]
    fixed: Collection[str]
    problems: Problems

    def read(self, path: str, node: Node) -> Conditions | None:
        """Read the conditions of a key on searched keys; None where they can never hold.

        A condition on a plain key holds in every trial or in none, so that it is left out or makes the rest impossible.
        """
        entries = node.value if isinstance(node.value, dict) else {}
        when = entries.get("when")
        if when is None or when.value is None:
            return {}
        if not isinstance(when.value, dict):
            self._add(
                when, f"{path}.when", f"must be a mapping such as {{train.loss: bce}}, got {_got(when)}"
            )
            return {}
        conditions: dict[str, tuple[Any, ...]] = {}
        possible = True
        for other, below in when.value.items():
            where = f"{path}.when.{other}"
            values = self._values(other, below, where)
            if values and other in self.searched:
                conditions[other] = values
                self._check_can_hold(other, values, below, where)
            elif values and self.plain[other] not in values:
                possible = False
                # A key fixed on the command line is an experiment with the file, not a mistake in the file.
                if other not in self.fixed:
                    now = f"{other} is {show(self.plain[other])}"
                    self._add(below, where, f"can never hold: {now}, not {_either(values)}")
        return conditions if possible else None

    def _values(self, other: str, node: Node, where: str) -> tuple[Any, ...]:
        """Convert the values of a condition to what the field holds; empty where one has a problem."""
        known = [*self.searched, *self.plain]
        if other not in known:
            if not self.problems.under(other):  # a plain key with a problem of its own has no value here
                self._add(node, where, _unknown(other, known))
            return ()
        items = node.value if isinstance(node.value, list) else [node]
        if not items:
            self._add(node, where, "can never hold: the list of values is empty")
        values = [check_value(other, item, where, self.problems) for item in items]
        return () if BAD in values else tuple(values)

    def _check_can_hold(self, other: str, values: tuple[Any, ...], node: Node, where: str) -> None:
        target = self.searched[other]
        if target is None:
            return
        if isinstance(target, Float):
            self._add(node, where, f"a condition needs a categorical or int key, and {other} is a float")
            return
        for value in values:
            if not target.contains(value):
                range_ = show(target.plain())
                self._add(node, where, f"can never hold: {other} is never {show(value)}, it is {range_}")

    def _add(self, node: Node, path: str, message: str) -> None:
        self.problems.add(node.file, node.line, path, message, node.plain())


def _unknown(key: str, known: list[str]) -> str:
    if key in FIELDS:
        return "cannot be used in a condition"
    same = [path for path in known if path.endswith(f".{key}")]
    hint = f", did you mean '{same[0]}'?" if same else did_you_mean(key, known)
    return f"unknown key{hint or '; a condition names another key of the spec, such as train.loss'}"


def _got(node: Node) -> str:
    return show(node.plain())


def _either(values: tuple[Any, ...]) -> str:
    return " or ".join(show(value) for value in values)


def _reachable(
    found: Mapping[str, Distribution], searched: Mapping[str, Distribution | None]
) -> dict[str, Distribution]:
    """Leave out each key whose condition names a key that was itself left out."""
    kept = dict(found)
    while lost := [
        path
        for path, distribution in kept.items()
        if any(other not in kept and searched[other] is not None for other in distribution.when)
    ]:
        for path in lost:
            del kept[path]
    return kept


def _ordered(
    found: Mapping[str, Distribution], nodes: Mapping[str, Node], problems: Problems
) -> dict[str, Distribution]:
    """Sort each key behind those that its condition names, otherwise in the given order (Kahn 1962)."""
    ordered: dict[str, Distribution] = {}
    waiting = dict(found)
    while waiting:
        ready = [path for path, d in waiting.items() if all(o in ordered or o not in found for o in d.when)]
        if not ready:
            for path in waiting:
                others = ", ".join(sorted(waiting))
                problems.add(
                    nodes[path].file, nodes[path].line, f"{path}.when", f"conditions go in a circle: {others}"
                )
            break
        ordered[ready[0]] = waiting.pop(ready[0])
    return ordered
