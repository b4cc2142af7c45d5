"""``sweep continue [NAME] --trial N --kimg +KIMG``: a trial of a sweep, trained on."""

import math
from typing import TYPE_CHECKING

import click

from sweep.cli.options import goes_on

if TYPE_CHECKING:
    from sweep.records.catalog import Sweep
    from sweep.runners.base import Options


def _more(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Read how long to train on from ``+200`` or ``200``."""
    try:
        kimg = None if value is None else float(value.removeprefix("+"))
    except ValueError:
        kimg = math.nan
    if kimg is not None and not 0 < kimg < 1e9:
        raise click.BadParameter(f"give thousands of pictures to train on for, such as +200, got {value!r}")
    return kimg


@click.command(name="continue")
@click.option("--trial", type=click.IntRange(min=0), help="Which trial [default: the winner].")
@click.option(
    "--kimg",
    callback=_more,
    metavar="+KIMG",
    help="For how many thousand pictures more; without it, what was interrupted goes on.",
)
@goes_on
def command(sweep: "Sweep", options: "Options", trial: int | None, kimg: float | None) -> int:
    """Train the winner of the sweep NAME (the newest by default) on, or another trial, as a new trial.

    The new trial begins with the weights of the trial's result, generator and discriminator, and names it as its
    ancestor. Its clock begins at 0 and its optimizers anew; schedules run over the new budget. It is not ranked beside
    the others, which trained for less: 'sweep best NAME/continued' has it. Ctrl-C once: it writes a checkpoint and
    ends; the same command goes on.
    """
    from sweep.commands.inside.continuing import train_on

    return train_on(sweep, options, trial, kimg)
