"""A sweep whose pictures lie elsewhere now: ``--set data.source=PATH`` for the commands that go on with a sweep.

Of a table of labels that is said with ``data.labels``, of a translator's photographs and their landmarks with
``photos.source`` and ``photos.landmarks``.

The place of the pictures is the only thing about a sweep that may change, because their content (by its digest)
must not. It is changed on record, so that later commands find the pictures, too.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ganlib.errors import RequestError
from sweep.commands.before import anchored, prepare_pictures
from sweep.spec import overrides as command_line
from sweep.spec.problems import Problems
from sweep.spec.specification import Spec, parse
from sweep.spec.yaml_tree import Node
from sweep.storage.folder import Folder
from sweep.storage.layout import INFO, SPEC
from sweep.storage.watching import named, watched

KEY = "data.source"
KEYS = (KEY, "data.labels", "photos.source", "photos.landmarks")


def move_pictures(folder: Folder, overrides: Sequence[str], say: Callable[[str], None]) -> None:
    """Put the new place of a sweep's pictures on record; without overrides nothing happens.

    Args:
        folder: Of the sweep.
        overrides: What was given as ``--set``.
        say: For what people are told.

    Raises:
        RequestError: for another key, for other pictures, or while the sweep runs.
    """
    if not overrides:
        return
    places = _places(overrides)
    for place, lease in watched([folder], say):
        raise RequestError(
            f"{named(place, folder)} is running (pid {lease.pid} on {lease.host}), and its pictures cannot move "
            "meanwhile; stop it first"
        )
    spec = parse(folder.read(SPEC).decode(), f"{folder}/{SPEC}")
    info: dict[str, Any] = json.loads(folder.read(INFO))
    others = {key for key in places if key.startswith("photos.")}
    if spec.photos is None and others:
        raise RequestError(f"--set {min(others)}: '{spec.name}' trains on no photographs")
    moved = anchored(_moved(spec, places))
    images = prepare_pictures(moved, say)
    if images.hash != info["data_hash"]:
        raise RequestError(
            f"--set {next(iter(places))}: the {len(images):,} pictures there are not those that the sweep began with "
            f"({info['images']:,}; content {images.hash[:12]} instead of {info['data_hash'][:12]}): give the folder "
            "with the same files, or start a new sweep"
        )
    _record(folder, moved)
    confirmation = folder / "confirm"
    if confirmation.exists(SPEC):
        again = parse(confirmation.read(SPEC).decode(), f"{confirmation}/{SPEC}")
        _record(confirmation, replace(again, data=moved.data, photos=moved.photos))


def _record(folder: Folder, spec: Spec) -> None:
    folder.write(SPEC, spec.to_yaml().encode())


def _moved(spec: Spec, places: Mapping[str, str | list[str]]) -> Spec:
    """Put new places into the sections of a spec."""
    for key, place in places.items():
        section, name = key.split(".")
        spec = replace(spec, **{section: getattr(spec, section).model_copy(update={name: place})})
    return spec


def _places(overrides: Sequence[str]) -> dict[str, str | list[str]]:
    """Find the new places by key; the last one where several are given."""
    keys = [override.partition("=")[0].strip() for override in overrides]
    if other := next((key for key in keys if key not in KEYS), None):
        raise RequestError(
            f"--set {other}: a sweep that has begun keeps its spec, or its trials could not be compared; only where "
            f"its pictures lie may change (--set {KEY}=PATH). For other values start a new sweep: sweep run SPEC "
            f"--set {other}=... --name NAME"
        )
    problems = Problems()
    root = Node({}, command_line.FILE, 1)
    command_line.apply(root, overrides, problems)
    problems.raise_if_any()
    places: dict[str, str | list[str]] = {}
    for key in dict.fromkeys(keys):
        found = root.at(*key.split(".")).plain()
        if not isinstance(found, str | list) or not found:
            raise RequestError(f"--set {key}= needs a folder, such as --set {key}=path/to/pictures")
        places[key] = found
    return places
