"""Run a sweep, or go on with it: what a job system can repeat that knows nothing of what was done."""

from collections.abc import Iterator, Mapping
from typing import Any

from ganlib.errors import RequestError
from sweep.commands.before import anchored
from sweep.commands.planning.sharing import with_gpu
from sweep.commands.run import resume, start
from sweep.runners.base import Options
from sweep.spec.differences import unlike
from sweep.spec.specification import Spec, parse
from sweep.spec.yaml_tree import inline
from sweep.storage.called import called
from sweep.storage.layout import INFO, SPEC
from sweep.storage.opening import open_folder

EXTENDED = ("search.trials", "train.epochs", "train.kimg", "asha.max")
"""Keys that `sweep extend` raises: the command that began the sweep still means it."""
SHOWN = 5


def start_or_resume(spec: Spec, options: Options) -> int:
    """Run a new sweep, go on with the one of that name, or say that all is done; returns the exit code.

    Raises:
        RequestError: if the sweep of that name was begun with another spec.
    """
    folder = open_folder(options.storage) / spec.name
    if not folder.exists(INFO):
        return start(spec, options)
    begun = parse(folder.read(SPEC).decode(), f"{folder}/{SPEC}")
    if spec.resources.gpu == "auto":  # measured then; here it might come to something else
        spec = with_gpu(spec, begun.resources.gpus)
    others = list(differences(anchored(spec).to_plain(), begun.to_plain()))
    if others:
        more = f"; and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        raise RequestError(
            f"the sweep '{spec.name}' in {options.storage} was begun with another spec ({'; '.join(others[:SHOWN])}"
            f"{more}): choose another name (--name), or go on with that one ('sweep resume "
            f"{called(folder)}')"
        )
    return resume(folder, options)


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[str]:
    """Say in which keys two specs differ, as ``train.lr_g is 0.1 here and 0.2 there``.

    Args:
        here: What is asked for, with every key.
        there: What the sweep was begun with, and has been extended to.
    """
    for path, one, other in unlike(here, there):
        if path == "search.time":  # of what this run may take; `sweep extend` lifts it
            continue
        if not (path in EXTENDED and one is not None and other is not None and other > one):
            yield f"{path} is {inline(one)} here and {inline(other)} there"
