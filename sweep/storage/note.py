"""Keep what people say of a sweep: a note and tags, in a file of its own beside the records.

The file is no part of the spec, and nothing that trains reads it, so that it may be written at any time, also while a
driver runs the sweep. It is replaced whole.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sweep.storage.folder import Folder, MissingFileError
from sweep.storage.layout import NOTE

BROKEN = f"({NOTE} is broken)"
"""The text where somebody has broken the file."""


@dataclass(frozen=True)
class Note:
    """What people say of a sweep.

    Attributes:
        text: Of the note, a line or several; empty where there is none.
        tags: Words by which sweeps are found again, sorted.
    """

    text: str = ""
    tags: tuple[str, ...] = ()

    def tagged(self, more: Iterable[str], fewer: Iterable[str]) -> "Note":
        """Give the note with more tags, and without others."""
        return Note(self.text, tuple(sorted({*self.tags, *more} - set(fewer))))

    def write(self, folder: Folder) -> None:
        """Replace what is said of the sweep in a folder; nothing said leaves no file.

        Raises:
            StorageError: if the file cannot be written.
        """
        if self.text or self.tags:
            folder.write(NOTE, json.dumps(asdict(self), indent=2, ensure_ascii=False).encode())
        else:
            folder.delete(NOTE)


def read(folder: Folder) -> Note:
    """Read what is said of the sweep in a folder; a file that somebody has broken is a note that says so."""
    try:
        found = json.loads(folder.read(NOTE))
        text, tags = found["text"], found["tags"]
    except MissingFileError:
        return Note()
    except (ValueError, TypeError, KeyError, RecursionError):
        return Note(BROKEN)
    known = isinstance(text, str) and isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    return Note(text, tuple(sorted(set(tags)))) if known else Note(BROKEN)
