"""``sweep judge [NAME]``: blind pairs of pictures, judged in a browser."""

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from sweep.cli.options import name_argument, storage_option
from sweep.cli.showing import show as show_page

if TYPE_CHECKING:
    from sweep.records.catalog import Sweep
    from sweep.results.judging.eye import Eye


@click.command(name="judge")
@name_argument
@storage_option
@click.option("--who", metavar="NAME", help="Whose judgements they are [default: your login name].")
@click.option(
    "--trials",
    type=click.IntRange(2, 50),
    default=8,
    show_default=True,
    help="How many of the best take part.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0: any.")
@click.option("--no-browser", is_flag=True, help="Open no browser; the address is printed in any case.")
@click.option("--show", is_flag=True, help="Print what everybody has judged so far, and judge nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def command(
    name: str | None,
    storage: str,
    who: str | None,
    trials: int,
    port: int,
    no_browser: bool,
    show: bool,
    as_json: bool,
) -> None:
    """Judge the pictures of the sweep NAME (the newest by default) by eye, two grids at a time, blind.

    A page on 127.0.0.1 shows the best trials, each at its best, from the same latents. Keys: 1 or 2 for the better
    grid, 0 for no difference, U for undo. Each judgement is saved at once, in the sweep's folder. Ctrl-C ends it and
    prints the scores (Bradley-Terry), with intervals, and how well they agree with the metric; the report and 'sweep
    best' tell them too. Works while the sweep runs, and without a network.
    """
    from sweep.records.catalog import open_sweep
    from sweep.storage.opening import open_folder

    sweep = open_sweep(open_folder(storage), name)
    if show:
        from sweep.results.judging.eye import eyes
        from sweep.results.ranking import board_of

        tell(sweep, eyes(sweep, board_of(sweep)), as_json)
        return
    from sweep.report.judging.server import JudgeServer
    from sweep.report.judging.sitting import Sitting
    from sweep.results.judging.judgements import checked_name

    sitting = Sitting(sweep, login() if who is None else checked_name(who), trials)
    with JudgeServer(sitting, port) as server:
        for note in sitting.notes:
            click.echo(f"note: {note}", err=True)
        show_page(server.url, server.port, not no_browser, "Ctrl-C ends it and prints the scores", as_json)
        server.wait()
    found = sitting.eye()
    click.echo(f"\n{sitting.judged} judged just now, as {sitting.who}", err=True)
    tell(sweep, [found] if found.matches or found.other else [], as_json)


def tell(sweep: "Sweep", found: "Sequence[Eye]", as_json: bool) -> None:
    """Print the scores of some people, for people or for programs."""
    from sweep.records.schemas import to_json
    from sweep.results.judging.eye import as_dict
    from sweep.terminal.eye import show

    if as_json:
        click.echo(to_json({"sweep": sweep.name, "eyes": [as_dict(eye) for eye in found]}, indent=2))
        return
    for eye in found:
        show(eye)
    if not found:
        click.echo(f"nobody has judged pictures of '{sweep.name}' yet")


def login() -> str:
    """Give the name of whoever runs this, as it can stand in a path."""
    from ganlib.errors import RequestError
    from sweep.results.judging.judgements import checked_name

    try:
        return checked_name(getpass.getuser())
    except (
        KeyError,
        OSError,
        RequestError,
    ):  # a container's user without a name, or one with other characters
        return "me"
