"""Say in which keys two specs differ."""

from collections.abc import Iterator, Mapping
from typing import Any


def unlike(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """List the keys in which two specs differ, with the values of both; a distribution is one value.

    Args:
        here: A spec with every key, as plain values.
        there: Another.
    """
    ours, theirs = dict(_flat(here)), dict(_flat(there))
    for path in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(path), theirs.get(path)
        if one != other:
            yield path, one, other


def _flat(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """List the keys of the sections."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and not path:
            yield from _flat(value, f"{key}.")
        else:
            yield f"{path}{key}", value
