"""``sweep note NAME [TEXT]``."""

import click

from sweep.cli.completing import sweep_names, sweep_tags
from sweep.cli.options import storage_option


@click.command(name="note")
@click.argument("name", shell_complete=sweep_names)
@click.argument("text", required=False)
@storage_option
@click.option(
    "--tag", "more", multiple=True, metavar="TAG", shell_complete=sweep_tags, help="Add a tag (repeatable)."
)
@click.option(
    "--untag",
    "fewer",
    multiple=True,
    metavar="TAG",
    shell_complete=sweep_tags,
    help="Take a tag away (repeatable).",
)
@click.option("--clear", is_flag=True, help="Take the note away; tags stay.")
def command(
    name: str, text: str | None, storage: str, more: tuple[str, ...], fewer: tuple[str, ...], clear: bool
) -> None:
    """Note TEXT of the sweep NAME, in the place of an earlier note, or tag it; without both, print what is noted.

    'sweep ls', 'sweep show' and the report show it. It is kept in the sweep's folder, apart from spec and records, and
    may be changed at any time, also while the sweep runs.
    """
    from ganlib.errors import RequestError
    from sweep import formatting
    from sweep.commands.keeping.noting import say
    from sweep.records.catalog import open_sweep
    from sweep.storage.opening import open_folder

    if clear and text is not None:
        raise RequestError("--clear takes the note away: leave out the text, or --clear")
    sweep = open_sweep(open_folder(storage), name)
    changes = clear or text is not None or more or fewer
    note = say(sweep, "" if clear else text, more, fewer) if changes else sweep.note
    tags = f" [{', '.join(note.tags)}]" if note.tags else ""
    click.echo(formatting.printable(f"{sweep.name}{tags}") + (":" if note.text else ""))
    for line in note.text.splitlines():
        click.echo(f"  {formatting.printable(line)}")
