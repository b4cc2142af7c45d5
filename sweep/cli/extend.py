"""``sweep extend [NAME] --trials +N --kimg KIMG``."""

import sys

import click

from sweep.cli.run import address_option, json_option, local_option, moved_option, storage_option


def _more(context: click.Context, option: click.Parameter, value: str) -> int:
    """``+50`` or ``50``: how many trials to add."""
    if not value:
        return 0
    text = value.removeprefix("+")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 100_000):
        raise click.BadParameter(f"give how many trials to add, such as +50, got {value!r}")
    return int(text[:9])


@click.command(name="extend")
@click.argument("name", required=False)
@click.option("--trials", "more", default="", callback=_more, metavar="+N", help="How many trials to add.")
@click.option(
    "--kimg", type=click.FloatRange(min=0, min_open=True), help="Train up to so many thousand pictures."
)
@local_option
@address_option
@storage_option
@moved_option
@json_option
def command(
    name: str | None,
    more: int,
    kimg: float | None,
    local: bool,
    address: str | None,
    storage: str,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add trials to the sweep NAME (the newest by default), or a longer budget, and go on with it.

    New trials are searched with all that the sampler has learned, and meet the same rungs. With a longer budget, the
    trials that finished while they were still improving go on from their checkpoints, and so do new ones.
    """
    from sweep.console import view_for
    from sweep.moved import move_pictures
    from sweep.run import resume
    from sweep.runners import Options
    from sweep.storage import Folder
    from sweep.sweeps import open_sweep

    if not more and kimg is None:
        raise click.UsageError("give --trials +N, --kimg KIMG, or both")
    sweep = open_sweep(Folder.open(storage), name)
    move_pictures(sweep.folder, overrides, view_for(as_json).say)
    sys.exit(resume(sweep.folder, Options(storage, local, address, as_json), more, kimg))
