"""``sweep best [NAME]``: the leaderboard, and the export of the winner."""

from pathlib import Path

import click

from sweep.best import GROUPS, Best
from sweep.cli.run import storage_option


@click.command(name="best")
@click.argument("name", required=False)
@storage_option
@click.option("--metric", metavar="kid|fid", help="Rank by this metric [default: the sweep's].")
@click.option(
    "--top", type=click.IntRange(min=1), help="How many to show [default: 10, with --by 1 of each]."
)
@click.option("--by", type=click.Choice(list(GROUPS)), help="The best within each family, variant or loss.")
@click.option("--export", "out", type=click.Path(path_type=Path), help="Write the winner's generator there.")
@click.option("--force", is_flag=True, help="Replace an earlier export; other files there stay.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    name: str | None,
    storage: str,
    metric: str | None,
    top: int | None,
    by: str | None,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Rank the trials of the sweep NAME (the newest by default), best first; export the winner.

    Collapsed and failed trials never win. Each trial is one seed, so that small differences may be luck: 'sweep
    confirm' trains the best again with fresh seeds, and what it found is shown here.
    """
    from ganlib.errors import RequestError
    from sweep.rank import leaderboard
    from sweep.schemas import to_json
    from sweep.storage import Folder
    from sweep.sweeps import open_sweep

    if force and out is None:
        raise RequestError("--force belongs to --export DIR")
    sweep = open_sweep(Folder.open(storage), name)
    board = leaderboard(sweep.store, metric or sweep.metric, sweep.floors)
    best = Best.of(sweep, board, by, top)
    if as_json:
        click.echo(to_json(best.as_dict(), indent=2))
    else:
        best.show()
    if out is not None:
        if not board.ranked:
            raise RequestError(f"there is nothing to export: no trial of '{sweep.name}' can be ranked yet")
        if board.metric != sweep.metric:
            raise RequestError(
                f"the sweep kept generators at their best {sweep.metric}, so that is what can be exported: leave out "
                f"--metric {board.metric}"
            )
        from sweep.winner import export

        winner = board.ranked[0].trial
        for note in export(sweep, winner, out, force):
            click.echo(f"note: {note}", err=True)
        click.echo(f"exported trial {winner} to {out}", err=as_json)
