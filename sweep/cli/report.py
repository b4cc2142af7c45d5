"""``sweep report [NAME]``: the comparison report."""

from pathlib import Path

import click

from sweep.cli.run import storage_option


@click.command(name="report")
@click.argument("name", required=False)
@storage_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The HTML file to write [default: report.html in the sweep's folder].",
)
def command(name: str | None, storage: str, out: Path | None) -> None:
    """Write the report of the sweep NAME (the newest by default): an HTML file and comparison.png beside it.

    Works while the sweep runs. The file needs no network and can be sent to others as it is.
    """
    from sweep.report import write_report
    from sweep.storage import Folder
    from sweep.sweeps import open_sweep

    for path in write_report(open_sweep(Folder.open(storage), name), out):
        click.echo(path)
