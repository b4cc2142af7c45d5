"""``sweep resume [NAME]``."""

from typing import TYPE_CHECKING

import click

from sweep.cli.options import goes_on

if TYPE_CHECKING:
    from sweep.records.catalog import Sweep
    from sweep.runners.base import Options


@click.command(name="resume")
@goes_on
def command(sweep: "Sweep", options: "Options") -> int:
    """Go on with the sweep NAME (the newest by default) where it stopped.

    Finished trials are not run again, unfinished ones go on from their checkpoints, and the sampler and ASHA
    remember what they knew.
    """
    from sweep.cli.suggest import suggest
    from sweep.commands.run import resume

    code = resume(sweep.folder, options)
    if code == 0:
        suggest(sweep.name, options)
    return code
