"""Print which trials no other beats in everything, as `sweep best --pareto` does."""

import click

from sweep import formatting
from sweep.formatting import printable
from sweep.results.leaderboard import Leaderboard
from sweep.results.tradeoffs.offers import Tradeoffs
from sweep.terminal import tables


def show(name: str, board: Leaderboard, found: Tradeoffs) -> None:
    """Print the trials of a sweep that no other beats in quality, variety and cost together."""
    click.echo(printable(f"{name}: {found.sentence}"))
    if board.wishes:
        click.echo(f"subject to {', '.join(board.wishes)}")
    if not found.offers:
        if board.nearest:
            click.echo(board.nearest)
        return
    names = [
        path
        for path in found.offers[0].entry.params
        if any(one.entry.params.get(path) is not None for one in found.offers)
    ]
    columns = [
        tables.Column("rank", right=True),
        tables.Column("trial", right=True),
        *(
            tables.Column(board.column(one.name) if one.name == board.metric else one.title, right=True)
            for one in found.objectives
        ),
        tables.Column("best at"),
        *(tables.Column(short, right=True, droppable=True) for short in formatting.short_names(names)),
    ]
    tables.show(
        columns,
        [
            [
                str(offer.entry.rank),
                str(offer.entry.trial),
                *(one.shown(value) for one, value in zip(found.objectives, offer.values, strict=True)),
                offer.words,
                *(formatting.value(offer.entry.params.get(path)) for path in names),
            ]
            for offer in found.offers
        ],
    )
