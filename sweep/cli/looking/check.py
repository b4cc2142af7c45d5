"""``sweep check [NAME]``."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sweep.cli.options import name_argument, storage_option
from sweep.formatting import count
from sweep.storage.called import called

if TYPE_CHECKING:
    from sweep.check.folder import Finding
    from sweep.storage.folder import Folder

PASSES = 4
"""What is mended may uncover more: a part brings back a trial, the trial brings back its rungs."""


@click.command(name="check")
@name_argument
@storage_option
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(name: str | None, storage: str, repair: bool, as_json: bool) -> None:
    """Check that everything of the sweep NAME (the newest by default) is whole and agrees.

    Looks at every record, decision, picture, checkpoint and digest. Exits with 1 if something is wrong, or
    could not be mended with --repair.
    """
    from sweep.check.foundations import files, foundations
    from sweep.records.catalog import open_sweep
    from sweep.records.sweep_info import BrokenInfoError
    from sweep.storage.opening import open_folder

    place = open_folder(storage)
    try:
        sweep = open_sweep(place, name)
        folder, name = sweep.folder, sweep.name
    except BrokenInfoError as error:
        folder = error.folder
        name = name or folder.name
    if bare := foundations(folder):
        _tell_bare(name, folder, [*bare, *files(folder)], as_json)
    _tell_all(name, folder, repair, as_json)


def _tell_bare(name: str, folder: "Folder", found: "list[Finding]", as_json: bool) -> NoReturn:
    """Tell what can be told of a sweep whose spec or facts are broken: nothing is mended before they are back."""
    from sweep.records.schemas import to_json
    from sweep.storage.lease import living

    if as_json:
        told = {"name": name, "running": living(folder) is not None, "unmeasured": []}
        click.echo(to_json(told | {"mended": [], "findings": _plain(found)}, indent=2))
    else:
        _print(found)
        click.echo(
            f"'{name}' has {count(len(found), 'fault')} (of the rest, only single files could be checked)"
        )
        click.echo(f"nothing is mended before '{found[0].path}' is whole: then check again")
    sys.exit(1)


def _tell_all(name: str, folder: "Folder", repair: bool, as_json: bool) -> NoReturn:
    """Tell all that is wrong with a sweep, and mend it before if that is asked for."""
    from sweep.check.folder import Found
    from sweep.check.rules import find
    from sweep.records.schemas import to_json
    from sweep.storage.lease import Owner

    mended: list[Finding] = []
    if repair:
        with Owner(folder, partial(click.echo, err=True)):
            for _ in range(PASSES):
                if not (found := mend(folder)):
                    break
                mended += found
    records = Found.load(folder)
    left = find(records)
    if as_json:
        told = {"name": name, "running": records.running, "unmeasured": records.due}
        click.echo(to_json(told | {"mended": _plain(mended), "findings": _plain(left)}, indent=2))
        sys.exit(1 if left else 0)
    for finding in mended:
        click.echo(f"mended: {finding.path} {finding.what}")
    _print(left)
    rows = sum(len(rows) for (dataset, _), rows in records.parts.items() if dataset == "metrics")
    checked = f"{count(len(records.trials), 'trial')}, {count(rows, 'evaluation')}"
    if records.due and not records.running:
        checked += f"; {len(records.due)} to be measured by 'sweep resume {called(folder)}'"
    if not left:
        click.echo(f"'{name}' is whole: {checked}")
        sys.exit(0)
    click.echo(f"'{name}' has {count(len(left), 'fault')} ({checked})")
    if not repair and any(finding.mend for finding in left):
        click.echo(f"mend what can be mended with 'sweep check {called(folder)} --repair'")
    sys.exit(1)


def _plain(found: "list[Finding]") -> list[dict[str, Any]]:
    return [{"path": one.path, "what": one.what, "repairable": one.mend is not None} for one in found]


def _print(found: "list[Finding]") -> None:
    for finding in found:
        click.echo(f"{finding.path} {finding.what}")


def mend(folder: "Folder") -> "list[Finding]":
    """Mend all findings that can be mended, and return them."""
    from sweep.check.folder import Found
    from sweep.check.rules import find

    records = Found.load(folder)
    records.running = False  # this process holds the lease
    for (dataset, trial), rows in records.late.items():  # who mends a ledger makes it of the parts
        records.store.replace(dataset, trial, rows)
    able = [finding for finding in find(records) if finding.mend]
    for finding in able:
        if finding.mend:
            finding.mend()
    return able
