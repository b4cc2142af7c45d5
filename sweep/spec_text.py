"""A resolved spec in words, for people. Works on plain values, so that nothing has to be validated again."""

from collections.abc import Iterator, Mapping
from typing import Any

from sweep.text import value

Node = Mapping[str, Any]
_KINDS = ("float", "int", "categorical")


def searched(spec: Node) -> dict[str, str]:
    """What is searched, and over which range: ``{"train.lr_g": "1e-05 to 0.001, log"}``."""
    return {path: _words(node) for path, node in _distributions(spec, ())}


def _distributions(
    node: Mapping[str, Any], above: tuple[str, ...]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, item in node.items():
        if not isinstance(item, Mapping):
            continue
        path = (*above, str(key))
        if item.get("type") in _KINDS:
            yield ".".join(path), item
        elif len(path) < 8:
            yield from _distributions(item, path)


def _words(node: Node) -> str:
    if node["type"] == "categorical":
        choices = node.get("choices")
        words = " | ".join(value(choice) for choice in choices) if isinstance(choices, list) else "?"
    else:
        words = f"{value(node.get('low'))} to {value(node.get('high'))}"
        words += f" in steps of {value(node['step'])}" if node.get("step") else ""
        words += ", log" if node.get("log") else ""
    when = node.get("when")
    if isinstance(when, Mapping):
        words += " when " + " and ".join(f"{path} = {value(wanted)}" for path, wanted in when.items())
    return words
