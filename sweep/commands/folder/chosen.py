"""Choose a spec for a folder of pictures, and write it down with a reason at each choice.

Rates, batch size and R1 are those of ``searchspaces/quickstart.yaml``, which were measured (docs/systems.md).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

from ganlib.data.listing import printable
from ganlib.names import TRANSPARENT
from sweep.commands.folder.seen import ALLOWED, Seen
from sweep.spec.hints import is_name
from sweep.spec.yaml_tree import inline

FEW = 2000
"""Fewer pictures are soon known by heart."""
MANY_ALIKE, MOSTLY = 0.01, 0.8
"""Shares from which on copies are left out, and from which on a set is of one kind."""
CLASSES, EACH = 20, 200
"""Sub-folders are classes if there are at most so many, each with so many pictures at least."""

KNOWN = (("2e-3", "1.5e-3", "0.9", "1"), ("1.5e-3", "2.4e-3", "0.86", "0.5"))
"""Rates of both networks, smoothing and R1 of the first trials; the second is for pictures that are much alike."""


@dataclass(frozen=True)
class Numbers:
    """What a measurement of the machine settles; as it stands, five minutes on two cores.

    Attributes:
        every: Kimg between two evaluations.
        grace: Kimg up to the first rung.
        longest: Kimg of a trial at most.
        trials: How many there are at most.
        time: How long the sweep may take, such as ``15m``; None for as long as it takes. With a time the best train on
            for as long as there is some.
    """

    every: float = 6
    grace: float = 6
    longest: float = 60
    trials: int = 8
    time: str | None = None

    def changed(self, overrides: Mapping[str, str]) -> "Numbers":
        """Give the numbers with what `sweep.commands.planning.fitting` has changed."""
        return replace(
            self,
            every=float(overrides.get("evaluate.every", self.every)),
            grace=float(overrides.get("asha.grace", self.grace)),
            longest=float(overrides.get("asha.max", self.longest)),
            trials=int(overrides.get("search.trials", self.trials)),
            time=overrides.get("search.time", self.time),
        )


def name_for(folder: Path) -> str:
    """Make the name of a sweep from that of a folder."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.expanduser().absolute().name).strip("-._")
    return name if is_name(name) else "pictures"


def free_name(name: str, taken: Callable[[str], bool]) -> str:
    """Give a name that is not taken: the name itself, or with the first free number from 2 on, as ``faces-2``."""
    candidates = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(one for one in candidates if not taken(one))


def spec_for(seen: Seen, name: str, gpu: bool, numbers: Numbers) -> str:
    """Write the spec for a folder of pictures.

    Args:
        seen: What the pictures are like.
        name: Of the sweep.
        gpu: Whether there is a GPU to train on.
        numbers: How long what takes.

    Returns:
        YAML with a comment at each choice.
    """
    return "\n".join(_lines(seen, name, gpu, numbers)) + "\n"


def size_for(shorter: int, gpu: bool) -> tuple[int, str]:
    """Choose the side of the pictures, in pixels, and say why.

    Args:
        shorter: Median of the shorter sides of the files; 0 where it is not known.
        gpu: Whether there is a GPU to train on.
    """
    if shorter == 28:
        return 28, "as most files are"
    if gpu and (shorter >= 64 or not shorter):
        return 64, "there is a GPU; 128 have four times the pixels, and take as much longer"
    if gpu:
        return 32, f"most files have {shorter} or so: more would be blur"
    return 32, "there is no GPU; 64 have four times the pixels, and take as much longer"


