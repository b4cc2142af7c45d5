"""``sweep extend [NAME] --trials +N --kimg KIMG --time TIME``."""

from typing import TYPE_CHECKING

import click

from sweep.cli.options import LENGTH, Finite, goes_on

if TYPE_CHECKING:
    from sweep.records.catalog import Sweep
    from sweep.runners.base import Options


def _more(context: click.Context, option: click.Parameter, value: str) -> int:
    """Read how many trials to add from ``+50`` or ``50``."""
    if not value:
        return 0
    text = value.removeprefix("+")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 100_000):
        raise click.BadParameter(f"give how many trials to add, such as +50, got {value!r}")
    return int(text[:9])


@click.command(name="extend")
@click.option("--trials", "more", default="", callback=_more, metavar="+N", help="How many trials to add.")
@click.option("--kimg", type=Finite(min=0, min_open=True), help="Train up to so many thousand pictures.")
@click.option("--time", type=LENGTH, metavar="TIME", help="Go on for so long, such as 30m or 2h.")
@goes_on
def command(sweep: "Sweep", options: "Options", more: int, kimg: float | None, time: float | None) -> int:
    """Add trials to the sweep NAME (the newest by default), a longer budget or more time, and go on with it.

    New trials are searched with all that the sampler has learned, and meet the same rungs. With a longer budget, the
    trials that finished while they were still improving go on from their checkpoints, and so do new ones. A time that
    the sweep was given counts no longer.
    """
    from sweep.cli.suggest import suggest
    from sweep.commands.run import resume

    if not more and kimg is None and time is None:
        raise click.UsageError("give --trials +N, --kimg KIMG or --time TIME, or several of them")
    code = resume(sweep.folder, options, more, kimg, time)
    if code == 0:
        suggest(sweep.name, options)
    return code
