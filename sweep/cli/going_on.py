"""Share what commands need that go on with a sweep: which one, where its pictures are now, and how to run."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from sweep.cli.run import address_option, json_option, local_option, moved_option, storage_option


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
