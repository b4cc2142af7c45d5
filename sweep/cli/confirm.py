"""``sweep confirm [NAME]``: the best configurations once more, with fresh seeds."""

import sys

import click

from sweep.cli.run import address_option, json_option, local_option, moved_option, storage_option


@click.command(name="confirm")
@click.argument("name", required=False)
@click.option(
    "--top", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many configurations."
)
@click.option(
    "--seeds", type=click.IntRange(2, 1000), default=3, show_default=True, help="Fresh seeds of each."
)
@local_option
@address_option
@storage_option
@moved_option
@json_option
def command(
    name: str | None,
    top: int,
    seeds: int,
    local: bool,
    address: str | None,
    storage: str,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train the best configurations of the sweep NAME (the newest by default) again, and say how sure they are.

    Each is trained with fresh seeds to the full budget, without early stopping. The table shows mean, spread and
    95 % interval, and whether the winner can be told from the runner-up. Ctrl-C once: the runs write a checkpoint
    and end; the same command goes on, and with more --seeds or --top it adds to what is there.
    """
    from ganlib.errors import RequestError
    from sweep.confirm import confirm
    from sweep.console import view_for
    from sweep.moved import move_pictures
    from sweep.runners import Options
    from sweep.storage import Folder
    from sweep.sweeps import open_sweep

    if local and address:
        raise RequestError("--local runs without Ray, so that --address has no meaning; give one of them")
    sweep = open_sweep(Folder.open(storage), name)
    move_pictures(sweep.folder, overrides, view_for(as_json).say)
    sys.exit(confirm(sweep, Options(storage, local, address, as_json), top, seeds))
