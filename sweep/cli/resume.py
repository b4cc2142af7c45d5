"""``sweep resume [NAME]``, and what it shares with other commands that go on with a sweep."""

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sweep.cli.run import address_option, json_option, local_option, moved_option, storage_option

if TYPE_CHECKING:
    from sweep.records.catalog import Sweep
    from sweep.runners.base import Options


def goes_on(work: Callable[..., int]) -> Callable[..., None]:
    """Make the function of a command from ``work(sweep, options, **own)``, which returns the exit code."""

    @functools.wraps(work)
    def command(
        name: str | None,
        local: bool,
        address: str | None,
        storage: str,
        overrides: tuple[str, ...],
        as_json: bool,
        **own: Any,  # noqa: ANN401 - whatever options the command has of its own
    ) -> None:
        from sweep.commands.moved import move_pictures
        from sweep.records.catalog import open_sweep
        from sweep.runners.base import Options
        from sweep.storage.opening import open_folder
        from sweep.terminal.views import view_for

        sweep = open_sweep(open_folder(storage), name)
        move_pictures(sweep.folder, overrides, view_for(as_json).say)
        sys.exit(work(sweep, Options(storage, local, address, as_json), **own))

    for option in (json_option, moved_option, storage_option, address_option, local_option):
        command = option(command)
    return click.argument("name", required=False)(command)


@click.command(name="resume")
@goes_on
def command(sweep: "Sweep", options: "Options") -> int:
    """Go on with the sweep NAME (the newest by default) where it stopped.

    Finished trials are not run again, unfinished ones go on from their checkpoints, and the sampler and ASHA
    remember what they knew.
    """
    from sweep.commands.run import resume

    return resume(sweep.folder, options)
