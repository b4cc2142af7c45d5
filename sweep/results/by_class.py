"""Read what results say of each class by itself."""

import json
from collections.abc import Mapping
from typing import Any

from ganlib.metrics.score import ClassKid
from sweep.formatting import with_error


def class_kids(row: Mapping[str, Any]) -> list[ClassKid]:
    """Read KID of each class from a row of ``results``; empty where none was measured."""
    text = row.get("class_kid")
    found = json.loads(text) if isinstance(text, str) else text or []
    # A standard error that is not a number is null in JSON.
    return [
        ClassKid(**{**one, "kid_se": float("nan") if one["kid_se"] is None else one["kid_se"]})
        for one in found
    ]


def worst_first(row: Mapping[str, Any]) -> list[ClassKid]:
    """Read KID of each class, the worst first."""
    return sorted(class_kids(row), key=lambda one: -one.kid)


def value_of(one: ClassKid) -> str:
    """Write KID of a class with its standard error."""
    return with_error(one.kid, one.kid_se)


def told(row: Mapping[str, Any]) -> list[str]:
    """Say KID of each class, a line each, the worst first."""
    return [
        f"{one.name}: KID {value_of(one)}, {one.n_fake} pictures against {one.n_real} real ones"
        for one in worst_first(row)
    ]
