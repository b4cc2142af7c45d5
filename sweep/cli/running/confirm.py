"""``sweep confirm [NAME]``: the best configurations once more, with fresh seeds."""

from typing import TYPE_CHECKING

import click

from sweep.cli.options import goes_on

if TYPE_CHECKING:
    from sweep.records.catalog import Sweep
    from sweep.runners.base import Options


@click.command(name="confirm")
@click.option(
    "--top", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many configurations."
)
@click.option(
    "--seeds",
    type=click.IntRange(2, 1000),
    default=3,
    show_default=True,
    help="Fresh seeds of each, on average at most.",
)
@click.option("--evenly", is_flag=True, help="As many seeds for each, also where it is clear already.")
@goes_on
def command(sweep: "Sweep", options: "Options", top: int, seeds: int, evenly: bool) -> int:
    """Train the best configurations of the sweep NAME (the newest by default) again, and say how sure they are.

    Each is trained with fresh seeds to the full budget (where its time has ended the sweep: as far as its longest
    trial), without early stopping: two seeds first, then one by one where it is still open which is the best, until
    that is told or --top times --seeds runs are spent. The table shows mean, spread, 95 % interval and the probability
    that each is the best, and whether the winner can be told from the runner-up. Ctrl-C once: the
    runs write a checkpoint and end; the same command goes on, and with more --seeds or --top it adds to what is there.
    """
    from sweep.commands.inside.confirm import confirm

    return confirm(sweep, options, top, seeds, evenly)
