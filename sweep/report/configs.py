"""Read what a trial's row has of its configuration: all of it, and what of the searched values applies to it."""

import json
from collections.abc import Mapping
from typing import Any

from sweep.report.facts import Row
from sweep.results.leaderboard import Entry


def config_of(row: Row) -> Mapping[str, Any]:
    """Flatten the configuration of a trial: ``{"train.lr_g": 0.001}``; empty if none is on record."""
    return dict(_flat(_object(row["config"]), ()))


def searched_of(entry: Entry) -> dict[str, Any]:
    """List what a trial has of the searched values: not what does not apply to it, which a column cannot tell."""
    if None not in entry.params.values():
        return entry.params
    active = _object(entry.row.get("params"))
    return {path: item for path, item in entry.params.items() if item is not None or path in active}


def _object(text: str | None) -> Mapping[str, Any]:
    """Read a JSON object; empty where there is none."""
    try:
        loaded = json.loads(text or "{}")
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _flat(node: Mapping[str, Any], above: tuple[str, ...]) -> list[tuple[str, Any]]:
    """List the values below a node of a configuration by their paths."""
    found: list[tuple[str, Any]] = []
    for key, item in node.items():
        path = (*above, str(key))
        if isinstance(item, list) and any(
            isinstance(one, dict) for one in item
        ):  # one of them has a schedule
            found += _flat({f"{key}[{number}]": one for number, one in enumerate(item)}, above)
        else:
            found += _flat(item, path) if isinstance(item, dict) else [(".".join(path), item)]
    return found
