"""Name every file of a sweep's folder; docs/architecture.md says what each is for.

Paths are relative to the sweep's folder, with ``/`` between their parts. Trials are numbered from 0, times are in kimg.
"""

import re
from functools import cache

RUNS = "runs"
"""The folder of sweeps where no other is asked for; all that follows lies in the folder of one of them."""
INFO = "sweep.json"
SPEC = "spec.yaml"
LEASE = "lease.json"
STOP = "stop.json"
"""What asks the owner of the lease to stop."""
PROGRESS = "progress.json"
NOTE = "note.json"
"""What people say of the sweep."""
REMOVED = "removed.json"
"""What `INFO` is called once the removal of the sweep has begun."""
DRIVER_LOG = "driver.log"
"""What drivers in the background have said."""
STUDY = "study.db"
ARTIFACTS = "artifacts"
"""Pictures under the names that the study has for them."""
REPORT = "report.html"
CHOSEN = "chosen.yaml"
"""The spec of a folder of pictures as it was chosen, with reasons."""
JUDGEMENTS = "judgements"
"""What people said of pairs of pictures, a folder for each person."""
CONFIRMATION = "confirm"
"""The folder of fresh seeds of the best: a sweep inside the sweep."""
IMAGES = "images"
REAL_PICTURES = f"{IMAGES}/real.png"
NEAREST_REAL = f"{IMAGES}/neighbours.png"
"""The winner's pictures, each above its nearest real one."""
CHECKPOINTS = "checkpoints"
CHECKPOINT_SUFFIX = ".ckpt"
HISTORY_SUFFIX = "-history.json"
"""Of what was evaluated so far, beside the checkpoints of a trial that can go on."""
LEDGER = "ledger"
LEDGER_SUFFIX = ".json"
CONVOLUTIONS = "convolutions"
"""How long convolutions take on the machines that trained trials."""
TENSORBOARD = "tensorboard"
RAY = "ray"
COMPACT = "compact"
PART_SUFFIX = ".parquet"
SWEEP_PART = "sweep"
"""The part of a dataset that belongs to no trial."""

INITIAL = "init"
"""The folder of the weights that trials begin with."""
CONTINUED = "continued"
"""The folder of trials that were trained on: a sweep inside the sweep."""

LEFT_BEHIND = frozenset({CHOSEN, LEASE, STOP, DRIVER_LOG, IMAGES, INITIAL, COMPACT, RAY})
"""What a sweep writes before it counts as begun, beside its spec and the first parts of its datasets."""


_NUMBER = "0[0-9]{4}|[1-9][0-9]{4,}"
"""A number as `name_of` writes it."""
_PART = re.compile(f"({_NUMBER}|{SWEEP_PART}){re.escape(PART_SUFFIX)}")


def name_of(trial: int) -> str:
    """Name a trial in paths, such as ``00007``."""
    return f"{trial:05d}"


def part(dataset: str, trial: int | None) -> str:
    """Name the part of a dataset with a trial's rows; None for those of the whole sweep."""
    return f"{dataset}/{part_name(trial)}"


def part_name(trial: int | None) -> str:
    """Name that part within its dataset."""
    return f"{SWEEP_PART if trial is None else name_of(trial)}{PART_SUFFIX}"


def trial_of(name: str, suffix: str = PART_SUFFIX) -> int | None:
    """Look up whose part, or other file of that suffix, has this name; None where it is no trial's."""
    found = _numbered("", suffix).fullmatch(name)
    return int(found[1]) if found else None


def is_part(name: str) -> bool:
    """Tell whether a file is a part of its dataset by its name: people and programs leave others in a folder."""
    return _PART.fullmatch(name) is not None


def compacted(dataset: str, number: int) -> str:
    """Name a file that holds many parts of a dataset, for faster reading; a later one has a larger number."""
    return f"{COMPACT}/{dataset}-{name_of(number)}"


def number_of_copy(name: str, dataset: str) -> int | None:
    """Look up which copy of a dataset's parts has this name; None where it is none."""
    found = _numbered(f"{dataset}-", "").fullmatch(name)
    return int(found[1]) if found else None


@cache
def _numbered(start: str, end: str) -> re.Pattern[str]:
    return re.compile(f"{re.escape(start)}({_NUMBER}){re.escape(end)}")


def judgements(who: str) -> str:
    """Name the folder of a person's judgements."""
    return f"{JUDGEMENTS}/{who}"


def ledger(trial: int) -> str:
    """Name the second copy of a trial's rows."""
    return f"{LEDGER}/{name_of(trial)}{LEDGER_SUFFIX}"


def grid(trial: int, kimg: float) -> str:
    """Name the sample grid of an evaluation."""
    return f"{IMAGES}/{name_of(trial)}/{kimg:.3f}.png"


def nearest(trial: int, kimg: float) -> str:
    """Name the picture of a suspicious result beside the real pictures that are nearest to it."""
    return f"{IMAGES}/{name_of(trial)}/{kimg:.3f}-nearest.png"


def checkpoints(trial: int) -> str:
    """Name the folder of a trial's checkpoints and snapshots."""
    return f"{CHECKPOINTS}/{name_of(trial)}"


def snapshot(trial: int, kimg: float) -> str:
    """Name the generator of an evaluation, kept because it may be the trial's best."""
    return f"{checkpoints(trial)}/{snapshot_name(kimg)}"


SNAPSHOT_PREFIX = "snapshot-"
DISCRIMINATOR_PREFIX = "discriminator-"


def snapshot_name(kimg: float) -> str:
    """Name a snapshot in its folder: by the number of pictures shown, so that names sort by age."""
    return f"{SNAPSHOT_PREFIX}{round(kimg * 1000):012d}.safetensors"


def discriminator_name(kimg: float) -> str:
    """Name the discriminator beside a snapshot, in the snapshot's folder."""
    return f"{DISCRIMINATOR_PREFIX}{round(kimg * 1000):012d}.safetensors"


def initial(digest: str) -> str:
    """Name weights that trials begin with, by their SHA-256 (hex)."""
    return f"{INITIAL}/{digest}.safetensors"
