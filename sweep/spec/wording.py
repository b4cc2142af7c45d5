"""The search space of a resolved spec in words, made from plain values, which need no validation."""

from collections.abc import Iterator, Mapping
from typing import Any

from sweep.formatting import value
from sweep.spec.distributions import TYPES

Node = Mapping[str, Any]


def searched(spec: Node) -> dict[str, str]:
    """Word the range of each searched key: ``{"train.lr_g": "1e-05 to 0.001, log"}``."""
    return {path: _words(node) for path, node in distributions(spec)}


def distributions(node: Node, above: tuple[str, ...] = ()) -> Iterator[tuple[str, Node]]:
    """Yield the path and the mapping of every distribution in a spec; the content of a mapping is not checked."""
    for key, item in node.items():
        if not isinstance(item, Mapping):
            continue
        path = (*above, str(key))
        if item.get("type") in TYPES:
            yield ".".join(path), item
        elif len(path) < 8:
            yield from distributions(item, path)


def _words(node: Node) -> str:
    if node["type"] == "categorical":
        choices = node.get("choices")
        words = " | ".join(value(choice) for choice in choices) if isinstance(choices, list) else "?"
    else:
        words = f"{value(node.get('low'))} to {value(node.get('high'))}"
        words += f" in steps of {value(node['step'])}" if node.get("step") else ""
        words += ", log" if node.get("log") else ""
    when = condition(node)
    return f"{words} when {when}" if when else words


def condition(node: Node) -> str:
    """Word the condition of a distribution, such as ``train.loss = bce``; empty without one."""
    when = node.get("when")
    if not isinstance(when, Mapping):
        return ""
    return " and ".join(f"{path} = {value(wanted)}" for path, wanted in when.items())
