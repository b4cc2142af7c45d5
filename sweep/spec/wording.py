"""A resolved spec in words, for people. Works on plain values, so that nothing has to be validated again."""

from collections.abc import Iterator, Mapping
from typing import Any

from sweep.formatting import value

Node = Mapping[str, Any]
_KINDS = ("float", "int", "categorical")


def searched(spec: Node) -> dict[str, str]:
    """What is searched, and over which range: ``{"train.lr_g": "1e-05 to 0.001, log"}``."""
    return {path: _words(node) for path, node in distributions(spec)}


def distributions(node: Node, above: tuple[str, ...] = ()) -> Iterator[tuple[str, Node]]:
    """Every distribution of a spec with its path, as the spec has it; nothing in it has been checked."""
    for key, item in node.items():
        if not isinstance(item, Mapping):
            continue
        path = (*above, str(key))
        if item.get("type") in _KINDS:
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
    """When a conditional distribution applies, such as ``train.loss = bce``; empty if always."""
    when = node.get("when")
    if not isinstance(when, Mapping):
        return ""
    return " and ".join(f"{path} = {value(wanted)}" for path, wanted in when.items())
