"""The folder of a new sweep: that nothing of anybody else is in it, and that something can be kept there."""

import errno
import os
import tempfile

from ganlib.errors import RequestError
from sweep.commands.before import anchored
from sweep.records.schemas import SCHEMAS
from sweep.spec.differences import unlike
from sweep.spec.problems import SpecError
from sweep.spec.specification import Spec, parse
from sweep.storage.called import called
from sweep.storage.folder import Folder
from sweep.storage.layout import IMAGES, LEFT_BEHIND, REAL_PICTURES, REMOVED, SPEC, part

FITTED = ("search.time", "search.trials", "asha", "train.epochs", "train.kimg", "evaluate.every")
MEASURED = (*FITTED, "resources.gpu")
"""How keys begin that are fitted into a time, or measured."""


def check_place(folder: Folder, spec: Spec) -> None:
    """Make sure that a new sweep's folder holds nothing but what is left of an attempt to start it.

    Args:
        folder: Of the sweep.
        spec: The sweep. What was fitted or measured may come to something else at each attempt.

    Raises:
        RequestError: naming what is there.
    """
    if folder.exists(REMOVED):
        raise RequestError(
            f"the removal of '{folder.name}' was interrupted: 'sweep rm {called(folder)}' ends it, and frees the name"
        )
    found = folder.names()
    others = [
        name for name in found if name not in {*LEFT_BEHIND, *SCHEMAS, SPEC} and not name.startswith(".")
    ]
    allowed = {REAL_PICTURES, *(part(dataset, None) for dataset in SCHEMAS)}
    within = [f"{name}/{path}" for name in (IMAGES, *SCHEMAS) for path in folder.names(name)]
    others += [path for path in within if path not in allowed]
    if SPEC in found and not _is_that_of(folder, spec):
        others.append(SPEC)
    if others:
        raise RequestError(
            f"the folder '{folder}' is no sweep's and holds {len(others)} other things, such as '{others[0]}': choose "
            "another name (--name) or another --storage"
        )


def _is_that_of(folder: Folder, spec: Spec) -> bool:
    """Say whether the spec in a folder was written by an attempt to start this sweep."""
    try:
        left = parse(folder.read(SPEC).decode(), SPEC)
    except (SpecError, UnicodeDecodeError):
        return False
    others = unlike(anchored(spec).to_plain(), left.to_plain())
    return all(path.startswith(MEASURED) for path, _, _ in others)


def make_place(folder: Folder) -> None:
    """Make the folder of a new sweep, where it is on a disk.

    Raises:
        RequestError: where none can be made, or nothing be written.
    """
    place = folder.local()
    if place is None:
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place).close()  # what `os.access` says is not so on every file system
    except OSError as error:
        raise RequestError(
            f"no sweep can be kept in '{folder}' ({os.strerror(error.errno or errno.EIO).lower()}): choose another "
            "place (--storage)"
        ) from error
