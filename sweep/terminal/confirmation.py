"""Print what `sweep confirm` has found."""

from sweep import formatting
from sweep.results.confirming.confirmation import Confirmation, more_seeds, told_apart
from sweep.results.leaderboard import Leaderboard
from sweep.terminal import tables


def show(found: Confirmation, board: Leaderboard, wins: str = "") -> None:
    """Print the table of a confirmation and its verdict; values in the sweep are those of the leaderboard.

    Args:
        found: The confirmation.
        board: Of its sweep.
        wins: Which configuration wins, where that is to be said.
    """
    entries = {entry.trial: entry for entry in board.ranked}
    names = list(board.ranked[0].params) if board.ranked else []
    columns = [
        tables.Column("trial", right=True),
        tables.Column(f"mean {board.column(found.metric)}", right=True),
        tables.Column("spread", right=True),
        tables.Column("95 % interval", right=True),
        tables.Column("seeds", right=True),
        tables.Column("lost"),
        tables.Column("best", right=True),
        tables.Column("in the sweep", right=True),
        *(tables.Column(short, right=True, droppable=True) for short in formatting.short_names(names)),
    ]
    rows = []
    for repeats in found.repeats:
        entry = entries.get(repeats.trial)
        interval = (
            " to ".join(map(formatting.number, repeats.interval)) if repeats.interval else more_seeds(repeats)
        )
        lost = ", ".join(f"{count} {reason}" for reason, count in repeats.lost.items()) or formatting.MISSING
        seeds = str(len(repeats.values)) + (f" (+{repeats.pending})" if repeats.pending else "")
        chance = found.chances.get(repeats.trial)
        best = formatting.MISSING if chance is None else formatting.percent(chance)
        numbers = [
            formatting.number(repeats.mean),
            formatting.number(repeats.spread),
            interval,
            seeds,
            lost,
            best,
        ]
        params = entry.params if entry else {}
        old = formatting.number(entry.value if entry else None)
        rows.append(
            [str(repeats.trial), *numbers, old, *(formatting.value(params.get(name)) for name in names)]
        )
    tables.show(columns, rows)
    for told in (told_apart(found), wins, found.told_uncounted):
        if told:
            print(told)
