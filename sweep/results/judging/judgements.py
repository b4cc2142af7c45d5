"""The judgements of people, on record in the sweep's folder: ``judgements/WHO/SESSION.jsonl``.

A line is what one key press said; nothing is changed or removed. A judgement that was taken back stays, followed by a
line that says so. Each session (one ``sweep judge``) has a file of its own with one writer, replaced whole at each key
press, so that it is never half written, on a disk or in a bucket, and two people or machines never lose each other's.
"""

import json
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ganlib.errors import RequestError, WorkError
from sweep.results.judging.bradley_terry import Choice
from sweep.storage import layout
from sweep.storage.folder import Folder

LONGEST_NAME = 40
SUFFIX = ".jsonl"
_SESSION = re.compile(rf"/[0-9]{{8}}T[0-9]{{6}}Z-[0-9a-f]{{6}}{re.escape(SUFFIX)}\Z")
"""How the path of a session's file ends; people and programs leave others in a folder."""


@dataclass(frozen=True, order=True)
class Shown:
    """What was shown: the grid of a trial at one evaluation, ``kimg`` thousand pictures into its training."""

    trial: int
    kimg: float


@dataclass(frozen=True)
class Judgement:
    """What somebody said of two grids.

    Attributes:
        first: Shown as number 1.
        second: Shown as number 2.
        choice: Which was preferred.
        seconds: How long that took; None where it is not on record.
    """

    first: Shown
    second: Shown
    choice: Choice
    seconds: float | None = None

    def line(self) -> dict[str, Any]:
        """Give it as plain values."""
        one, two = self.first, self.second
        return {
            **{"first": one.trial, "first_kimg": one.kimg, "second": two.trial, "second_kimg": two.kimg},
            **{"choice": self.choice, "seconds": self.seconds},
        }

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Judgement":
        """Read plain values.

        Raises:
            KeyError: If one is missing.
            ValueError: If one is none that is written.
            TypeError: If one is of another type.
        """
        one = Shown(int(line["first"]), float(line["first_kimg"]))
        two = Shown(int(line["second"]), float(line["second_kimg"]))
        if one.trial == two.trial:
            raise ValueError(f"trial {one.trial} is compared with itself")
        seconds = line.get("seconds")
        return cls(one, two, Choice(line["choice"]), None if seconds is None else float(seconds))


@dataclass
class Session:
    """The judgements of one person in one sitting, written down as they come.

    Args:
        folder: Of the sweep.
        who: Whose they are.
        now: Tells the time, in seconds since the epoch.
    """

    folder: Folder
    who: str
    now: Callable[[], float] = time.time
    path: str = ""
    _lines: list[str] = field(default_factory=list)
    _counted: list[Judgement] = field(default_factory=list)

    def __post_init__(self) -> None:
        begun = datetime.fromtimestamp(self.now(), UTC)
        # Two sessions of one second, perhaps on two machines, have two names.
        name = f"{begun:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}{SUFFIX}"
        self.path = f"{layout.judgements(self.who)}/{name}"

    @property
    def counted(self) -> list[Judgement]:
        """Those of this session that were not taken back, oldest first."""
        return list(self._counted)

    def add(self, judgement: Judgement) -> None:
        """Write a judgement down.

        Raises:
            StorageError: If it cannot be written; then it does not count.
        """
        self._write(judgement.line())
        self._counted.append(judgement)

    def undo(self) -> Judgement | None:
        """Take the newest judgement of this session back and return it; None where there is none.

        Raises:
            StorageError: If that cannot be written; then it still counts.
        """
        if not self._counted:
            return None
        self._write({"undo": True})
        return self._counted.pop()

    def _write(self, line: Mapping[str, Any]) -> None:
        at = datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"time": at, **line}) + "\n"
        self.folder.write(self.path, "".join([*self._lines, text]).encode())
        self._lines.append(text)


def read(folder: Folder) -> dict[str, list[Judgement]]:
    """Read the judgements of everybody that count, by name, oldest session first.

    Args:
        folder: Of the sweep.

    Raises:
        WorkError: If a file cannot be read, or a line of it is none that was written here.
    """
    found: dict[str, list[Judgement]] = {}
    for who, path in sessions(folder):
        found.setdefault(who, []).extend(parse(folder.read(path), path))
    return {who: counted for who, counted in found.items() if counted}


def sessions(folder: Folder) -> Iterator[tuple[str, str]]:
    """List whose sessions there are, each with its file, the oldest of a person first."""
    return ((who, path) for who, path in _files(folder) if _SESSION.search(path))


def others(folder: Folder) -> Iterator[str]:
    """List files that may have been sessions, and do not count under the names that they have."""
    return (path for _, path in _files(folder) if path.endswith(SUFFIX) and not _SESSION.search(path))


def _files(folder: Folder) -> Iterator[tuple[str, str]]:
    for who in folder.names(layout.JUDGEMENTS):
        place = layout.judgements(who)
        yield from ((who, f"{place}/{name}") for name in folder.names(place))


def parse(data: bytes, path: str) -> list[Judgement]:
    """Read the file of a session: the judgements that were not taken back, oldest first.

    Raises:
        WorkError: Names the first line that cannot be read.
    """
    counted: list[Judgement] = []
    for number, text in enumerate(data.decode(errors="replace").splitlines(), start=1):
        try:
            line = json.loads(text)
            if line.get("undo"):
                counted.pop()
            else:
                counted.append(Judgement.of(line))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise WorkError(
                f"'{path}' has no judgement in line {number} ({error}): mend or delete the line; the others stay"
            ) from None
    return counted


def checked_name(who: str) -> str:
    """Return the name of a person as it stands in paths.

    Raises:
        RequestError: If it cannot.
    """
    name = unicodedata.normalize("NFC", who.strip())
    known = all(char.isalnum() or char in "-_." for char in name)
    if not name or not known or name.startswith(".") or len(name) > LONGEST_NAME:
        raise RequestError(
            f"--who: '{who}' cannot name a folder; letters, digits, '-', '_' and '.' can, at most {LONGEST_NAME}"
        )
    return name
