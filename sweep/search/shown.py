"""What the file of a study shows of trials to people, beside what samplers read: curves and pictures.

Samplers read results alone (`sweep.search.ends`), and never this file. For optuna-dashboard it also has the metric of
every healthy evaluation, as intermediate values by the number of pictures shown, and grids as artifacts
(https://optuna.readthedocs.io/en/stable/reference/artifacts.html): a name in the trial's system attributes, and a
file of that name in ``artifacts/`` beside the study, which is the recorded picture itself by another name (a hard
link; a copy where the file system has none).
"""

import copy
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.formatting import kimg
from sweep.records.status import Status
from sweep.search.trial_source import PastTrial
from sweep.storage import layout
from sweep.storage.folder import TEMPORARY

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

PREFIX = "artifacts:"
"""Of the attributes in which Optuna keeps what it knows of an artifact."""


def shown(trial: "FrozenTrial", past: PastTrial, folder: Path) -> "FrozenTrial":
    """Make the trial that stands in the file, and link its pictures.

    Args:
        trial: As samplers read it.
        past: As it stands on record.
        folder: Of the study; pictures that are not there are left out.

    Raises:
        OSError: If a picture cannot be linked.
    """
    seen = {max(1, round(1000 * one.kimg)): one.value for one in past.seen}
    pictures = {PREFIX + name: json.dumps(told) for name, told in _linked(past, folder)}
    if not seen and not pictures:
        return trial
    made = copy.copy(trial)
    made.intermediate_values = seen or trial.intermediate_values
    made.system_attrs = {**trial.system_attrs, **pictures}
    return made


def _linked(past: PastTrial, folder: Path) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Link the pictures of a trial; yields the name of each artifact, with what Optuna keeps of it."""
    moments = _moments(past.last, past.best)
    for at, what in moments.items():
        path, name = layout.grid(past.number, at), _name(past.number, at)
        if _link(folder / path, folder / layout.ARTIFACTS / name):
            title = f"{what} at {kimg(at)} kimg.png"
            yield name, {"artifact_id": name, "filename": title, "mimetype": "image/png", "encoding": None}
    before = past.seen[:-1]
    if before and past.state is Status.RUNNING:
        for at in (
            _moments(before[-1].kimg, min(before, key=lambda one: one.value).kimg).keys() - moments.keys()
        ):
            (folder / layout.ARTIFACTS / _name(past.number, at)).unlink(missing_ok=True)


def _moments(last: float | None, best: float | None) -> dict[float, str]:
    """Say of the evaluations whose grids are shown what they are, by their time."""
    if last is None:
        return {}
    if best is None or best == last:
        return {last: "last" if best is None else "best and last"}
    return {last: "last", best: "best"}


def _name(trial: int, at: float) -> str:
    """Name the picture of an evaluation, always alike; optuna-dashboard serves names of hex digits and dashes alone."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, layout.grid(trial, at)))


def _link(picture: Path, name: Path) -> bool:
    """Give a picture another name; returns whether it has that now."""
    if name.exists():
        return True
    if not picture.exists():
        return False
    name.parent.mkdir(exist_ok=True)
    try:
        os.link(picture, name)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        passing = name.with_name(f".{name.name}{TEMPORARY}")
        shutil.copyfile(picture, passing)
        os.replace(passing, name)
    return True
