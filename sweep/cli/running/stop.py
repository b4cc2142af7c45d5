"""``sweep stop [NAME]``."""

import click

from sweep.cli.options import name_argument, storage_option


@click.command(name="stop")
@name_argument
@storage_option
@click.option("--no-wait", is_flag=True, help="Return at once, not when all has been written.")
def command(name: str | None, storage: str, no_wait: bool) -> None:
    """Stop the sweep NAME (the one that runs by default): as Ctrl-C in its terminal, from any machine.

    From any terminal or machine that sees the storage folder. Running trials write a checkpoint and end;
    'sweep resume' goes on. Where nobody runs the sweep, nothing is done.
    """
    from sweep.commands.stop import stop
    from sweep.storage.opening import open_folder

    stop(open_folder(storage), name, not no_wait, click.echo)
