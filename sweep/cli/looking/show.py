"""``sweep show [NAME]``: one sweep in a page of text."""

from typing import TYPE_CHECKING, Any

import click

from sweep.cli.options import name_argument, storage_option
from sweep.records.status import Status

MISHAPS = 5
"""Reasons for which workers gave up that are printed at most."""
TRIALS = 50
"""Of more trials only so many are printed, the best."""

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ganlib.metrics.identity import Baseline, Floor
    from sweep.records.catalog import Sweep
    from sweep.records.sweep_info import SweepInfo
    from sweep.results.leaderboard import Entry, Leaderboard
    from sweep.results.state import State
    from sweep.results.summary import Summary

SKIPPED_SHOWN = 10
UNSHOWN = ("config", "params", "seed", "started", "ended")
"""Columns of ``trials`` that only JSON has; of thousands of rows, these take the longest to read."""


@click.command(name="show")
@name_argument
@storage_option
@click.option("--all", "every", is_flag=True, help=f"All trials; without, of more than {TRIALS} the best.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(name: str | None, storage: str, every: bool, as_json: bool) -> None:
    """Show the sweep NAME (the newest by default): its search, rungs, verdicts, events and trials.

    Of many trials the best are listed, then those that may still be; --all lists all by number, --json has all.
    """
    from sweep import formatting
    from sweep.records.catalog import open_sweep
    from sweep.records.rows import uncollected
    from sweep.records.schemas import to_json
    from sweep.records.snapshots import finite
    from sweep.results.by_class import told
    from sweep.results.continued import read_continued, sentences
    from sweep.results.decisive import read_decisive
    from sweep.results.ranking import check_metric, rank_or_explain
    from sweep.results.state import as_they_stand, state_of
    from sweep.results.summary import summarise
    from sweep.storage.opening import open_folder

    sweep = open_sweep(open_folder(storage), name)
    with uncollected():
        store = sweep.store
        trials = store.rows("trials", without=() if as_json else UNSHOWN)
        trials = as_they_stand(sweep.folder, trials)
        rungs, events, results = store.rows("rungs"), store.rows("events"), store.rows("results")
        metric = check_metric(sweep.info.metric)
        able = {row["trial"] for row in results if finite(row[metric]) is not None}
        metrics = read_decisive(store, metric, {row["trial"] for row in trials} - able)
        known = {"trials": trials, "rungs": rungs, "results": results}
        state = state_of(sweep, known.__getitem__)
        summary = summarise(sweep, trials, rungs, events, results)
        info = sweep.info
        board, problem = rank_or_explain(
            trials, metrics, metric, info.floor, results, info.baseline, info.wishes
        )
    best = board.entries[0].source if board.entries else {}
    if as_json:
        click.echo(to_json(_as_dict(sweep, state, summary, trials, events, best), indent=2))
        return
    _print_facts(sweep, state, summary, board.label, told(best))
    if problem:
        click.echo(f"\n{problem}")
    if board.entries:
        click.echo("")
        _print_trials(board, every, {row["trial"]: row["variety"] for row in rungs if row["alike"]})
    if board.nearest:
        click.echo(board.nearest)
    for suspicion in board.suspicions:
        click.echo(f"suspicious: {suspicion}")
    for warning in board.warnings:
        click.echo(f"warning: {warning}")
    for line in sentences(sweep, read_continued(sweep)):
        click.echo(formatting.printable(line))
    _print_mishaps(events)


def _print_facts(sweep: "Sweep", state: "State", summary: "Summary", label: str, classes: list[str]) -> None:
    from sweep import formatting
    from sweep.results.places import told
    from sweep.results.summary import until
    from sweep.spec.space import searched

    info, note = sweep.info, sweep.note
    plain = sweep.spec()
    space = [f"{path} {words}" for path, words in searched(plain).items()]
    counts = [f"{n} {status}" for status, n in summary.statuses.items()]
    budget = formatting.kimg(info.budget)
    spent = formatting.duration(summary.seconds_train + summary.seconds_eval)
    facts: list[tuple[str, str | list[str]]] = [
        ("folder", str(sweep.folder)),
        ("created", formatting.moment(info.created)),
        ("state", state.told(sweep.folder)),
        ("tags", [", ".join(note.tags)] if note.tags else []),
        ("note", note.text.splitlines()),
        ("data", _data(info)),
        ("metric", f"{label}, smaller is better"),
        ("wishes", [wish.words for wish in info.wishes]),
        ("budget", f"{budget} kimg{until(plain)}, evaluated every {formatting.kimg(info.interval)} kimg"),
        ("begun", [f"{value}: {ancestor}" for value, ancestor in info.ancestors.items()]),
        ("search", space),
        ("trials", f"{summary.trials} of {summary.planned or '?'}: {', '.join(counts) or 'none started'}"),
        ("time", f"{spent} over all trials, evaluating: {_evaluating(summary)}"),
        ("places", told(summary.places)),
        ("rungs", [rung.words for rung in summary.rungs]),
        ("floor", [_floor(floor) for floor in info.floor]),
        ("baseline", [_baseline(baseline) for baseline in info.baseline]),
        ("classes", classes and ["of the best trial's result, the worst first", *classes]),
        (
            "verdicts",
            [f"{verdict}: {formatting.count(n, 'trial')}" for verdict, n in summary.verdicts.items()],
        ),
        ("events", [f"{kind}: {n}" for kind, n in summary.events.items()]),
        ("skipped", _skipped(summary.skipped)),
    ]
    click.echo(formatting.printable(sweep.name))
    for title, value in facts:
        for index, line in enumerate([value] if isinstance(value, str) else value):
            click.echo(f"  {title if index == 0 else '':9} {formatting.printable(line)}")


def _print_mishaps(events: list[dict[str, Any]]) -> None:
    """Print why workers gave up, each cause once with its traceback, and what became of checkpoints."""
    from sweep import formatting
    from sweep.results.mishaps import damaged_checkpoints, mishaps, otherwise

    found = mishaps(events)
    for one in found[:MISHAPS]:
        whose = formatting.trial_numbers(sorted(set(one.trials)))
        often = formatting.count(len(one.trials), "time")
        ended = f"; {formatting.count(one.given_up, 'trial')} given up" if one.given_up else ""
        click.echo(f"\nworkers gave up {often} ({whose}{ended}): {formatting.printable(one.reason)}")
        for line in one.traceback.splitlines():
            click.echo(f"  {formatting.printable(line)}")
    if len(found) > MISHAPS:
        click.echo(f"\nand for {formatting.count(len(found) - MISHAPS, 'other reason')}: --json has all")
    for damage in damaged_checkpoints(events):
        click.echo(f"damaged: {formatting.printable(damage)}")
    for line in otherwise(events):
        click.echo(formatting.printable(line))


def _evaluating(summary: "Summary") -> str:
    """Say how long evaluations took, such as ``12 s (7 %)``."""
    from sweep import formatting

    total = summary.seconds_train + summary.seconds_eval
    share = f" ({100 * summary.seconds_eval / total:.0f} %)" if total else ""
    results = ""
    if total and summary.seconds_results:
        part = 100 * summary.seconds_results / total
        results = f"; results took {formatting.duration(summary.seconds_results)} of it ({part:.1f} %)"
    return formatting.duration(summary.seconds_eval) + share + results


def _floor(floor: "Floor") -> str:
    """Say in one line what held-out real pictures score."""
    return f"{_scores(floor)}: {floor.n_fake} held-out real pictures against the others"


def _baseline(baseline: "Baseline") -> str:
    """Say in one line what photographs score as they are."""
    return f"{_scores(baseline)}: {baseline.n_fake} photographs as they are"


def _scores(of: "Floor | Baseline") -> str:
    """List what was measured of pictures that no generator made."""
    from ganlib.names import METRICS
    from sweep import formatting

    told = []
    for name, metric in METRICS.items():
        error = getattr(of, metric.error) if metric.error else None
        if (value := getattr(of, name)) is not None:
            told.append(f"{metric.label} {formatting.with_error(value, error)}")
    return ", ".join(told)


def _data(info: "SweepInfo") -> str:
    from sweep import formatting

    known = formatting.count(info.images, "picture") if info.images else "pictures"
    if info.photos:
        known = (
            f"{formatting.count(info.images, 'drawing')} and {formatting.count(info.photos, 'photograph')}"
        )
    parts = [
        known,
        info.prepared,
        f"{len(info.classes)} classes" if info.classes else "",
        *info.told_duplicates,
        info.attribution,
        f"hash {info.data_hash[:12] or '?'}",
    ]
    return ", ".join(part for part in parts if part)


def _skipped(names: "Sequence[str]") -> list[str]:
    shown = list(names[:SKIPPED_SHOWN])
    return shown + ([f"and {len(names) - len(shown)} more (--json)"] if len(names) > len(shown) else [])


def _print_trials(board: "Leaderboard", every: bool, alike: "Mapping[int, float]") -> None:
    from sweep import formatting
    from sweep.terminal import tables

    entries = board.entries
    if few := not every and len(entries) > TRIALS:
        entries = entries[:TRIALS]
    names = list(entries[0].params)
    translated = any(entry.baseline for entry in entries)
    columns = [
        tables.Column("trial", right=True),
        tables.Column("status"),
        tables.Column("kimg", right=True),
        tables.Column(board.column(board.metric), right=True),
        tables.Column("floor", right=True, droppable=True),
        *([tables.Column("baseline", right=True, droppable=True)] if translated else []),
        tables.Column("pictures", right=True, droppable=True),
        tables.Column("note", droppable=True),
        *(tables.Column(short, right=True, droppable=True) for short in formatting.short_names(names)),
    ]

    def cells(entry: "Entry") -> list[str]:
        row = entry.row
        _, error = entry.measure(board.metric)
        head = [
            str(entry.trial),
            entry.status,
            formatting.kimg(row["kimg"]),
            formatting.with_error(entry.value, error),
        ]
        measure = [
            formatting.number(getattr(entry.floor, board.metric, None)),
            *([formatting.number(getattr(entry.baseline, board.metric, None))] if translated else []),
            formatting.value(entry.n_fake),
        ]
        note = _note(entry, alike.get(entry.trial))
        return [*head, *measure, note, *(formatting.value(entry.params.get(path)) for path in names)]

    shown = entries if few else sorted(entries, key=lambda entry: entry.trial)
    tables.show(columns, [cells(entry) for entry in shown])
    if few:
        click.echo(f"and {len(board.entries) - TRIALS:,} more, the best first (--all)")


def _note(entry: "Entry", variety: float | None) -> str:
    """Choose the one thing to know of a trial beside its status; ``variety`` is what it ended for, if it did."""
    if entry.broken:
        return "; ".join(entry.broken)
    if variety is not None:
        return f"{variety:.0%} of the variety"
    if entry.status is Status.STOPPED and entry.row["rung"] is not None:
        return f"at rung {entry.row['rung']}"
    if entry.rank == 1:
        return "best so far" if not entry.measured else "best"
    if entry.row.get("still_improving"):
        return "still improving at its end"
    return (entry.reason or "").partition(": ")[2].partition(";")[0]


def _as_dict(
    sweep: "Sweep",
    state: "State",
    summary: "Summary",
    trials: list[dict[str, Any]],
    events: list[dict[str, Any]],
    best: "Mapping[str, Any]",
) -> dict[str, Any]:
    from dataclasses import asdict

    from sweep.results.by_class import class_kids
    from sweep.results.summary import detail

    return {
        "name": sweep.name,
        "folder": str(sweep.folder),
        "state": state,
        "tags": sweep.note.tags,
        "note": sweep.note.text,
        "info": sweep.info.plain(),
        "spec": sweep.spec(),
        "summary": asdict(summary),
        "class_kid": [asdict(one) for one in class_kids(best)],
        "trials": trials,
        "events": [{**event, "detail": detail(event)} for event in events],
    }
