"""``sweep cache``: what lies in the cache folder, and clearing it."""

from collections import Counter
from typing import TYPE_CHECKING

import click

from sweep.cli.keeping.asking import agreed, yes_option
from sweep.cli.options import storage_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sweep.commands.keeping.cached import Entry

KINDS = ("pictures", "features", "buckets", "weights", "logs")
NAMED = 3
"""Sweeps that are named beside what they use."""


@click.command(name="cache")
@storage_option
@click.option(
    "--clear",
    "kinds",
    type=click.Choice([*KINDS, "all"]),
    multiple=True,
    help="Delete what is of this kind (repeatable).",
)
@click.option("--unused", is_flag=True, help="With --clear: only what no sweep in --storage is known to use.")
@yes_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(storage: str, kinds: tuple[str, ...], unused: bool, yes: bool, as_json: bool) -> None:
    """List what lies in the cache folder (~/.cache/sweep, or $SWEEP_CACHE), its size, and which sweeps use it.

    All of it can be made or fetched again, which costs time: 'pictures' are packed for training, 'features' are what
    networks see in real pictures, 'buckets' are pictures fetched from S3, 'weights' came from other machines, 'logs'
    are of drivers in the background. Only the sweeps in --storage are known. What a running one of them uses is not
    cleared, nor what a process is just making.
    """
    from ganlib.data.cache import cache_dir
    from ganlib.errors import RequestError
    from sweep.commands.keeping.cached import User, entries
    from sweep.records.catalog import find_sweeps
    from sweep.records.schemas import to_json
    from sweep.storage.opening import open_folder

    if unused and not kinds:
        raise RequestError("--unused belongs to --clear KIND")
    if as_json and kinds:
        raise RequestError("--json lists what there is: leave out --clear, or --json")
    cache = cache_dir()
    found = entries(cache, [User.of(sweep, cache) for sweep in find_sweeps(open_folder(storage))[0]])
    if as_json:
        click.echo(to_json({"folder": str(cache), "entries": [one.plain() for one in found]}, indent=2))
    elif kinds:
        wanted = KINDS if "all" in kinds else kinds
        _clear([one for one in found if one.kind in wanted and not (unused and one.used_by)], yes)
    else:
        _show(cache, found)


def _show(cache: "Path", found: "Sequence[Entry]") -> None:
    """Print a table, and the size of each kind."""
    from sweep import formatting
    from sweep.terminal import tables

    if not found:
        click.echo(f"nothing in '{cache}'")
        return
    columns = [
        tables.Column("kind"),
        tables.Column("size", right=True),
        tables.Column("what"),
        tables.Column("written", droppable=True),
        tables.Column("used by"),
    ]
    rows = [
        [
            one.kind,
            formatting.size(one.bytes),
            one.what,
            formatting.moment(one.written),
            _users(one),
        ]
        for one in found
    ]
    tables.show(columns, rows)
    sizes: Counter[str] = Counter()
    for one in found:
        sizes[one.kind] += one.bytes
    parts = ", ".join(f"{kind} {formatting.size(size)}" for kind, size in sizes.most_common())
    click.echo(f"{formatting.size(sizes.total())} in {cache}: {parts}")


def _users(one: "Entry") -> str:
    """Name the sweeps that use something."""
    more = len(one.used_by) - NAMED
    return ", ".join(one.used_by[:NAMED]) + (f" and {more} more" if more > 0 else "") or "-"


def _clear(chosen: "Sequence[Entry]", yes: bool) -> None:
    """Delete what is chosen, once that has been agreed to."""
    from sweep import formatting
    from sweep.commands.keeping.cached import clear

    if not chosen:
        click.echo("there is nothing of that kind")
        return
    counts = Counter(one.kind for one in chosen)
    for kind, number in counts.most_common():
        size = sum(one.bytes for one in chosen if one.kind == kind)
        click.echo(f"{kind}: {formatting.count(number, 'item')}, {formatting.size(size)}")
    total = formatting.size(sum(one.bytes for one in chosen))
    if not agreed(f"Clear {total}? It can be made again.", yes, "nothing was cleared"):
        return
    freed, stayed = clear(chosen)
    for one in stayed:
        why = f"{', '.join(one.running)} is running" if one.running else "a process is making it"
        click.echo(formatting.printable(f"stays: {one.kind}, {one.what}: {why}"))
    click.echo(f"{formatting.size(freed)} freed")
