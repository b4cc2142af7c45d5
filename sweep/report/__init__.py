"""The comparison report of a sweep: one HTML file that needs nothing else, and a picture for papers.

It can be written at any time, also while the sweep runs; what is not there yet is left out or said to be
missing.
"""

from pathlib import Path

from ganlib.errors import RequestError
from sweep.report.comparison import comparison
from sweep.report.facts import Facts
from sweep.report.page import render
from sweep.report.pictures import Album
from sweep.storage import Folder, LocalFolder
from sweep.sweeps import Sweep

PAGE = "report.html"
COMPARISON = "comparison.png"


def write_report(sweep: Sweep, out: Path | None = None) -> list[str]:
    """Write the HTML page, and ``comparison.png`` beside it if there are pictures.

    Args:
        sweep: What to report on.
        out: The HTML file; ``report.html`` in the sweep's folder by default.

    Returns:
        Where the files are.

    Raises:
        RequestError: if ``out`` is a folder.
        WorkError: if the results cannot be read, or the files not written.
    """
    folder, name = _target(sweep, out)
    facts = Facts.read(sweep)
    album = Album.read(facts)
    files = {name: render(facts, album).encode()}
    if sheet := comparison(facts, album):
        files[COMPARISON] = sheet
    for file, data in files.items():
        folder.write(file, data)
    return [str(folder.local(file) or f"{folder}/{file}") for file in files]


def _target(sweep: Sweep, out: Path | None) -> tuple[Folder, str]:
    if out is None:
        return sweep.folder, PAGE
    if out.is_dir():
        raise RequestError(f"--out is the folder '{out}'; give a file, such as '{out / PAGE}'")
    if out.name == COMPARISON:
        raise RequestError(f"--out is the HTML file; '{COMPARISON}' is written beside it")
    return LocalFolder(out.parent), out.name