def _lines(seen: Seen, name: str, gpu: bool, numbers: Numbers) -> Iterator[str]:
    yield f"# Chosen for {seen.count:,} pictures; change what you like, and give this file to 'sweep run'."
    yield "# Every key is explained in docs/systems.md."
    yield f"name: {inline(name)}"
    yield ""
    yield "data:"
    yield f"  source: {inline(seen.folder)}"
    size, why = size_for(seen.shorter[1], gpu)
    yield f"  size: {size}  # {why}"
    yield from _picture_lines(seen, size)
    yield ""
    yield "model:"
    yield "  family: dcgan  # of all that are here, the one that learns small pictures soonest"
    yield "  variant: simple"
    yield "  latent_dim: 64"
    yield "  width: 64" if gpu else "  width: 32  # half of the paper's, and half of the work"
    yield ""
    yield "train:"
    yield "  loss: bce"
    yield "  lr_g: {type: float, low: 5e-4, high: 1e-2, log: true}"
    yield "  lr_d: {type: float, low: 2e-4, high: 8e-3, log: true}"
    yield "  smoothing: {type: float, low: 0.8, high: 1.0}"
    yield from _augmentation(seen)
    yield "  # R1 keeps the discriminator smooth, at every fourth step because it is dear."
    yield "  r1_gamma: {type: float, low: 0.1, high: 10, log: true}"
    yield "  r1_every: 4"
    yield "  batch_size: 16"
    yield "  ema_kimg: 2"
    yield ""
    yield "evaluate:"
    yield "  extractor: efficientnet_lite0  # comes along, and is quick on a processor"
    yield f"  every: {numbers.every:g}"
    yield "  unit: kimg"
    yield "  n_fake: 384"
    yield "  n_first: 128  # up to the first rung, where differences are large"
    yield f"  n_real: {min(1024, seen.distinct)}"
    yield ""
    yield "search:"
    if numbers.time is None:
        yield f"  trials: {numbers.trials}"
    else:
        yield f"  trials: {numbers.trials}  # at most; it is the time that ends the sweep"
        yield f"  time: {numbers.time}"
    yield ""
    yield "# What has worked on several sets of pictures stands first."
    yield "configs:"
    yield from (_known(seen, *one) for one in KNOWN)
    yield ""
    yield "# The better half goes on at each rung."
    yield "asha:"
    yield f"  grace: {numbers.grace:g}"
    yield "  reduction: 2"
    if numbers.time is None:
        yield "  variant: stop"
        yield f"  max: {numbers.longest:g}"
    else:
        yield "  variant: promote  # the others wait, and go on when they are among the best after all"
        yield f"  max: {numbers.longest:g}  # further than one comes in all the time"
    yield "  unit: kimg"
    yield ""
    yield "resources:"
    yield "  gpu: auto  # as many trials share a GPU as it holds" if gpu else "  cpu: 1"


def _picture_lines(seen: Seen, size: int) -> Iterator[str]:
    if seen.max_skipped != ALLOWED:
        yield f"  max_skipped: {seen.max_skipped:g}  # share of the files that may be unreadable"
    least, _, greatest = seen.shorter
    if least == greatest < size and size % greatest == 0:
        yield f"  resize: nearest  # all have {greatest} pixels, which are drawn {size // greatest} times as large"
    if seen.grey >= 1:
        yield "  channels: 1  # none has colours"
    elif seen.transparent >= MOSTLY:
        yield f"  # {seen.transparent:.0%} have transparent pixels; '{TRANSPARENT}' keeps them so"
        yield "  background: white"
    if seen.upright >= MOSTLY:
        yield f"  crop: top  # {seen.upright:.0%} are upright, and what matters is mostly above"
    elif seen.oblong > 1 - MOSTLY:
        yield f"  crop: center  # of the {seen.oblong:.0%} that are not square"
    if seen.alike >= MANY_ALIKE:
        yield f"  dedupe: true  # {seen.alike:.1%} equal others or nearly so: 'sweep data' lists them"
    if classes := classes_in(seen):
        names = ", ".join([*map(printable, list(classes)[:4]), *["..."][: max(0, len(classes) - 4)]])
        yield f"  labels: folders  # {len(classes)} classes: {names}"
    elif len(named := {folder for folder in seen.folders or {} if folder}) > 1:
        yield f"  # labels: folders would tell the {len(named)} sub-folders apart, of which some are small"


def classes_in(seen: Seen) -> dict[str, int]:
    """Name the sub-folders that are classes, with their numbers of pictures; none where they seem to be none."""
    folders = dict(seen.folders or {})
    if folders.pop("", 0) or not 2 <= len(folders) <= CLASSES or min(folders.values()) < EACH:
        return {}
    return folders


def _known(seen: Seen, lr_g: str, lr_d: str, smoothing: str, r1_gamma: str) -> str:
    found = [
        f"train.lr_g: {lr_g}",
        f"train.lr_d: {lr_d}",
        f"train.smoothing: {smoothing}",
        "train.augment_p: 0.0",
        f"train.r1_gamma: {r1_gamma}",
    ]
    found += ["train.diffaugment: [translation]"] if seen.distinct < FEW else []
    return f"- {{{', '.join(found)}}}"


def _augmentation(seen: Seen) -> Iterator[str]:
    if seen.distinct < FEW:
        yield f"  # {seen.distinct:,} pictures are soon known by heart: both networks see them shifted, or in part."
        yield "  diffaugment: {type: categorical, choices: [[], [translation], [translation, cutout]]}"
    yield "  augment_p: {type: float, low: 0.0, high: 0.5}"
