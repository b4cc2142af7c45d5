"""Give the files of sources their classes, by their folders or by a table."""

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from unicodedata import normalize

from ganlib.config import DataConfig
from ganlib.data.labels.classes import FOLDERS
from ganlib.data.labels.table import read_table
from ganlib.data.listing import Skipped, in_one_form, matched
from ganlib.errors import RequestError

if TYPE_CHECKING:
    from ganlib.data.sources import Source

ABSENT = "named in the table of labels, and not there"


def labelled(sources: "Sequence[Source]", config: DataConfig) -> "list[Source]":
    """Give every file its class; what has none is skipped, and so are rows of a table that name no file.

    Raises:
        RequestError: when the table cannot be read or does not fit, or no file has a class.
    """
    key, wanted = f"{config.section}.labels", str(config.labels)
    if wanted == FOLDERS:
        bare = "lies in no sub-folder, so it is of no class"
        found = [_with_labels(source, [file.folder for file in source.files], bare) for source in sources]
        why = "none of them lies in a sub-folder: put the pictures of each class into a folder of its own"
    else:
        found = _by_table(sources, wanted, key)
        why = f"no row of '{wanted}' names one of them: paths in it are relative to {config.section}.source"
    for before, source in zip(sources, found, strict=True):
        if before and not source:
            raise RequestError(
                f"{key} is '{wanted}', but of the {len(before):,} pictures in '{source.name}' {why} (such as "
                f"{before.name_of(0)})"
            )
    forms = in_one_form({file.label for source in found for file in source.files})
    found = [
        replace(source, files=tuple(replace(file, label=forms[file.label]) for file in source.files))
        for source in found
    ]
    check_several({label for source in found for label in source.labels}, sum(map(len, found)), config)
    return found


def check_several(classes: Collection[str], pictures: int, config: DataConfig) -> None:
    """Refuse pictures that are all of one class; that a single one is too few is told elsewhere.

    Raises:
        RequestError: naming it.
    """
    if len(classes) < 2 <= pictures:
        raise RequestError(
            f"{config.section}.labels: all {pictures:,} pictures are of one class, '{next(iter(classes))}': leave "
            f"{config.section}.labels out, or give pictures of two classes and more"
        )


def _with_labels(source: "Source", labels: Sequence[str], reason: str) -> "Source":
    """Give the files of a source their classes; where one is empty, the file is skipped for that reason."""
    if source.avatars is not None:
        return source
    pairs = list(zip(source.files, labels, strict=True))
    skipped = tuple(Skipped(file.shown, reason) for file, label in pairs if not label)
    files = tuple(replace(file, label=label) for file, label in pairs if label)
    return replace(source, files=files, skipped=(*source.skipped, *skipped))


def _by_table(sources: "Sequence[Source]", path: str, key: str) -> "list[Source]":
    """Look up the class of each file in a table."""
    if any(source.avatars is not None for source in sources):
        raise RequestError(
            f"{key} is a table, but avatars are drawn and have no files: write '{FOLDERS}', which takes their styles "
            "for classes"
        )
    table = read_table(path, key)
    names = [matched((os.fsdecode(file.relative) for file in source.files), table.rows) for source in sources]
    twice = [name for name, times in Counter(name for part in names for name in part).items() if times > 1]
    if ambiguous := next((name for name in twice if name in table.rows), None):
        raise RequestError(
            f"{key}: {path}:{table.rows[ambiguous][1]}: '{ambiguous}' is the path of more than one file, in more "
            "than one source or with names that look alike: put the sources into one folder, rename files that look "
            "alike, and write paths relative to that"
        )
    found = [
        _with_labels(
            source, [table.rows.get(name, ("", 0))[0] for name in part], f"no row of {path} names it"
        )
        for source, part in zip(sources, names, strict=True)
    ]
    unusable = {normalize("NFC", item.path) for source in sources for item in source.skipped}
    there = {name for part in names for name in part}
    idle = [name for name in table.rows if name not in there]
    idle = [
        name
        for name in idle
        if not any(item.endswith(f"{os.sep}{normalize('NFC', name)}") for item in unusable)
    ]
    absent = tuple(Skipped(f"{path}:{table.rows[name][1]}: {name}", ABSENT) for name in idle)
    return [replace(found[0], skipped=(*found[0].skipped, *absent)), *found[1:]]
