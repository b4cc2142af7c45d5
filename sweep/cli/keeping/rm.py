"""``sweep rm NAME...``."""

from functools import partial

import click

from sweep.cli.completing import sweep_names
from sweep.cli.keeping.asking import agreed, yes_option
from sweep.cli.options import storage_option


@click.command(name="rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=sweep_names)
@storage_option
@yes_option
def command(names: tuple[str, ...], storage: str, yes: bool) -> None:
    """Remove the sweeps NAME..., with all pictures, checkpoints and records: there is no way back.

    It asks first. A sweep that somebody runs, here or on another machine, is refused ('sweep stop NAME' stops it), and
    nothing is removed then. Exports and reports elsewhere stay. A removal that was interrupted leaves no sweep, and
    the same command ends it.
    """
    from sweep import formatting
    from sweep.commands.keeping.removing import find, remove
    from sweep.storage.opening import open_folder

    place = open_folder(storage)
    say = partial(click.echo, err=True)
    found = list({one.folder: one for one in (find(place, name, say) for name in names)}.values())
    for one in found:
        click.echo(formatting.printable(str(one)))
    total = formatting.size(sum(one.bytes for one in found))
    if not agreed(f"Remove {formatting.count(len(found), 'sweep')}, {total}?", yes, "nothing was removed"):
        return
    for one in found:
        remove(one)
        click.echo(formatting.printable(f"removed {one.name}: {formatting.size(one.bytes)} freed"))
    if len(found) > 1:
        click.echo(f"{total} freed")
