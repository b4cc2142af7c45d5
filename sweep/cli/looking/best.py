"""``sweep best [NAME]``: the leaderboard, and the export of the winner."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweep.cli.options import moved_option, name_argument, storage_option
from sweep.terminal import tradeoffs
from sweep.terminal.leaderboard import GROUPS, Best

if TYPE_CHECKING:
    from sweep.records.catalog import Sweep
    from sweep.results.leaderboard import Leaderboard


@click.command(name="best")
@name_argument
@storage_option
@click.option("--metric", metavar="kid|fid|mmd|mind", help="Rank by this metric [default: the sweep's].")
@click.option(
    "--top", type=click.IntRange(min=1), help="How many to show [default: 10, with --by 1 of each]."
)
@click.option("--by", type=click.Choice(list(GROUPS)), help="The best within each family, variant or loss.")
@click.option("--pareto", is_flag=True, help="Those that none beats in quality, variety and cost together.")
@click.option(
    "--trial", type=click.IntRange(min=0), help="With --export: that trial's generator, not the winner's."
)
@click.option("--export", "out", type=click.Path(path_type=Path), help="Write the winner's generator there.")
@click.option("--force", is_flag=True, help="Replace an earlier export; other files there stay.")
@moved_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    name: str | None,
    storage: str,
    metric: str | None,
    top: int | None,
    by: str | None,
    pareto: bool,
    trial: int | None,
    out: Path | None,
    force: bool,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Rank the trials of the sweep NAME (the newest by default), best first; export the winner.

    A trial's result is its best generator, measured once more when the trial had ended. Collapsed and failed trials
    never win. --export writes the best result of the winning configuration, from the sweep or from its confirmation.

    Where the spec has wishes beside the metric (search.subject_to), trials whose result breaks one are left out, the
    nearest first.

    Each trial is one seed, so that small differences may be luck: 'sweep
    confirm' trains the best again with fresh seeds, and what it found is shown here.
    """
    from ganlib import written
    from ganlib.errors import RequestError
    from sweep.records.catalog import open_sweep
    from sweep.records.schemas import to_json
    from sweep.results.ranking import board_of
    from sweep.results.tradeoffs.offers import Tradeoffs
    from sweep.storage.opening import open_folder

    if pareto and (by or top):
        raise RequestError("--pareto shows all trials that none beats: leave out --by and --top")
    if out is None and (force or trial is not None):
        raise RequestError(f"{'--force' if force else '--trial'} belongs to --export DIR")
    if out is not None:
        written.check_folder(out, "--export")
    if overrides and out is None:
        raise RequestError("--set belongs to --export DIR: only an export needs the pictures")
    sweep = open_sweep(open_folder(storage), name)
    if overrides:
        from sweep.commands.moved import move_pictures

        move_pictures(sweep.folder, overrides, lambda line: click.echo(line, err=True))
    board = board_of(sweep, metric, seen=as_json)  # a table does not show what a trial had before its result
    best = Best.of(sweep, board, by, top)
    found = Tradeoffs.of(board.ranked, board.metric, sweep.info.wishes) if pareto else None
    exported = None if out is None else _exported(sweep, board, trial, out, force)  # before anything is shown
    if as_json:
        told = best.as_dict() | ({"pareto": found.plain()} if found else {})
        click.echo(to_json(told, indent=2))
    elif found:
        tradeoffs.show(sweep.name, board, found)
    else:
        best.show()
    if exported is not None:
        click.echo(f"exported {exported}, to {out}", err=as_json)
        click.echo(f"to play with it: sweep play {shlex.quote(str(out))}", err=as_json)


def _exported(sweep: "Sweep", board: "Leaderboard", trial: int | None, out: Path, force: bool) -> str:
    """Export a trial's generator, the winner's by default; gives which one that is, in words."""
    from ganlib.errors import RequestError

    if board.metric != sweep.info.metric:
        raise RequestError(
            f"the sweep kept generators at their best {sweep.info.metric}, so that is what can be exported: "
            f"leave out --metric {board.metric}"
        )
    from sweep.commands.exporting.choosing import generator_of
    from sweep.commands.exporting.export import export
    from sweep.results.choice import words

    chosen, notes = generator_of(sweep, board, trial)
    for note in [*notes, *export(sweep, chosen, out, force)]:
        click.echo(f"note: {note}", err=True)
    return words(chosen, board)
