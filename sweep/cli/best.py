"""``sweep best [NAME]``: the leaderboard, and the export of the winner."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sweep.cli.run import storage_option

if TYPE_CHECKING:
    from sweep.confirmed import Confirmation
    from sweep.rank import Entry, Leaderboard
    from sweep.sweeps import Sweep

OTHER = {"kid": "fid", "fid": "kid"}
GROUPS = {"family": "model.family", "variant": "model.variant", "loss": "train.loss"}
NAMED = 12
"""Trials of one reason that are named; --json names all."""


@click.command(name="best")
@click.argument("name", required=False)
@storage_option
@click.option("--metric", metavar="kid|fid", help="Rank by this metric [default: the sweep's].")
@click.option(
    "--top", type=click.IntRange(min=1), help="How many to show [default: 10, with --by 1 of each]."
)
@click.option("--by", type=click.Choice(list(GROUPS)), help="The best within each family, variant or loss.")
@click.option("--export", "out", type=click.Path(path_type=Path), help="Write the winner's generator there.")
@click.option("--force", is_flag=True, help="Write the export into a folder that is not empty.")
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
    from sweep.confirmed import confirmation
    from sweep.rank import leaderboard
    from sweep.schemas import to_json
    from sweep.storage import Folder
    from sweep.sweeps import open_sweep

    if force and out is None:
        raise RequestError("--force belongs to --export DIR")
    sweep = open_sweep(Folder.open(storage), name)
    board = leaderboard(sweep.store, metric or sweep.metric, sweep.floors)
    found = confirmation(sweep)
    groups = _groups(sweep, board, by)
    if as_json:
        click.echo(to_json(_as_dict(sweep, board, found, by, groups, top), indent=2))
    else:
        _print(sweep, board, found, by, groups, top)
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


def _groups(sweep: "Sweep", board: "Leaderboard", by: str | None) -> "dict[str, list[Entry]]":
    """The ranked trials by group; all in one without --by."""
    from sweep.rank import best_within

    if by is None:
        return {"": list(board.ranked)}
    path = GROUPS[by]
    section, _, key = path.partition(".")
    fixed = (sweep.spec().get(section) or {}).get(key)
    return best_within(board, path, fixed)


def _print(
    sweep: "Sweep",
    board: "Leaderboard",
    found: "Confirmation | None",
    by: str | None,
    groups: "dict[str, list[Entry]]",
    top: int | None,
) -> None:
    from sweep import confirmed, tables, text

    click.echo(text.printable(f"{sweep.name}: {board.label}, smaller is better; one seed each"))
    count = top or (1 if by else 10)
    rows = [(group, entry) for group, entries in groups.items() for entry in entries[:count]]
    if rows:
        other = OTHER[board.metric]
        names = [path for path in rows[0][1].params if any(e.params.get(path) is not None for _, e in rows)]
        names = [path for path in names if by is None or path != GROUPS[by]]
        columns = [
            *([tables.Column(by)] if by else []),
            tables.Column("rank", right=True),
            tables.Column("trial", right=True),
            tables.Column("status"),
            tables.Column(board.column(board.metric), right=True),
            tables.Column("floor", right=True, droppable=True),
            tables.Column(board.column(other), right=True, droppable=True),
            tables.Column("at kimg", right=True),
            *(tables.Column(short, right=True, droppable=True) for short in text.short_names(names)),
        ]
        tables.show(
            columns, [[*([g] if by else []), *_cells(e, board.metric, other, names)] for g, e in rows]
        )
    else:
        click.echo("no trial can be ranked yet")
    if by:
        for group, entries in groups.items():
            if not entries:
                click.echo(text.printable(f"{by} {group}: no trial can be ranked"))
    elif len(board.ranked) > count:
        click.echo(f"and {len(board.ranked) - count} more (--top {len(board.ranked)})")
    if found:
        for repeats in found.repeats:
            coming = f" ({text.count(repeats.pending, 'run')} to come)" if repeats.pending else ""
            click.echo(f"confirmed: trial {repeats.trial}: {confirmed.label(found, repeats.trial)}{coming}")
        click.echo(f"confirmed: {confirmed.verdict(found)}")
    for suspicion in board.suspicions:
        click.echo(f"suspicious: {suspicion}")
    for reason, trials in _left_out(board).items():
        click.echo(f"left out: {reason} ({text.trial_numbers(trials, NAMED)})")


def _cells(entry: "Entry", metric: str, other: str, names: list[str]) -> list[str]:
    from sweep import text

    values = {"kid": text.with_error(entry.kid, entry.kid_se), "fid": text.number(entry.fid)}
    floor = text.number(getattr(entry.floor, metric, None))
    head = [str(entry.rank), str(entry.trial), entry.status, values[metric], floor, values[other]]
    return [*head, text.kimg(entry.kimg), *(text.value(entry.params.get(path)) for path in names)]


def _left_out(board: "Leaderboard") -> dict[str, list[int]]:
    from sweep.text import printable

    reasons: dict[str, list[int]] = {}
    for entry in board.left_out:
        reasons.setdefault(printable(entry.reason or ""), []).append(entry.trial)
    return reasons


def _as_dict(
    sweep: "Sweep",
    board: "Leaderboard",
    found: "Confirmation | None",
    by: str | None,
    groups: "dict[str, list[Entry]]",
    top: int | None,
) -> dict[str, Any]:
    from dataclasses import asdict

    from sweep import confirmed

    count = top or (1 if by else 10)

    def plain(entry: "Entry") -> dict[str, Any]:
        hidden = ("row", "reason", "rank", "floor")
        kept = {key: value for key, value in vars(entry).items() if key not in hidden}
        kept["floor"] = getattr(entry.floor, board.metric, None)
        sure = confirmed.label(found, entry.trial)
        return kept | {"verdict": entry.row["verdict"], "params": entry.params, "confidence": sure}

    def ranked(entries: "list[Entry]") -> list[dict[str, Any]]:
        return [{"rank": entry.rank, **plain(entry)} for entry in entries[:count]]

    told: dict[str, Any] = {
        "sweep": sweep.name,
        "metric": board.metric,
        "label": board.label,
        "identity": asdict(board.identity) if board.identity else None,
        "seeds": 1,
        "trials": len(board.entries),
    }
    if by:
        told |= {"by": by, "groups": {group: ranked(entries) for group, entries in groups.items()}}
    else:
        told["ranked"] = ranked(groups[""])
    left_out = [{**plain(entry), "reason": entry.reason} for entry in board.left_out]
    return told | {"left_out": left_out, "confirmation": confirmed.as_dict(found, board) if found else None}
