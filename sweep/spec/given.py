"""Write what a program gives for a spec, as text of the kind that people give."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from ganlib.errors import RequestError
from sweep.spec.overrides import takes_text
from sweep.spec.yaml_tree import inline


def document(spec: Mapping[str, Any]) -> str:
    """Write a spec: a mapping of its sections.

    Raises:
        RequestError: if a value is none that a spec can have.
    """
    return "".join(f"{key}: {inline(_plain(str(key), value))}\n" for key, value in spec.items())


def assignment(path: str, value: object) -> str:
    """Write a value that is put over a spec, as ``--set`` takes it (`sweep.spec.overrides`).

    Raises:
        RequestError: if it is none that a spec can have.
    """
    plain = _plain(path, value)
    if plain is None:
        return f"{path}="
    return f"{path}={plain if isinstance(plain, str) and takes_text(path) else inline(plain)}"


def _plain(path: str, value: object) -> Any:  # noqa: ANN401
    """Make paths text, and scalars of NumPy and torch numbers."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(path, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(path, item) for item in value]
    try:
        return _plain(path, value.item())  # type: ignore[attr-defined]
    except (AttributeError, ValueError, RuntimeError):  # no scalar, but an array or something else
        raise RequestError(
            f"{path}: give numbers, text, lists and mappings, got {type(value).__name__} in {value!r}"
        ) from None
