"""Print tables that fit the width of a terminal, and plain columns where the output is no terminal."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweep.formatting import printable
from sweep.records.status import Status

if TYPE_CHECKING:
    from rich.console import Console

STYLES: dict[str, str] = {
    Status.RUNNING: "cyan",
    Status.FINISHED: "green",
    Status.EXPIRED: "green",
    Status.STOPPED: "yellow",
    Status.COLLAPSED: "red",
    Status.FAILED: "bold red",
    Status.INTERRUPTED: "magenta",
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        right: Numbers are aligned to the right.
        droppable: Left away, the rightmost first, where the terminal is too narrow.
    """

    title: str
    right: bool = False
    droppable: bool = False


def show(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output; if the terminal is too narrow, without some droppable columns."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max([len(column.title), *(len(row[i]) for row in cells)]) for i, column in enumerate(columns)]
    if not sys.stdout.isatty():
        _plain(columns, cells, widths)
        return
    from rich.console import Console

    console = Console(highlight=False)
    kept = _fitting(columns, widths, console.width)
    _pretty(console, [columns[i] for i in kept], [[row[i] for i in kept] for row in cells])
    if dropped := [column.title for i, column in enumerate(columns) if i not in kept]:
        names = printable(", ".join(dropped))
        console.print(f"(too narrow for: {names}; --json shows everything)", style="dim", markup=False)


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    kept = list(range(len(columns)))
    for index in reversed(range(len(columns))):
        if sum(widths[i] + 2 for i in kept) <= width:
            break
        if columns[index].droppable:
            kept.remove(index)
    return kept


def _plain(columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
    for row in ([column.title for column in columns], *rows):
        aligned = [
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, column, width in zip(row, columns, widths, strict=True)
        ]
        print("  ".join(aligned).rstrip())


def _pretty(console: "Console", columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(column.title), justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console.print(table)
