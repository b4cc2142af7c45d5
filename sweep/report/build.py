"""Make the files of a report and write them: the HTML page, figures for papers, the table as CSV."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ganlib import written
from ganlib.errors import RequestError
from sweep.records.catalog import Sweep
from sweep.report.beside.comparison import comparison
from sweep.report.beside.figures import curves, importances
from sweep.report.beside.pasted import latex, markdown
from sweep.report.closest import closest
from sweep.report.page.document import render
from sweep.report.pictures import Album
from sweep.report.results import Results
from sweep.report.table import csv_text
from sweep.storage import layout
from sweep.storage.folder import Folder, explained
from sweep.storage.local import LocalFolder

COMPARISON, CURVES, IMPORTANCE, TRIALS = "comparison.png", "curves.png", "importance.png", "trials.csv"
LATEX, MARKDOWN = "table.tex", "table.md"
BESIDE = (COMPARISON, CURVES, IMPORTANCE, TRIALS, LATEX, MARKDOWN)


def write_report(
    sweeps: Sequence[Sweep], out: Path | None = None, storage: Folder | None = None, full: bool = False
) -> list[str]:
    """Write the HTML page, and beside it `BESIDE`, each if there is something to show.

    Beside a page of another name than ``report.html`` their names begin with its own, as in ``mine-curves.png``: so two
    pages in one folder each keep their files.

    Args:
        sweeps: What to report on; several are compared.
        out: The HTML file; by default ``report.html`` in the sweep's folder, or, of several sweeps, in
            ``reports/`` of ``storage``.
        storage: The folder of the sweeps; needed for several of them without ``out``.
        full: Embed every picture of every trial in full size.

    Returns:
        Where the files are.

    Raises:
        RequestError: if ``out`` is no HTML file, a folder, or below a file, or files of somebody else are in the way.
        WorkError: if the results cannot be read, or the files not written.
    """
    folder, name = _target(sweeps, out, storage)
    own = folder == sweeps[0].folder
    # In any other folder there may be files of somebody else, of which nothing may be lost.
    place = None if own else folder.local()
    before = "" if name == layout.REPORT else f"{Path(name).stem}-"
    if place is not None:
        written.check(place / file for file in (name, *(before + other for other in BESIDE)))
    made = make(sweeps, full=full)
    files = {name: made.pop(layout.REPORT), **{before + other: data for other, data in made.items()}}
    if place is not None:
        with explained("write", str(place)):
            written.write_all(place, files)
    else:
        for file, data in files.items():
            folder.write(file, data)
    return [str(folder.local(file) or f"{folder}/{file}") for file in files]


def make(sweeps: Sequence[Sweep], full: bool = False, live: str = "") -> dict[str, bytes]:
    """Make the files of a report.

    Args:
        sweeps: What to report on.
        full: Embed every picture of every trial in full size.
        live: The state of the results that a served page shows; empty for a page that is a file.

    Returns:
        The content of each file by name; a figure that would show nothing is left out.

    Raises:
        WorkError: if the results cannot be read.
    """
    results = Results.read(sweeps)
    page = render(results, Album.read(results, full), closest(results), live)
    made = {
        layout.REPORT: page.encode(),
        COMPARISON: comparison(results),
        CURVES: curves(results),
        IMPORTANCE: importances(results),
        TRIALS: csv_text(results).encode(),
        LATEX: latex(results).encode(),
        MARKDOWN: markdown(results).encode(),
    }
    return {name: data for name, data in made.items() if data}


def _target(sweeps: Sequence[Sweep], out: Path | None, storage: Folder | None) -> tuple[Folder, str]:
    """Find the folder and the name of the page; see `write_report`."""
    if out is None:
        if len(sweeps) == 1 or storage is None:
            return sweeps[0].folder, layout.REPORT
        names = [sweep.name for sweep in sweeps]
        some = "+".join(names)
        if len(names) > 3:  # those of others begin alike
            some = f"{names[0]}+{len(names) - 1}-more-{hashlib.sha256(some.encode()).hexdigest()[:6]}"
        return storage / "reports" / some, layout.REPORT
    if out.is_dir():
        raise RequestError(f"--out is the folder '{out}'; give a file, such as '{out / layout.REPORT}'")
    if out.suffix.lower() not in (".html", ".htm"):
        raise RequestError(
            f"--out is the HTML file, whose name ends in .html, as in '{out / layout.REPORT}'; not '{out}'"
        )
    written.check_folder(out.parent, "--out")
    return LocalFolder(out.parent), out.name
