"""``sweep extend [NAME] --trials +N``."""

import sys

import click

from sweep.cli.run import address_option, json_option, local_option, moved_option, storage_option


def _more(context: click.Context, option: click.Parameter, value: str) -> int:
    """``+50`` or ``50``: how many trials to add."""
    text = value.removeprefix("+")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 100_000):
        raise click.BadParameter(f"give how many trials to add, such as +50, got {value!r}")
    return int(text[:9])


@click.command(name="extend")
@click.argument("name", required=False)
@click.option("--trials", "more", required=True, callback=_more, metavar="+N", help="How many trials to add.")
@local_option
@address_option
@storage_option
@moved_option
@json_option
def command(
    name: str | None,
    more: int,
    local: bool,
    address: str | None,
    storage: str,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add trials to the sweep NAME (the newest by default), finished or not, and go on with it.

    The new trials are searched with all that the sampler has learned, and meet the same rungs.
    """
    from sweep.console import view_for
    from sweep.moved import move_pictures
    from sweep.run import resume
    from sweep.runners import Options
    from sweep.storage import Folder
    from sweep.sweeps import open_sweep

    sweep = open_sweep(Folder.open(storage), name)
    move_pictures(sweep.folder, overrides, view_for(as_json).say)
    sys.exit(resume(sweep.folder, Options(storage, local, address, as_json), more))
