"""``sweep ls [PATTERN]...``: the sweeps in a storage folder."""

from typing import TYPE_CHECKING

import click

from sweep.cli.completing import sweep_names, sweep_tags
from sweep.cli.options import storage_option

if TYPE_CHECKING:
    from sweep.results.overview import Overview

NOTE_WIDTH = 40
"""Characters of a note that are shown."""
ORDERS = ("created", "name", "best", "trials", "size", "status")
STATES = ("running", "interrupted", "done")


@click.command(name="ls")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...", shell_complete=sweep_names)
@storage_option
@click.option(
    "--sort",
    "order",
    type=click.Choice(ORDERS),
    default="created",
    show_default=True,
    help="The newest, the lowest value, the most trials, the largest or the running first.",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    shell_complete=sweep_tags,
    help="Only with this tag (repeatable: with all).",
)
@click.option(
    "--status",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    help="Only such (repeatable: any of them).",
)
@click.option("--sizes", is_flag=True, help="Add up the bytes of all files (as --sort size and --json do).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    patterns: tuple[str, ...],
    storage: str,
    order: str,
    reverse: bool,
    tags: tuple[str, ...],
    states: tuple[str, ...],
    sizes: bool,
    as_json: bool,
) -> None:
    """List the sweeps in the storage folder, newest first; with PATTERN only those whose names fit, as 'faces-*'.

    Quote a PATTERN, so that the shell does not look for files. A sweep is 'running' while somebody runs it, or a
    confirmation of it; 'interrupted' if more is to come but nobody does it ('sweep resume'); otherwise 'done'.
    """
    from sweep.records.catalog import find_sweeps
    from sweep.records.schemas import to_json
    from sweep.results.overview import overviews, select
    from sweep.storage.opening import open_folder

    place = open_folder(storage)
    sweeps, problems = find_sweeps(place)
    sized = sizes or as_json or order == "size"  # each of a sweep's files is looked at
    shown, unreadable = overviews(select(sweeps, patterns, tags), order, states, sized)
    if reverse:
        shown.reverse()
    for problem in [*problems, *unreadable]:
        click.echo(f"warning: {problem}", err=True)
    if as_json:
        click.echo(to_json([one.plain() for one in shown], indent=2))
    elif shown:
        _show(shown, sized)
    elif sweeps:
        click.echo(f"none of the {len(sweeps):,} sweeps in '{place}' is like that")
    else:
        click.echo(f"no sweeps in '{place}' yet; start one with 'sweep run SPEC'")


def _show(sweeps: "list[Overview]", sized: bool) -> None:
    """Print a table; tags and notes only where there are any."""
    from sweep.terminal import tables

    tagged, noted = any(one.tags for one in sweeps), any(one.note for one in sweeps)
    columns = [
        tables.Column("name"),
        tables.Column("created"),
        tables.Column("trials", right=True),
        tables.Column("best", right=True),
        *([tables.Column("tags", droppable=True)] if tagged else []),
        *([tables.Column("note", droppable=True)] if noted else []),
        tables.Column("metric", droppable=True),
        *([tables.Column("size", right=True)] if sized else []),
        *([tables.Column("checkpoints", right=True, droppable=True)] if sized else []),
        tables.Column("status", droppable=True),
    ]
    tables.show(columns, [_cells(one, tagged, noted) for one in sweeps])


def _cells(one: "Overview", tagged: bool, noted: bool) -> list[str]:
    from ganlib.names import METRICS
    from sweep import formatting

    metric = METRICS.get(one.metric)  # of a later version it may be unknown
    so_far = " so far" if one.provisional and one.best is not None else ""
    trials = ", ".join(f"{n} {status}" for status, n in one.statuses.items()) or "nothing yet"
    return [
        one.name,
        formatting.moment(one.created),
        f"{one.started}/{one.planned or '?'}",
        formatting.number(one.best) + so_far,
        *([", ".join(one.tags)] if tagged else []),
        *([_clipped(one.note)] if noted else []),
        f"{metric.name(one.extractor) if metric else one.metric} ({one.extractor or 'unknown extractor'})",
        *(formatting.size(count) for count in (one.bytes, one.checkpoint_bytes) if count is not None),
        f"{one.state}: {trials}",
    ]


def _clipped(note: str) -> str:
    """Shorten a note to its first line, or less."""
    first, _, more = note.partition("\n")
    short = first[:NOTE_WIDTH]
    return f"{short}..." if more or len(first) > NOTE_WIDTH else short
