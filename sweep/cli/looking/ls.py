"""``sweep ls``: the sweeps in a storage folder."""

from typing import TYPE_CHECKING, Any

import click

from sweep.cli.options import storage_option
from sweep.records.status import Status
from sweep.storage import layout

if TYPE_CHECKING:
    from sweep.records.catalog import Sweep


@click.command(name="ls")
@storage_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(storage: str, as_json: bool) -> None:
    """List the sweeps in the storage folder, newest first."""
    from sweep import formatting
    from sweep.records.catalog import find_sweeps
    from sweep.records.schemas import to_json
    from sweep.results.leaderboard import METRICS
    from sweep.storage.opening import open_folder
    from sweep.terminal import tables

    place = open_folder(storage)
    sweeps, problems = find_sweeps(place)
    facts = [_facts(sweep) for sweep in sweeps]
    for problem in problems:
        click.echo(f"warning: {problem}", err=True)
    if as_json:
        click.echo(to_json(facts, indent=2))
        return
    if not facts:
        click.echo(f"no sweeps in '{place}' yet; start one with 'sweep run SPEC'")
        return
    columns = [
        tables.Column("name"),
        tables.Column("created"),
        tables.Column("trials", right=True),
        tables.Column("best", right=True),
        tables.Column("metric", droppable=True),
        tables.Column("size", right=True),
        tables.Column("checkpoints", right=True, droppable=True),
        tables.Column("status", droppable=True),
    ]
    rows = [
        [
            fact["name"],
            formatting.moment(fact["created"]),
            f"{fact['started']}/{fact['planned'] or '?'}",
            formatting.number(fact["best"])
            + (" so far" if fact["provisional"] and fact["best"] is not None else ""),
            f"{METRICS.get(fact['metric'], fact['metric'])} ({fact['extractor'] or 'unknown extractor'})",
            formatting.size(fact["bytes"]),
            formatting.size(fact["checkpoint_bytes"]),
            ", ".join(f"{n} {status}" for status, n in fact["statuses"].items()) or "nothing yet",
        ]
        for fact in facts
    ]
    tables.show(columns, rows)


def _facts(sweep: "Sweep") -> dict[str, Any]:
    """Collect the line of a sweep; the best value comes from ``trials``, because opening all metrics takes too long."""
    from sweep.records.snapshots import finite
    from sweep.results.summary import summarise

    table = sweep.store.table(
        "trials", ["status", "verdict", "kimg", "best_value", "result", "seconds_train", "seconds_eval"]
    )
    trials = table.to_pylist()
    summary, sizes = summarise(sweep, trials, [], []), sweep.folder.sizes()
    able = [row for row in trials if not Status(row["status"]).out_of_play]
    results = [value for row in able if (value := finite(row["result"])) is not None]
    values = results or [value for row in able if (value := finite(row["best_value"])) is not None]
    return {
        "name": sweep.name,
        "created": sweep.info.created,
        "started": summary.trials,
        "planned": summary.planned,
        "statuses": summary.statuses,
        "metric": sweep.info.metric,
        "extractor": sweep.info.extractor,
        "best": min(values, default=None),
        "provisional": not results,
        "bytes": sum(sizes.values()),
        "checkpoint_bytes": sizes.get(layout.CHECKPOINTS, 0),
        "folder": str(sweep.folder),
    }
