"""Print what people judged of a sweep's pictures."""

from sweep import formatting
from sweep.results.judging.eye import Eye, sentences
from sweep.terminal import tables


def show(eye: Eye) -> None:
    """Print a person's scores as a table, best first, and what they come to."""
    label = eye.label
    columns = [
        tables.Column("by eye", right=True),
        tables.Column("trial", right=True),
        tables.Column("score", right=True),
        tables.Column("95 % interval", right=True),
        tables.Column("wins", right=True),
        tables.Column("best", right=True),
        tables.Column("judged", right=True),
        tables.Column(label, right=True, droppable=True),
        tables.Column(f"by {label}", right=True),
    ]
    rows = [
        [
            str(place),
            str(one.trial),
            f"{one.score:+.2f}",
            f"{one.interval[0]:+.2f} to {one.interval[1]:+.2f}",
            formatting.percent(one.wins),
            formatting.percent(one.best),
            str(one.judged),
            formatting.number(one.value),
            formatting.value(one.rank),
        ]
        for place, one in enumerate(eye.standings, start=1)
    ]
    if rows:
        tables.show(columns, rows)
    for line in sentences(eye):
        print(formatting.printable(line))
