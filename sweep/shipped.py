"""The specs that come along, which go by their names from anywhere."""

import os
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder() -> Path | None:
    """Find the folder of shipped specs: in the installed package, or beside it in a clone; None where there is none."""
    places = (_HERE / "searchspaces", _HERE.parent / "searchspaces")
    return next((place for place in places if (place / "quickstart.yaml").is_file()), None)


def find(name: str) -> Path | None:
    """Find a shipped spec by its name, such as ``quickstart`` or ``studies/wu``; None where there is none."""
    return next((path for known, path in specs() if known == name.removesuffix(".yaml")), None)


def note(name: str) -> str:
    """Say which is meant by a name that is a shipped spec's and a folder's; empty where there is no doubt."""
    if not os.path.isdir(name) or find(name) is None:
        return ""
    return f"'{name}' is the shipped spec; the folder of that name is ./{name}"


def specs() -> Iterator[tuple[str, Path]]:
    """List the shipped specs by their names."""
    if (place := folder()) is not None:
        for path in sorted(place.rglob("*.yaml")):
            yield path.relative_to(place).with_suffix("").as_posix(), path
