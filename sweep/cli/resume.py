"""``sweep resume [NAME]``."""

import sys

import click

from sweep.cli.run import address_option, json_option, local_option, moved_option, storage_option


@click.command(name="resume")
@click.argument("name", required=False)
@local_option
@address_option
@storage_option
@moved_option
@json_option
def command(
    name: str | None,
    local: bool,
    address: str | None,
    storage: str,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Go on with the sweep NAME (the newest by default) where it stopped.

    Finished trials are not run again, unfinished ones go on from their checkpoints, and the sampler and ASHA
    remember what they knew.
    """
    from sweep.console import view_for
    from sweep.moved import move_pictures
    from sweep.run import resume
    from sweep.runners import Options
    from sweep.storage import Folder
    from sweep.sweeps import open_sweep

    sweep = open_sweep(Folder.open(storage), name)
    move_pictures(sweep.folder, overrides, view_for(as_json).say)
    sys.exit(resume(sweep.folder, Options(storage, local, address, as_json)))
