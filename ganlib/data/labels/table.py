"""Tables of labels: CSV files that name the class of each picture."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from ganlib.data.labels.classes import FOLDERS
from ganlib.errors import RequestError

if TYPE_CHECKING:
    from _csv import Reader

COLUMNS = ("file", "label")
"""Columns of a table of labels; others are not read."""


@dataclass(frozen=True)
class Table:
    """A table of labels, read.

    Attributes:
        path: Of the file.
        rows: For each file, as it stands in the table, its label and the line.
    """

    path: str
    rows: dict[str, tuple[str, int]]


def read_table(path: str, key: str = "data.labels") -> Table:
    """Read a CSV file with the columns ``file`` and ``label``, in UTF-8.

    Args:
        path: Of the file; ``~`` is the home directory.
        key: What to call it in an error text.

    Raises:
        RequestError: when it cannot be read or is no such table; with the line.
    """
    try:
        with open(Path(path).expanduser(), newline="", encoding="utf-8-sig") as file:
            return _parsed(csv.reader(file, strict=True), path, key)
    except FileNotFoundError:
        raise RequestError(
            f"{key}: there is no file '{path}' (looked in {Path.cwd()}); give a CSV file with the columns file and "
            f"label, or '{FOLDERS}'"
        ) from None
    except UnicodeDecodeError as error:
        raise RequestError(
            f"{key}: '{path}' is no text in UTF-8: {error.reason} at byte {error.start}"
        ) from None
    except (OSError, RuntimeError) as error:
        raise RequestError(
            f"{key}: cannot read '{path}': {getattr(error, 'strerror', None) or error}"
        ) from None


def _parsed(lines: "Reader", path: str, key: str) -> Table:
    def wrong(line: int, what: str) -> RequestError:
        return RequestError(f"{key}: {path}:{line}: {what}")

    try:
        header = [cell.strip() for cell in next(lines, [])]
        lacking = [name for name in COLUMNS if name not in header]
        if lacking:
            found = ", ".join(map(repr, header)) or "an empty line"
            raise wrong(1, f"needs the columns file and label in its first line; {found} has no {lacking[0]}")
        file_at, label_at = map(header.index, COLUMNS)
        rows: dict[str, tuple[str, int]] = {}
        for cells in lines:
            line = lines.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                raise wrong(line, f"has {len(cells)} cells, and the first line has {len(header)}")
            name, label = _normal(cells[file_at]), cells[label_at].strip()
            for column, value in zip(COLUMNS, (name, label), strict=True):
                if not value:
                    raise wrong(line, f"has no {column}")
            if not label.isprintable():
                raise wrong(line, f"label {label!r} has characters that cannot be printed")
            before = rows.setdefault(name, (label, line))
            if normalize("NFC", before[0]) != normalize("NFC", label):
                raise wrong(line, f"'{name}' is '{label}', and line {before[1]} says '{before[0]}'")
    except csv.Error as error:
        raise wrong(lines.line_num, f"is no CSV: {error}") from None
    if not rows:
        raise wrong(1, "has no rows below it")
    return Table(path, rows)


def _normal(name: str) -> str:
    """Bring the path of a file to the form in which files are listed."""
    name = name.strip()
    return os.path.normpath(name) if name else ""
