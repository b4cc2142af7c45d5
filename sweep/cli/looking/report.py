"""``sweep report [NAME...]``: the comparison report."""

from pathlib import Path

import click

from sweep.cli.completing import sweep_names
from sweep.cli.options import storage_option


@click.command(name="report")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=sweep_names)
@storage_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The HTML file to write, whose name ends in .html [default: report.html in the sweep's folder].",
)
@click.option("--latest", is_flag=True, help="The newest sweep, which is also the default.")
@click.option("--full", is_flag=True, help="Embed every picture of every trial in full size.")
@click.option("--serve", is_flag=True, help="Serve it on this machine only, and refresh it as results land.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="For --serve; 0: any."
)
def command(
    names: tuple[str, ...],
    storage: str,
    out: Path | None,
    latest: bool,
    full: bool,
    serve: bool,
    port: int,
) -> None:
    """Write the report of the sweeps NAME... (the newest by default): an HTML file, and files for papers beside it.

    Works while a sweep runs. The HTML file needs no network and can be sent to others as it is. Beside it are
    comparison.png, curves.png, trials.csv, importance.png where there are trials enough to judge by (8), and the best
    ones as table.tex and table.md, to paste; beside mine.html they are called mine-curves.png and so on.
    Several sweeps are compared with each other.
    """
    from ganlib.errors import RequestError, WorkError
    from sweep.records.catalog import open_sweep
    from sweep.report.build import write_report
    from sweep.storage.folder import StorageError
    from sweep.storage.opening import open_folder

    if latest and names:
        raise RequestError(f"--latest is the newest sweep: leave out {', '.join(names)}, or --latest")
    folder = open_folder(storage)
    named = {sweep.folder: sweep for sweep in (open_sweep(folder, name) for name in names)}
    sweeps = list(named.values()) or [open_sweep(folder)]
    if serve:
        if out is not None:
            raise RequestError("--serve writes no file: leave out --out")
        from sweep.report.serve import Server

        with Server(sweeps, port, full) as server:
            click.echo(f"{server.url} (Ctrl-C ends it)")
            server.run()
        return
    try:
        written = write_report(sweeps, out, folder, full)
    except StorageError as error:
        elsewhere = "; --out FILE writes the report elsewhere" if out is None else ""
        raise WorkError(f"{error}{elsewhere}") from error
    for path in written:
        click.echo(path)
