"""``sweep watch [NAME]``."""

import click

from sweep.cli.options import json_option, name_argument, storage_option


@click.command(name="watch")
@name_argument
@storage_option
@json_option
def command(name: str | None, storage: str, as_json: bool) -> None:
    """Look on while the sweep NAME (the newest by default) runs: the live table of 'sweep run'.

    From any terminal or machine that sees the storage folder; it only reads. Ends with the sweep, or with Ctrl-C,
    which stops the looking, not the sweep.
    """
    from sweep.commands.watch import watch
    from sweep.records.catalog import open_sweep
    from sweep.storage.opening import open_folder
    from sweep.terminal.views import view_for

    watch(open_sweep(open_folder(storage), name), view_for(as_json, looking_on=True))
