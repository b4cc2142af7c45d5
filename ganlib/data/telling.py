"""Tell people what the sources of a set hold, what was left out, what was done to the pictures, and how far it is."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganlib.data.decode import TRAITS
from ganlib.data.labels.classes import FEW, Classes
from ganlib.data.listing import DRAWN, HIDDEN, OTHER, OWN, SWEEP, LeftOut, Skipped, in_one_form
from ganlib.data.look.seen import Look

if TYPE_CHECKING:  # sources read the configuration, which workers do without
    from ganlib.data.sources import Source

Progress = Callable[[int, int], None]
"""Is called with (done, total), in pictures."""

_WORDS = {
    OTHER: "no pictures",
    HIDDEN: "hidden: the name begins with a dot",
    OWN: "made by sweep",
    SWEEP: "of sweeps",
    DRAWN: "not among the data.count that were drawn",
}
_SUFFIXES = 8
_CLASSES = 12
_REASONS = 8
_NUMBERS = re.compile(r"\d+")
_GROUPS, _MEMBERS = 3, 4


@dataclass(frozen=True)
class Alike:
    """A group of pictures that are alike, by their names; see `ganlib.data.look.groups.Group`."""

    kept: str
    equal: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    def __len__(self) -> int:
        return 1 + len(self.equal) + len(self.near)


@dataclass(frozen=True)
class Found:
    """What the sources of a set hold.

    Attributes:
        suffixes: How many picture files of each suffix were taken, the most frequent first.
        avatars: How many faces were drawn.
        folders: In how many folders the files lie.
        left_out: What does not belong to the set, and why.
        classes: How many pictures each class has, by its name. Without labels, how many picture files lie in each
            first-level sub-folder; those in no sub-folder have the empty name.
        labelled: Whether the pictures have labels.
        alike: The groups of pictures that are equal or nearly so, the largest first.
        complete: Whether all pictures were compared that might be nearly equal.
        tiny: Name, width and height in pixels of the smallest files that were enlarged.
    """

    suffixes: tuple[tuple[str, int], ...] = ()
    avatars: int = 0
    folders: int = 0
    left_out: tuple[LeftOut, ...] = ()
    classes: tuple[tuple[str, int], ...] = ()
    labelled: bool = False
    alike: tuple[Alike, ...] = ()
    complete: bool = True
    tiny: tuple[tuple[str, int, int], ...] = ()


def found_in(sources: Iterable["Source"], look: Look | None = None, labels: Classes | None = None) -> Found:
    """Sum up what the sources hold, with what was seen of their pictures and with the classes of those in the set."""
    sources, look = list(sources), look or Look()
    first = np.cumsum([0, *map(len, sources)])

    def name(index: int) -> str:
        place = int(np.searchsorted(first, index, "right")) - 1
        return sources[place].name_of(index - int(first[place]))

    def named(indices: Iterable[int]) -> tuple[str, ...]:
        return tuple(map(name, indices))

    first_folders: Counter[str] = Counter()
    suffixes: Counter[str] = Counter()
    folders: set[str] = set()
    left: list[LeftOut] = []
    avatars = 0
    for source in sources:
        suffixes.update(file.suffix for file in source.files)
        first_folders.update(file.folder for file in source.files)
        folders |= {os.path.dirname(file.path) for file in source.files}
        left += source.left_out
        avatars += len(source) if source.avatars is not None else 0
    forms = in_one_form(first_folders)
    classes: Counter[str] = Counter()
    for folder, count in first_folders.items():
        classes[forms[folder]] += count
    alike = [Alike(name(group.kept), named(group.equal), named(group.near)) for group in look.likeness.groups]
    return Found(
        tuple(_ranked(suffixes)),
        avatars,
        len(folders),
        tuple(left),
        tuple(sorted(classes.items())) if labels is None else tuple(labels.pictures.items()),
        labels is not None,
        tuple(sorted(alike, key=lambda group: -len(group))),
        look.likeness.complete,
        tuple((name(index), width, height) for index, width, height in look.inventory.tiny),
    )


def classes(found: Found) -> list[str]:
    """Say how many pictures each class has, and which have few; without labels, how many files each sub-folder has."""
    named = [(count, name) for name, count in found.classes if name]
    if not named:
        return []
    named.sort(key=lambda item: (-item[0], item[1]))
    shown = [f"{count:,} {name}" for count, name in named[:_CLASSES]]
    if len(named) > _CLASSES:
        shown.append(f"{sum(count for count, _ in named[_CLASSES:]):,} in {len(named) - _CLASSES:,} others")
    bare = dict(found.classes).get("", 0)
    times = named[0][0] / named[-1][0]
    times_shown = f"{times:,.0f}" if times >= 100 else f"{times:.3g}"
    ratio = f"; the largest has {times_shown} times the smallest" * (len(named) > 1)
    line = f"{len(named):,}: {', '.join(shown)}" + f"; {bare:,} in no sub-folder" * bool(bare) + ratio
    return [line, *_few(named)] if found.labelled else [line]


def _few(named: Sequence[tuple[int, str]]) -> list[str]:
    """Warn of classes that have too few pictures to be learned or measured."""
    few = [name for count, name in named if count < FEW]
    if not few:
        return []
    more = f" and {len(few) - _CLASSES:,} others" * (len(few) > _CLASSES)
    return [
        f"warning: fewer than {FEW} pictures in {', '.join(few[-_CLASSES:])}{more}: little is learned of such a class, "
        "and its KID is not measured"
    ]


def duplicates(found: Found, dedupe: bool, section: str = "data") -> list[str]:
    """Say which pictures are alike and what becomes of them, the largest groups by name; empty where none are."""
    incomplete = (
        []
        if found.complete
        else ["too many are much alike: nearly equal ones were looked for in a part only"]
    )
    if not found.alike:
        return incomplete
    groups = len(found.alike)
    counts = [
        f"{count:,} {words}"
        for count, words in (
            (sum(len(group.equal) for group in found.alike), "equal to another"),
            (sum(len(group.near) for group in found.alike), "nearly"),
        )
        if count
    ]
    done = (
        f"left out ({section}.dedupe keeps one of each of {groups:,} group{'s' * (groups > 1)})"
        if dedupe
        else f"in {groups:,} group{'s' * (groups > 1)}; {section}.dedupe: true keeps one of each"
    )
    return [f"{', '.join(counts)} {done}", *map(_members, found.alike[:_GROUPS]), *incomplete]


def tiny(found: Found) -> list[str]:
    """Name the smallest files that were enlarged, in one line; empty where none was."""
    named = [f"{name} ({width} x {height})" for name, width, height in found.tiny]
    return [f"the smallest: {', '.join(named)}"] if named else []


def _members(group: Alike) -> str:
    others = [*(f"= {name}" for name in group.equal), *(f"~ {name}" for name in group.near)]
    more = f" and {len(others) - _MEMBERS:,} more" * (len(others) > _MEMBERS)
    return f"  {group.kept} {' '.join(others[:_MEMBERS])}{more}"


def shapes(look: Look) -> list[str]:
    """Say which shapes and sizes files have, and how many are grey, a line each."""
    inventory, lines = look.inventory, []
    if inventory.shapes:
        lines.append("width to height " + ", ".join(f"{count:,} {name}" for name, count in inventory.shapes))
        least, median, most = inventory.shorter
        lines.append(f"shorter side {least:,} to {most:,} pixels, median {median:,}")
    if inventory.grey:
        lines.append(f"{inventory.grey:,} without colour (data.channels: 1 trains in grey)")
    return lines


def taken(found: Found) -> str:
    """Say what was taken, such as ``90 .png, 10 .jpg, in 3 folders (their names are not used as labels)``."""
    unused = "" if found.labelled else " (their names are not used as labels)"
    parts = [f"{count:,} {suffix}" for suffix, count in found.suffixes]
    if found.avatars:
        parts.append(f"{found.avatars:,} avatars")
    if found.folders > 1:
        parts.append(f"in {found.folders:,} folders{unused}")
    return ", ".join(parts)


def left_out(found: Found) -> list[str]:
    """Say what was not taken though it is no fault, a line for each reason, with a count of every suffix."""
    return [
        f"{_counted([item for item in found.left_out if item.reason == reason])} ({words})"
        for reason, words in _WORDS.items()
        if any(item.reason == reason for item in found.left_out)
    ]


def faults(skipped: Iterable[Skipped]) -> list[str]:
    """Say what looked like pictures and cannot be used, a line for each reason, with a count of every suffix.

    Reasons that differ in a number alone are one: of thousands of files that are cut off, each is so elsewhere.
    """
    kinds: dict[str, tuple[set[str], Counter[str]]] = {}
    for item in skipped:
        reasons, counts = kinds.setdefault(_NUMBERS.sub("0", item.reason), (set(), Counter()))
        reasons.add(item.reason)
        counts[os.path.splitext(item.path)[1].lower() or "folder"] += 1
    ranked = sorted(kinds.values(), key=lambda kind: -kind[1].total())
    lines = [
        f"{_suffixes(counts)}: {min(reasons)}{', for instance' * (len(reasons) > 1)}"
        for reasons, counts in ranked[:_REASONS]
    ]
    rest = sum(counts.total() for _, counts in ranked[_REASONS:])
    return lines + ([f"{rest:,} more, for other reasons"] if rest else [])


def prepared(traits: Mapping[str, int]) -> list[str]:
    """Say what was done to how many pictures, a line for each."""
    return [f"{traits[name]:,} {words}" for name, words in TRAITS.items() if traits.get(name)]


def _counted(items: Sequence[LeftOut]) -> str:
    counts: Counter[str] = Counter()
    for item in items:
        counts[
            item.suffix or ("folder" + "s" * (item.count > 1) if item.reason == SWEEP else "without suffix")
        ] += item.count
    return f"{_suffixes(counts)}, such as {', '.join([items[0].example, *items[0].more])}"


def _suffixes(counts: Counter[str]) -> str:
    ranked = _ranked(counts)
    shown = [f"{count:,} {suffix}" for suffix, count in ranked[:_SUFFIXES]]
    rest = sum(count for _, count in ranked[_SUFFIXES:])
    return ", ".join(shown + ([f"{rest:,} others"] if rest else []))


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


class PictureProgress:
    """The progress of a set in the making, in pictures: fetching, reading and decoding a file are equal shares of it.

    Args:
        progress: Called with (done, total); None tells nobody.
        total: How many pictures are made.
        files: How many of them are files, which are read first.
        distant: How many of the files have to be fetched before.
    """

    def __init__(self, progress: Progress | None, total: int, files: int, distant: int = 0) -> None:
        self._progress, self._total = progress, total
        self._steps, self._done = distant + files + total, 0
        self._tell(0)

    def step(self, count: int) -> None:
        """Count files that were fetched or read, or pictures that were made."""
        self._tell(count)

    def finished(self) -> None:
        """Tell that all is done, where less had to be made."""
        if self._done < self._steps:
            self._tell(self._steps - self._done)

    def _tell(self, steps: int) -> None:
        self._done += steps
        if self._progress is not None:
            self._progress(self._done * self._total // max(1, self._steps), self._total)
