"""``sweep init PICTURES/``."""

import time as clock

import click

from sweep.cli.options import LENGTH, local_option, set_option


@click.command(name="init")
@click.argument("pictures", metavar="PICTURES")
@click.option("--name", help="Name of the sweep [default: the folder's].")
@click.option(
    "--time",
    type=LENGTH,
    metavar="TIME",
    help="Fit trials and rungs into a time on this machine, such as 30m or 2h.",
)
@local_option
@set_option
def command(
    pictures: str, name: str | None, time: float | None, local: bool, overrides: tuple[str, ...]
) -> None:
    """Print a spec for a folder of pictures, with a reason at each choice.

    With --time it is fitted to this machine, as that of 'sweep run PICTURES' is; otherwise it has eight trials.
    Redirect it into a file, change what you like, and give that file to 'sweep run'.
    """
    from sweep.commands.folder.asked import Asked
    from sweep.commands.folder.pictures import spec_of

    asked = Asked(pictures, name, overrides, "", time, local, clock.monotonic())
    _, text = spec_of(asked, lambda line: click.echo(line, err=True))
    click.echo(text, nl=False)
