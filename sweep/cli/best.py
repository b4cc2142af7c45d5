"""``sweep best [NAME]``: the leaderboard, and the export of the winner."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sweep.cli.run import storage_option

if TYPE_CHECKING:
    from sweep.rank import Entry, Leaderboard
    from sweep.sweeps import Sweep

OTHER = {"kid": "fid", "fid": "kid"}


@click.command(name="best")
@click.argument("name", required=False)
@storage_option
@click.option("--metric", metavar="kid|fid", help="Rank by this metric [default: the sweep's].")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many to show.")
@click.option("--export", "out", type=click.Path(path_type=Path), help="Write the winner's generator there.")
@click.option("--force", is_flag=True, help="Write the export into a folder that is not empty.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    name: str | None,
    storage: str,
    metric: str | None,
    top: int,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Rank the trials of the sweep NAME (the newest by default), best first; export the winner.

    Collapsed and failed trials never win. Each trial is one seed: small differences may be luck.
    """
    from ganlib.errors import RequestError
    from sweep.rank import leaderboard
    from sweep.schemas import to_json
    from sweep.storage import Folder
    from sweep.sweeps import open_sweep

    if force and out is None:
        raise RequestError("--force belongs to --export DIR")
    sweep = open_sweep(Folder.open(storage), name)
    board = leaderboard(sweep.store, metric or sweep.metric)
    if as_json:
        click.echo(to_json(_as_dict(sweep, board, top), indent=2))
    else:
        _print(sweep, board, top)
    if out is not None:
        if not board.ranked:
            raise RequestError(f"there is nothing to export: no trial of '{sweep.name}' can be ranked yet")
        from sweep.winner import export

        winner = board.ranked[0]
        export(sweep.folder, winner.row, out, force)
        click.echo(f"exported trial {winner.trial} to {out}", err=as_json)


def _print(sweep: "Sweep", board: "Leaderboard", top: int) -> None:
    from sweep import tables, text

    click.echo(text.printable(f"{sweep.name}: {board.label}, smaller is better; one seed each"))
    if board.ranked:
        other = OTHER[board.metric]
        shown = board.ranked[:top]
        names = [path for path in shown[0].params if any(e.params.get(path) is not None for e in shown)]
        columns = [
            tables.Column("rank", right=True),
            tables.Column("trial", right=True),
            tables.Column("status"),
            tables.Column(board.column(board.metric), right=True),
            tables.Column(board.column(other), right=True, droppable=True),
            tables.Column("at kimg", right=True),
            *(tables.Column(short, right=True, droppable=True) for short in text.short_names(names)),
        ]
        tables.show(columns, [_cells(entry, board.metric, other, names) for entry in shown])
        if len(board.ranked) > top:
            click.echo(f"and {len(board.ranked) - top} more (--top {len(board.ranked)})")
    else:
        click.echo("no trial can be ranked yet")
    for reason, trials in _left_out(board).items():
        click.echo(f"left out: {reason} ({text.trial_numbers(trials)})")


def _cells(entry: "Entry", metric: str, other: str, names: list[str]) -> list[str]:
    from sweep import text

    values = {"kid": text.with_error(entry.kid, entry.kid_se), "fid": text.number(entry.fid)}
    head = [str(entry.rank), str(entry.trial), entry.status, values[metric], values[other]]
    return [*head, text.kimg(entry.kimg), *(text.value(entry.params.get(path)) for path in names)]


def _left_out(board: "Leaderboard") -> dict[str, list[int]]:
    from sweep.text import printable

    reasons: dict[str, list[int]] = {}
    for entry in board.left_out:
        reasons.setdefault(printable(entry.reason or ""), []).append(entry.trial)
    return reasons


def _as_dict(sweep: "Sweep", board: "Leaderboard", top: int) -> dict[str, Any]:
    from dataclasses import asdict

    def plain(entry: "Entry") -> dict[str, Any]:
        kept = {key: value for key, value in vars(entry).items() if key not in ("row", "reason", "rank")}
        return kept | {"verdict": entry.row["verdict"], "params": entry.params}

    return {
        "sweep": sweep.name,
        "metric": board.metric,
        "label": board.label,
        "identity": asdict(board.identity) if board.identity else None,
        "seeds": 1,
        "trials": len(board.entries),
        "ranked": [{"rank": entry.rank, **plain(entry)} for entry in board.ranked[:top]],
        "left_out": [{**plain(entry), "reason": entry.reason} for entry in board.left_out],
    }
