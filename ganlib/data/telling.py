"""Tell people what the sources of a set hold, what was left out, what was done to the pictures, and how far it is."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganlib.data.decode import TRAITS
from ganlib.data.listing import DRAWN, HIDDEN, OTHER, OWN, SWEEP, LeftOut, Skipped

if TYPE_CHECKING:  # sources read the configuration, which workers do without
    from ganlib.data.sources import Source

Progress = Callable[[int, int], None]
"""Is called with (done, total), in pictures."""

_WORDS = {
    OTHER: "no pictures; labels in them are not used",
    HIDDEN: "hidden: the name begins with a dot",
    OWN: "made by sweep",
    SWEEP: "of sweeps",
    DRAWN: "not among the data.count that were drawn",
}
_SUFFIXES = 8


@dataclass(frozen=True)
class Found:
    """What the sources of a set hold.

    Attributes:
        suffixes: How many picture files of each suffix were taken, the most frequent first.
        avatars: How many faces were drawn.
        folders: In how many folders the files lie.
        left_out: What does not belong to the set, and why.
    """

    suffixes: tuple[tuple[str, int], ...] = ()
    avatars: int = 0
    folders: int = 0
    left_out: tuple[LeftOut, ...] = ()


def found_in(sources: Iterable["Source"]) -> Found:
    """Sum up what the sources hold."""
    suffixes: Counter[str] = Counter()
    folders: set[str] = set()
    left: list[LeftOut] = []
    avatars = 0
    for source in sources:
        suffixes.update(file.suffix for file in source.files)
        folders |= {os.path.dirname(file.path) for file in source.files}
        left += source.left_out
        avatars += len(source) if source.avatars is not None else 0
    return Found(tuple(_ranked(suffixes)), avatars, len(folders), tuple(left))


def taken(found: Found) -> str:
    """Say what was taken, such as ``90 .png, 10 .jpg, in 3 folders (their names are not used as labels)``."""
    parts = [f"{count:,} {suffix}" for suffix, count in found.suffixes]
    if found.avatars:
        parts.append(f"{found.avatars:,} avatars")
    if found.folders > 1:
        parts.append(f"in {found.folders:,} folders (their names are not used as labels)")
    return ", ".join(parts)


def left_out(found: Found) -> list[str]:
    """Say what was not taken though it is no fault, a line for each reason, with a count of every suffix."""
    return [
        f"{_counted([item for item in found.left_out if item.reason == reason])} ({words})"
        for reason, words in _WORDS.items()
        if any(item.reason == reason for item in found.left_out)
    ]


def faults(skipped: Iterable[Skipped]) -> list[str]:
    """Say what looked like pictures and cannot be used, a line for each reason, with a count of every suffix."""
    reasons: dict[str, Counter[str]] = {}
    for item in skipped:
        reasons.setdefault(item.reason, Counter())[os.path.splitext(item.path)[1].lower() or "folder"] += 1
    return [f"{_suffixes(counts)}: {reason}" for reason, counts in reasons.items()]


def prepared(traits: Mapping[str, int]) -> list[str]:
    """Say what was done to how many pictures, a line for each."""
    return [f"{traits[name]:,} {words}" for name, words in TRAITS.items() if traits.get(name)]


def _counted(items: Sequence[LeftOut]) -> str:
    counts: Counter[str] = Counter()
    for item in items:
        counts[
            item.suffix or ("folder" + "s" * (item.count > 1) if item.reason == SWEEP else "without suffix")
        ] += item.count
    return f"{_suffixes(counts)}, such as {items[0].example}"


def _suffixes(counts: Counter[str]) -> str:
    ranked = _ranked(counts)
    shown = [f"{count:,} {suffix}" for suffix, count in ranked[:_SUFFIXES]]
    rest = sum(count for _, count in ranked[_SUFFIXES:])
    return ", ".join(shown + ([f"{rest:,} others"] if rest else []))


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


class PictureProgress:
    """The progress of a set in the making, in pictures: reading a file is half its work, decoding the other half.

    Args:
        progress: Called with (done, total); None tells nobody.
        total: How many pictures are made.
        files: How many of them are files, which are read first.
    """

    def __init__(self, progress: Progress | None, total: int, files: int) -> None:
        self._progress, self._total, self._files = progress, total, files
        self._read = self._made = 0
        self._tell(0)

    def files_read(self, count: int) -> None:
        """Count files that were read."""
        self._read += count
        self._tell(self._read // 2)

    def made(self, count: int) -> None:
        """Count pictures that were made."""
        self._made += count
        half = self._files // 2
        self._tell(half + self._made * (self._total - half) // self._total)

    def finished(self) -> None:
        """Tell that all is done, where less had to be made."""
        if self._made < self._total:
            self._tell(self._total)

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, self._total)
