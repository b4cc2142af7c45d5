"""Say what became of the pictures of a folder that were translated."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ganlib import written
from ganlib.errors import RequestError
from sweep.formatting import count

if TYPE_CHECKING:
    from ganlib.export.folders import Translated

_SHOWN = 20  # files that are named one by one


def check_folder(out: Path) -> None:
    """Refuse an ``--out`` that is no folder, before anything is loaded."""
    from ganlib.data.formats import SUFFIXES

    if out.is_file() or (out.suffix.lower() in {*SUFFIXES, ".mp4"} and not out.is_dir()):
        raise RequestError(f"--out: '{out}' is the name of a file; with --input give a folder")
    written.check_folder(out, "--out")


def told(done: "Translated", trained: int) -> Iterator[str]:
    """Say what became of the files; ``trained`` is the side of the pictures that the network learned from."""
    for line in done.left_out:
        yield f"left out: {line}"
    for item in done.skipped[:_SHOWN]:
        yield f"skipped: {item.path}: {item.reason}"
    if len(done.skipped) > _SHOWN:
        yield f"skipped: and {len(done.skipped) - _SHOWN:,} more"
    if done.renamed:
        several = f"{len(done.renamed):,} pictures keep the suffix of their file in their name"
        yield f"note: {several}, such as '{done.renamed[0]}', because they would have had one name without it"
    if done.far:
        least, most = min(done.far), max(done.far)
        sides = f"of {least:,} pixels" if least == most else f"of {least:,} to {most:,} pixels"
        yield (
            f"warning: {len(done.far):,} of {done.count:,} pictures have shorter sides {sides}, far from the {trained} "
            f"that were trained, and may look unlike those of training; --size {trained} scales them first"
        )
    if done.skipped:
        yield f"{count(done.count, 'picture')} translated, {len(done.skipped):,} skipped"
